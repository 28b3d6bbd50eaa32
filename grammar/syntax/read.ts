import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import type { IToken } from 'chevrotain';
import type { Line, Word } from './ast.js';
import { problem, warning } from './codes.js';
import { parseCounters } from './counters.js';
import { LineParser, type RawLine } from './line-parser.js';
import { plainRule, wordAt, type Piece } from './plain-rule.js';
import { SavedLines } from './saved-line.js';
import { utf8Length } from '../model/utf8.js';
import { LINE_BYTES, MOST_WORDS, WORD_BYTES } from './limits.js';

const parser = new LineParser();

/**
 * Reads a dump line by line, as iptables-restore's main loop does. Empty lines are left out. A line that cannot be
 * read carries its faults; the rest of the file is read all the same.
 */
export function* readLines(text: string): Generator<Line, void, undefined> {
  const reader = new LineReader(text);
  while (reader.next()) {
    const line = reader.line();
    if (line !== undefined) yield line;
  }
}

/** Goes over the lines of a text, and reads those that are asked for. */
export class LineReader {
  /** The line is the text from `start` to `end`, newline included. */
  start = 0;
  end = 0;
  /** Counts from 1. */
  number = 0;
  private readonly reports = new FileReports();
  private readonly saved: SavedLines;

  constructor(readonly text: string) {
    this.saved = new SavedLines(text);
  }

  next(): boolean {
    if (this.end >= this.text.length) return false;
    this.start = this.end;
    const newline = this.text.indexOf('\n', this.start);
    this.end = newline < 0 ? this.text.length : newline + 1;
    this.number++;
    return true;
  }

  /** The line cut into words; undefined for an empty one. */
  line(): Line | undefined {
    const { text, start, end, number } = this;
    return this.saved.line(start, end, number) ?? readLine(text.slice(start, end), number, this.reports);
  }
}

/** One line, given with its newline if it has one; undefined for an empty one. */
export function readLine(text: string, number: number, reports = new FileReports()): Line | undefined {
  const frame = lineFrame(text, number, reports);
  const plain = frame === SOUND ? plainRule(text, number) : undefined;
  if (plain !== undefined) return ruleLine(plain.words, plain.counters, text, number, frame);
  const readable = frame.usable ? text : repaired(text);
  const raw = parser.parse(readable);
  return raw === undefined ? brokenCounters(readable, number, frame) : placed(raw, readable, number, frame);
}

/** What holds for a line whatever its kind. */
type Frame = Pick<Line, 'faults' | 'usable'>;

const NO_FAULTS: readonly Diagnostic[] = [];
const SOUND: Frame = { faults: NO_FAULTS, usable: true };

function withFaults(frame: Frame, faults: readonly Diagnostic[]): Frame {
  if (faults.length === 0) return frame;
  return {
    faults: [...frame.faults, ...faults],
    usable: frame.usable && faults.every(({ severity }) => severity !== 'error'),
  };
}

/** Faults that concern a whole file are told once, at the first line that has them. */
class FileReports {
  private readonly told = new Set<string>();

  first(code: string): boolean {
    if (this.told.has(code)) return false;
    this.told.add(code);
    return true;
  }
}

function lineFrame(text: string, number: number, reports: FileReports): Frame {
  const returns = text[0] !== '#' && (text.endsWith('\r\n') || text.endsWith('\r'));
  if (!returns && text.length <= LINE_BYTES / 3 && !text.includes('\0') && text[0] !== '\ufeff') return SOUND;
  const at = (column: number): SourceRange => ({ line: number, column, length: 1 });
  const faults: Diagnostic[] = [];
  if (number === 1 && text.startsWith('\ufeff')) {
    faults.push(problem('byte-order-mark', at(1), 'the file starts with a byte order mark', 'save it without one'));
  }
  if (text.includes('\0')) {
    faults.push(problem('nul-character', at(text.indexOf('\0') + 1), 'the line holds a NUL character'));
  }
  if (text.length > LINE_BYTES / 3 && utf8Length(text) > LINE_BYTES) {
    faults.push(
      problem('line-too-long', at(1), `the line is longer than ${LINE_BYTES} bytes, iptables-restore cuts it`),
    );
  }
  if (returns && reports.first('crlf')) {
    faults.push(
      problem('crlf', at(text.lastIndexOf('\r') + 1), 'the line ends in CR LF', 'convert it, e.g. with dos2unix'),
    );
  }
  return { faults, usable: !returns && faults.length === 0 };
}

/** The line as it was meant, of the same columns, so that what is left of it can be judged too. */
function repaired(text: string): string {
  return text
    .replace(/^\ufeff/, '')
    .replace(/\r(\n?)$/, '$1')
    .replaceAll('\0', ' ');
}

/** The grammar takes any line but one whose counters are not whole. */
function brokenCounters(text: string, number: number, frame: Frame): Line {
  const range = whole(text, number);
  const fault = problem('bad-counters', { ...range, length: 1 }, 'counters need the form [packets:bytes]');
  return { kind: 'rule', range, ...withFaults(frame, [fault]), words: [], source: text.trimEnd() };
}

