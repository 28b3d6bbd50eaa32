import type { Condition } from '../model/condition.js';
import type { SourceRange } from '../model/diagnostic.js';
import type { Family } from '../model/family.js';
import type { BoundMatch, BoundTarget, Counters, Rule } from '../model/ruleset.js';
import { endOfCounters, parseCounters, WordCursor } from '../syntax/index.js';
import { headWords } from './head.js';
import { SavedHeadReader } from './saved-head.js';

/** Where Node.js looks for what `console.log` is to show: all that the accessors give, too. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Makes the canonical words of a module from its options, which stand in a text from `from` to `to`. */
export interface SavedOptions {
  words(from: number, to: number): readonly string[];
}

/** A match that stands in the text of a dump; its words are made when they are asked for. */
export class SavedMatch implements BoundMatch {
  readonly name: string;
  readonly condition: Condition;
  readonly #options: SavedOptions;
  readonly #from: number;
  readonly #to: number;

  constructor(name: string, condition: Condition, options: SavedOptions, from: number, to: number) {
    this.name = name;
    this.condition = condition;
    this.#options = options;
    this.#from = from;
    this.#to = to;
  }

  get words(): readonly string[] {
    return this.#options.words(this.#from, this.#to);
  }

  toJSON(): BoundMatch {
    const { name, words, condition } = this;
    return { name, words, condition };
  }

  [INSPECT](): BoundMatch {
    return this.toJSON();
  }
}

/** The text of a dump, out of which the texts of its rules are cut. */
export class SavedText {
  private readonly cursor: WordCursor;
  private readonly head: SavedHeadReader;

  constructor(
    readonly text: string,
    readonly family: Family,
  ) {
    this.cursor = new WordCursor(text);
    this.head = new SavedHeadReader(this.cursor, family);
  }

  /** Where the first word of a line is, which is `-A`. */
  firstWord(start: number, end: number): number {
    const { cursor } = this;
    cursor.open(endOfCounters(this.text, start, end) ?? start, end);
    cursor.next();
    return cursor.start;
  }

  counters(start: number, end: number): Counters | undefined {
    const to = endOfCounters(this.text, start, end);
    return to === undefined ? undefined : parseCounters(this.text.slice(start, to));
  }

  headWords(start: number, end: number): readonly string[] {
    const { cursor, head, family } = this;
    this.firstWord(start, end);
    cursor.next();
    head.read();
    return headWords(head.values, head.pair, family);
  }
}

/** A rule that stands in the text of a dump, by its meaning; whatever is text is cut out of it when asked for. */
export class SavedRule implements Rule {
  readonly head: Condition;
  readonly matches: readonly BoundMatch[];
  readonly target: BoundTarget;
  readonly #saved: SavedText;
  readonly #line: number;
  readonly #start: number;
  readonly #end: number;
  readonly #identity: object | undefined;

  /** The line is the text from `start`, its rule ends at `end`. */
  constructor(
    saved: SavedText,
    line: number,
    start: number,
    end: number,
    head: Condition,
    matches: readonly BoundMatch[],
    target: BoundTarget,
    identity?: object,
  ) {
    this.head = head;
    this.matches = matches;
    this.target = target;
    this.#saved = saved;
    this.#line = line;
    this.#start = start;
    this.#end = end;
    this.#identity = identity;
  }

  get identity(): object | undefined {
    return this.#identity;
  }

  get range(): SourceRange {
    const from = this.#saved.firstWord(this.#start, this.#end);
    return { line: this.#line, column: from - this.#start + 1, length: this.#end - from };
  }

  get source(): string {
    return this.#saved.text.slice(this.#saved.firstWord(this.#start, this.#end), this.#end);
  }

  get counters(): Counters | undefined {
    return this.#saved.counters(this.#start, this.#end);
  }

  get headWords(): readonly string[] {
    return this.#saved.headWords(this.#start, this.#end);
  }

  toJSON(): Rule {
    const { range, source, counters, headWords: words, head, matches, target } = this;
    return { range, source, ...(counters === undefined ? {} : { counters }), headWords: words, head, matches, target };
  }

  [INSPECT](): Rule {
    return this.toJSON();
  }
}
