import { readFileSync } from 'node:fs';
import { formatDiagnostic, type Diagnostic } from '../../grammar/model/diagnostic.js';

/** Exit codes, as diff(1) has them. */
export const EXIT = { same: 0, different: 1, trouble: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that the user can do something about: printed as it is, without a stack. */
export class UserError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.trouble,
  ) {
    super(message);
  }
}

const useColour = (): boolean => process.env.NO_COLOR === undefined && process.stderr.isTTY === true;

const COLOURS = { error: 31, warning: 33, info: 36 } as const;

/** Messages go to stderr: stdout is for results. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Results. Writing to a closed pipe ends quietly. */
export function say(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function sayJson(value: unknown): void {
  say(JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), 2));
}

/** Prints diagnostics in the order of the file, each with its line and a caret under the word. */
export function tellDiagnostics(diagnostics: readonly Diagnostic[], file: string, text: string): void {
  const lines = text.split('\n');
  const sorted = [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column);
  for (const diagnostic of sorted) {
    const plain = formatDiagnostic(diagnostic, file);
    const colour = `\u001b[${COLOURS[diagnostic.severity]}m`;
    tell(useColour() ? plain.replace(diagnostic.severity, `${colour}${diagnostic.severity}\u001b[0m`) : plain);
    const source = lines[diagnostic.line - 1];
    if (source === undefined || source.trim() === '') continue;
    tell(`  ${excerpt(source, diagnostic)}`);
  }
}

const WIDTH = 160;

function excerpt(source: string, diagnostic: Diagnostic): string {
  const from = diagnostic.column > WIDTH - 20 ? diagnostic.column - 20 : 0;
  const shown = source.slice(from, from + WIDTH).replaceAll('\t', ' ');
  const marks = '^'.repeat(Math.max(1, Math.min(diagnostic.length, shown.length - (diagnostic.column - 1 - from))));
  return `${shown}\n  ${' '.repeat(Math.max(0, diagnostic.column - 1 - from))}${marks}`;
}

/** Reads a file as text; `-` is standard input. */
export function readInput(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UserError(`ipt2bpf: ${path}: ${reasonOf(error)}`);
  }
}

export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'ENOENT') return 'no such file';
    if (error.code === 'EACCES' || error.code === 'EPERM') return 'permission denied';
    if (error.code === 'EISDIR') return 'is a directory';
  }
  return error instanceof Error ? error.message : String(error);
}
