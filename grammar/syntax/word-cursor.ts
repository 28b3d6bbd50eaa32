import { LINE_BYTES, MOST_WORDS, WORD_BYTES } from './limits.js';

const TAB = 0x09;
const NEWLINE = 0x0a;
const BLANK = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Bytes that a UTF-16 code unit becomes in UTF-8 at most. */
const BYTES_A_UNIT = 3;

/**
 * Walks over the words of one line where they stand in the text of a file. It takes the plain words that iptables-save
 * writes: at anything that needs a closer look (control characters, escapes, a quote inside of a word, a line or word
 * that may be too long) it ends, and is `odd`. Offsets count from the beginning of the file.
 */
export class WordCursor {
  /** The word that `next` came to; of a quoted one without its quotes. */
  start = 0;
  end = 0;
  quoted = false;
  odd = false;
  private at = 0;
  private limit = 0;
  private words = 0;

  constructor(readonly text: string) {}

  /** Goes to the line from `from` to `to`, its newline included. */
  open(from: number, to: number): void {
    this.at = from;
    this.limit = to;
    this.words = 0;
    this.odd = to - from > LINE_BYTES / BYTES_A_UNIT;
  }

  /** Goes back to a place between the words of the line, where `next` has been before. */
  rewind(at: number): void {
    this.at = at;
  }

  /** Where the word ends, closing quote included. */
  get after(): number {
    return this.at;
  }

  /** Goes to the next word; false, and no further, at the end of the line and at anything odd. */
  next(): boolean {
    const { text, limit } = this;
    let at = this.at;
    let code = 0;
    while (at < limit && ((code = text.charCodeAt(at)) === BLANK || code === TAB)) at++;
    if (this.odd || at >= limit || code === NEWLINE) return false;
    return code === QUOTE ? this.nextQuoted(at + 1) : this.nextPlain(at);
  }

  /** The text of the word. */
  word(): string {
    return this.text.slice(this.start, this.end);
  }

  /** Code of the word's character at an index; NaN behind the text. */
  code(index: number): number {
    return this.text.charCodeAt(this.start + index);
  }

  get length(): number {
    return this.end - this.start;
  }

  private nextPlain(start: number): boolean {
    const { text, limit } = this;
    let at = start;
    for (; at < limit; at++) {
      const code = text.charCodeAt(at);
      if (code > QUOTE) continue;
      if (code === BLANK || code === NEWLINE || code === TAB) break;
      if (code < BLANK || code === QUOTE) return this.stop();
    }
    this.quoted = false;
    return this.found(start, at, at);
  }

  private nextQuoted(start: number): boolean {
    const { text, limit } = this;
    let at = start;
    for (; at < limit; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      if (code < BLANK || code === BACKSLASH) return this.stop();
    }
    const after = at + 1 < limit ? text.charCodeAt(at + 1) : BLANK;
    if (at >= limit || (after !== BLANK && after !== NEWLINE && after !== TAB)) return this.stop();
    this.quoted = true;
    return this.found(start, at, at + 1);
  }

  private found(start: number, end: number, after: number): boolean {
    if (++this.words > MOST_WORDS || end - start > WORD_BYTES / BYTES_A_UNIT) return this.stop();
    this.start = start;
    this.end = end;
    this.at = after;
    return true;
  }

  private stop(): false {
    this.odd = true;
    return false;
  }
}
