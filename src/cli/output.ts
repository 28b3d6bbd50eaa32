import { formatDiagnostic, type Diagnostic } from '../../grammar/model/diagnostic.js';
import { fold, foldText } from '../terminal/fold.js';
import { paintDiagnostic, paintResult } from '../terminal/paint.js';
import { terminalOf } from '../terminal/terminal.js';
import { endProgress } from './progress.js';

/** Exit codes, as diff(1) has them. */
export const EXIT = { same: 0, different: 1, trouble: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that the user can do something about: printed as it is, without a stack. Throw one of {@link userError}, but behind diagnostics. */
export class UserError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.trouble,
  ) {
    super(message);
  }
}

/** What can be wrong with a question, with files, or with what is asked of the machine; stable, in kebab-case. */
export type UserErrorCode =
  | 'already-attached'
  | 'bad-capture'
  | 'bad-object'
  | 'bad-packet'
  | 'bad-place'
  | 'bad-query'
  | 'command-missing'
  | 'no-address'
  | 'no-bpf-file-system'
  | 'no-chain'
  | 'no-counters'
  | 'no-hook'
  | 'no-intent'
  | 'no-packet'
  | 'no-log-rule'
  | 'no-rules'
  | 'no-table'
  | 'no-times'
  | 'not-a-dump'
  | 'not-attached'
  | 'not-readable'
  | 'not-writable'
  | 'nothing-kept'
  | 'nothing-saved'
  | 'nothing-verified'
  | 'other-family'
  | 'other-place'
  | 'other-rules'
  | 'refused'
  | 'too-large'
  | 'usage'
  | 'wrong-program';

/** A failure with its code, in the form of all: {@link errorLine}. */
export function userError(code: UserErrorCode, text: string, exitCode: ExitCode = EXIT.trouble): UserError {
  return new UserError(errorLine(code, text), exitCode);
}

/** `ipt2bpf: error[code]: text`: as a diagnostic, about no place in a file. */
export function errorLine(code: string, text: string): string {
  return `ipt2bpf: error[${code}]: ${text}`;
}

/** Messages go to stderr: stdout is for results. */
export function tell(text: string): void {
  endProgress();
  const { columns } = terminalOf(process.stderr, process.env);
  process.stderr.write(`${foldText(text, columns)}\n`);
}

/**
 * Results for people: control characters are shown, lines fit the terminal, what matters in them has a colour; for a
 * pipe they are as they are.
 */
export function show(text: string, paint: (line: string) => string = paintResult): void {
  const { columns, colour } = terminalOf(process.stdout, process.env);
  const lines = visible(text)
    .split('\n')
    .flatMap((line) => fold(colour ? paint(line) : line, columns));
  say(lines.join('\n'));
}

/** Results for programs, and texts of a form of their own. */
export function say(text: string): void {
  endProgress();
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function sayJson(value: unknown): void {
  say(JSON.stringify(value, (_key, item: unknown) => plain(item), 2));
}

/**
 * A reader that goes away (`| head -1`) is no trouble: the verb still ends with the code of its result, so that a
 * difference is never told as success. Any other failure to write is.
 */
export function guardStreams(): void {
  const guard = (name: string) => (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    if (name === 'stdout') tell(errorLine('not-writable', `${name}: ${reasonOf(error)}`));
    process.exit(EXIT.trouble);
  };
  process.stdout.on('error', guard('stdout'));
  process.stderr.on('error', guard('stderr'));
}

/** Text of a dump for a terminal: a control character in it is shown, not obeyed. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421';
  });
}

/** Diagnostics about the question, not about a place in the dump, point to its first character. */
function isPlaced({ line, column, length }: Diagnostic): boolean {
  return line !== 1 || column !== 1 || length !== 1;
}

/** Prints diagnostics in the order of the file, each with its line and a caret under the word. */
export function tellDiagnostics(diagnostics: readonly Diagnostic[], file: string, text: string): void {
  const lines = text.split('\n');
  const sorted = [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column);
  const { columns, colour } = terminalOf(process.stderr, process.env);
  for (const diagnostic of sorted) {
    const plain = visible(formatDiagnostic(diagnostic, file));
    tell(colour ? paintDiagnostic(plain) : plain);
    const source = lines[diagnostic.line - 1];
    if (source === undefined || source.trim() === '' || !isPlaced(diagnostic)) continue;
    process.stderr.write(`${excerpt(source, diagnostic, Math.min(LONGEST, (columns ?? LONGEST) - 2))}\n`);
  }
}

/** Columns of a line that is shown, at most. */
const LONGEST = 160;

/** A part of the line that is not longer than `width`, with marks under the word. */
function excerpt(source: string, diagnostic: Diagnostic, width: number): string {
  const from = diagnostic.column > width - 20 ? diagnostic.column - 20 : 0;
  const shown = visible(source.slice(from, from + width).replaceAll('\t', ' '));
  const marks = '^'.repeat(Math.max(1, Math.min(diagnostic.length, shown.length - (diagnostic.column - 1 - from))));
  return `  ${shown}\n  ${' '.repeat(Math.max(0, diagnostic.column - 1 - from))}${marks}`;
}

/** Why something outside failed, without the name of the system call. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = 'code' in error && typeof error.code === 'string' ? REASONS[error.code] : undefined;
  return reason ?? error.message;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a folder',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file is too large',
  ERR_FS_FILE_TOO_LARGE: 'the file is too large',
  ERR_STRING_TOO_LONG: 'the file is too large',
};

/** What JSON has no form for: whole numbers beyond 53 bits in decimal, bytes in hexadecimal digits. */
function plain(item: unknown): unknown {
  if (typeof item === 'bigint') return item.toString();
  return item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item;
}
