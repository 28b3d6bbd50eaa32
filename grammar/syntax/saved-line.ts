import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import type { Counters } from '../model/ruleset.js';
import type { RuleLine, Word } from './ast.js';
import { endOfCounters, parseCounters } from './counters.js';
import { plainRule } from './plain-rule.js';
import { WordCursor } from './word-cursor.js';

const DASH = 0x2d;
const NO_FAULTS: readonly Diagnostic[] = [];

/** The line of a rule of which, as text, there is nothing to say: what it holds is cut out of the text when asked for. */
export class SavedLine implements RuleLine {
  readonly kind = 'rule';
  readonly faults = NO_FAULTS;
  readonly usable = true;
  #words: readonly Word[] | undefined;

  /** The line is the text from `start` to `end`, newline included; `number` counts from 1. */
  constructor(
    readonly text: string,
    readonly start: number,
    readonly end: number,
    readonly number: number,
  ) {}

  get range(): SourceRange {
    const { words } = this;
    const last = words[words.length - 1];
    const { column } = words[0];
    return { line: this.number, column, length: last.column + last.length - column };
  }

  get source(): string {
    const { column, length } = this.range;
    const from = this.start + column - 1;
    return this.text.slice(from, from + length);
  }

  get counters(): Counters | undefined {
    const to = endOfCounters(this.text, this.start, this.end);
    return to === undefined ? undefined : parseCounters(this.text.slice(this.start, to));
  }

  get words(): readonly Word[] {
    this.#words ??= plainRule(this.text.slice(this.start, this.end), this.number)?.words ?? [];
    return this.#words;
  }

  /** The same as a plain object. */
  toJSON(): RuleLine {
    const { kind, range, faults, usable, source, words, counters } = this;
    return { kind, range, faults, usable, source, words, ...(counters === undefined ? {} : { counters }) };
  }
}

/** Cuts the lines of a text that can be read so. */
export class SavedLines {
  private readonly cursor: WordCursor;

  constructor(private readonly text: string) {
    this.cursor = new WordCursor(text);
  }

  /** The line from `start` to `end`; undefined where it needs a closer look. */
  line(start: number, end: number, number: number): SavedLine | undefined {
    const { cursor, text } = this;
    const from = text.charCodeAt(start) === DASH ? start : endOfCounters(text, start, end);
    if (from === undefined) return undefined;
    cursor.open(from, end);
    let words = 0;
    while (cursor.next()) words++;
    // A word alone may be a broken COMMIT.
    return cursor.odd || words < 2 ? undefined : new SavedLine(text, start, end, number);
  }
}