function placed(raw: RawLine, text: string, number: number, frame: Frame): Line | undefined {
  const range = whole(text, number);
  switch (raw.kind) {
    case 'empty':
      // A line that holds CR LF alone is not empty, and may be the first to tell of it.
      return frame.faults.length === 0 && frame.usable ? undefined : { kind: 'comment', range, ...frame, text: '' };
    case 'comment':
      return { kind: 'comment', range, ...frame, text: raw.text.image };
    case 'commit':
      return { kind: 'commit', range, ...frame };
    case 'table':
      return { kind: 'table', range, ...frame, name: names(raw.names, number)[0] };
    case 'chain': {
      const [name, policy, counters] = names(raw.names, number);
      return { kind: 'chain', range, ...frame, name, policy, counters };
    }
    case 'rule':
      return ruleLine(
        raw.words.map(({ image, startOffset }) => wordAt(image, startOffset, number)),
        raw.counters,
        text,
        number,
        frame,
      );
    default:
      return raw satisfies never;
  }
}

function whole(text: string, line: number): SourceRange {
  return { line, column: 1, length: text.trimEnd().length };
}

/** Words of a table or chain line, in which quotes are ordinary characters. */
function names(tokens: readonly IToken[], line: number): readonly (Word | undefined)[] {
  return tokens.map(({ image, startOffset }) => ({
    line,
    column: startOffset + 1,
    length: image.length,
    text: image,
    raw: image,
  }));
}

function ruleLine(words: readonly Word[], counters: Piece | undefined, text: string, line: number, frame: Frame): Line {
  const start = words.length === 0 ? 0 : words[0].column - 1;
  const last = words[words.length - 1];
  const end = last === undefined ? text.length : last.column - 1 + last.length;
  const source = text.slice(start, text[end - 1] === '\n' ? end - 1 : end);
  const range = { line, column: start + 1, length: source.length };
  const badCommit = commitFault(words, text);
  if (badCommit !== undefined) return { kind: 'commit', range, ...withFaults(frame, [badCommit]) };
  const bounds = withFaults(frame, wordFaults(words, range));
  const open = openQuote(last);
  const sound = open === undefined ? bounds : withFaults(bounds, [open]);
  if (counters === undefined) return { kind: 'rule', range, ...sound, source, words };
  const value = parseCounters(counters.image);
  const checked = value === undefined ? withFaults(sound, [oddCounters(counters, line)]) : sound;
  return { kind: 'rule', range, ...checked, source, words, counters: value };
}

/** A line that was meant to be COMMIT, but that iptables-restore takes for a rule. */
function commitFault(words: readonly Word[], text: string): Diagnostic | undefined {
  if (words.length !== 1 || words[0].raw.toUpperCase() !== 'COMMIT') return undefined;
  const at = words[0];
  if (at.raw !== 'COMMIT') return problem('bad-commit', at, `"${at.raw}" is not COMMIT`, 'write it in capitals');
  if (text.endsWith('\n')) {
    return problem(
      'bad-commit',
      at,
      'blanks stand around COMMIT',
      'it must be that word and the newline, nothing else',
    );
  }
  const hint = 'add a newline; iptables-nft-restore takes the file as it is, iptables-legacy-restore does not';
  return problem('bad-commit', at, 'the file ends without a newline after COMMIT', hint);
}

/** iptables-restore takes it; nearly always somebody has forgotten a quote. */
function openQuote(last: Word | undefined): Diagnostic | undefined {
  if (last === undefined || !last.raw.endsWith('\n')) return undefined;
  const quote = last.raw.indexOf('"');
  const at = { line: last.line, column: last.column + quote, length: last.raw.length - quote - 1 };
  return warning('open-quote', at, 'the quote is never closed: the rest of the line belongs to it', 'close it with "');
}

function wordFaults(words: readonly Word[], range: SourceRange): readonly Diagnostic[] {
  if (words.length === 0) {
    return [problem('no-command', { ...range, length: 1 }, 'the line holds blanks alone', 'remove them or the line')];
  }
  if (words.length > MOST_WORDS) {
    const message = `the line has ${words.length} words, iptables-restore takes ${MOST_WORDS}`;
    return [problem('too-many-words', words[MOST_WORDS], message, 'make several rules of it')];
  }
  const long = words.find(({ text }) => text.length > WORD_BYTES / 3 && utf8Length(text) > WORD_BYTES);
  if (long === undefined) return NO_FAULTS;
  return [problem('word-too-long', long, `the word is longer than ${WORD_BYTES} bytes`)];
}

/** iptables-restore reads counters with -c alone: without it any text stands there. */
function oddCounters({ image, startOffset }: Piece, line: number): Diagnostic {
  const at = { line, column: startOffset + 1, length: image.length };
  return warning('bad-counters', at, `"${image}" is not [packets:bytes] and is left out`);
}
