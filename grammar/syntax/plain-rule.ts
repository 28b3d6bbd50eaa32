import type { Word } from './ast.js';
import { unquote } from './quote.js';
import { RuleCounters, WORD } from './tokens.js';

/** A piece of a line, by its place. */
export interface Piece {
  readonly image: string;
  readonly startOffset: number;
}

export interface PlainRule {
  readonly counters?: Piece;
  readonly words: readonly Word[];
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const BLANK = 0x20;
const QUOTE = 0x22;
const DASH = 0x2d;
const BRACKET = 0x5b;

const QUOTED_WORD = new RegExp(WORD.source, 'y');
const COUNTERS = new RegExp(RuleCounters.PATTERN instanceof RegExp ? RuleCounters.PATTERN.source : '(?!)', 'y');

/**
 * The words of a line that begins with a dash or with counters, cut as the grammar cuts them; undefined for any other
 * line. Nearly every line of a large dump is such a rule, and its shape needs no grammar to be told.
 */
export function plainRule(text: string, line: number): PlainRule | undefined {
  const first = text.charCodeAt(0);
  if (first === DASH) return { words: wordsFrom(text, 0, line) };
  if (first !== BRACKET) return undefined;
  COUNTERS.lastIndex = 0;
  if (!COUNTERS.test(text)) return undefined;
  const end = COUNTERS.lastIndex;
  return { counters: { image: text.slice(0, end), startOffset: 0 }, words: wordsFrom(text, end, line) };
}

function wordsFrom(text: string, from: number, line: number): readonly Word[] {
  const words: Word[] = [];
  let at = from;
  while (at < text.length) {
    if (isBlank(text.charCodeAt(at))) {
      at++;
      continue;
    }
    const start = at;
    while (at < text.length && isOrdinary(text.charCodeAt(at))) at++;
    if (text.charCodeAt(at) === QUOTE) {
      at = endOfQuoted(text, start);
      words.push(wordAt(text.slice(start, at), start, line));
    } else {
      const raw = text.slice(start, at);
      words.push({ line, column: start + 1, length: raw.length, text: raw, raw });
    }
  }
  return words;
}

function isBlank(code: number): boolean {
  return code === BLANK || code === NEWLINE || code === TAB;
}

function isOrdinary(code: number): boolean {
  return code > QUOTE || (code !== QUOTE && !isBlank(code));
}

function endOfQuoted(text: string, start: number): number {
  QUOTED_WORD.lastIndex = start;
  QUOTED_WORD.test(text);
  return QUOTED_WORD.lastIndex;
}

/** A word by its text as written and its offset in the line. */
export function wordAt(raw: string, offset: number, line: number): Word {
  return { line, column: offset + 1, length: raw.length, text: unquote(raw), raw };
}
