import type { BoundMatch, BoundTarget, Rule } from '../model/ruleset.js';
import { endOfCounters, WordCursor, type Word } from '../syntax/index.js';
import { NO_TARGET, type HookNeed, type ModuleBinder } from './bind-module.js';
import { headCondition } from './head.js';
import { contextOf } from './rule-draft.js';
import type { Surroundings } from './rule-words.js';
import { APPEND, GOTO, JUMP, letterAt, MATCH, NO_LETTER, SavedHeadReader } from './saved-head.js';
import { SavedModules, type SavedUse } from './saved-module.js';
import { SavedRule, SavedText } from './saved-texts.js';
import { Scratch } from './scratch.js';
import type { SharedRule } from './shared-rules.js';

/** A line of a text, from `start` to `end`. */
export interface LineInText {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Counts from 1. */
  readonly number: number;
}

/** A rule, and the chain that it is appended to. */
export interface AppendedRule {
  readonly chain: string;
  readonly rule: Rule;
  readonly hookNeeds: readonly HookNeed[];
}

const DASH = 0x2d;
const BRACKET = 0x5b;

/**
 * The short way to a rule, for lines in the order and spelling that iptables-save prints: `-A CHAIN`, addresses,
 * interfaces and protocol, matches with their options right behind them, the target. Such lines are nearly all of a
 * large dump, and are read without an object for each word. Whatever is not of that form, and whatever there is to
 * say of, is left to `readRule` and `bindRule`; where the short way ends at a rule, it is the same rule.
 */
export class SavedRuleReader {
  private readonly cursor: WordCursor;
  /** By number of the protocol, or behind all numbers for inverted ones, or behind these for none. */
  private readonly modules: (SavedModules | undefined)[] = [];
  private readonly head: SavedHeadReader;
  private readonly saved: SavedText;
  private readonly matches = new Scratch<BoundMatch>();
  private needs: HookNeed[] | undefined;
  private chain = '';
  private line = 0;
  private lineStart = 0;

  constructor(
    readonly text: string,
    private readonly surroundings: Surroundings,
    private readonly binder: ModuleBinder,
    /** Rules of other dumps by their text, and of this one to come. */
    private readonly shared?: Map<string, SharedRule>,
  ) {
    this.cursor = new WordCursor(text);
    this.saved = new SavedText(text, surroundings.family);
    this.head = new SavedHeadReader(this.cursor, surroundings.family);
  }

  /** The rule of a line; undefined where the line needs a closer look. */
  read({ start, end, number }: LineInText): AppendedRule | undefined {
    const { cursor } = this;
    const first = cursor.text.charCodeAt(start);
    if (first !== DASH && first !== BRACKET) return undefined;
    const from = first === DASH ? start : endOfCounters(cursor.text, start, end);
    if (from === undefined) return undefined;
    this.line = number;
    this.lineStart = start;
    if (this.shared === undefined) return this.readWords(from, end);
    const text = cursor.text.slice(from, end);
    const known = this.shared.get(text);
    if (known !== undefined && this.meansHere(known)) return this.again(known, from);
    const read = this.readWords(from, end);
    // What a rule needs of its chain is told with the place where it stands.
    if (read === undefined || read.hookNeeds.length > 0) return read;
    const { head, matches, target } = read.rule;
    const made: SharedRule = { chain: read.chain, head, matches, target, length: cursor.after - from };
    this.shared.set(text, made);
    return this.again(made, from);
  }

  private again(rule: SharedRule, from: number): AppendedRule {
    const { chain, head, matches, target, length } = rule;
    const here = new SavedRule(this.saved, this.line, this.lineStart, from + length, head, matches, target, rule);
    return { chain, rule: here, hookNeeds: NO_NEEDS };
  }

  /** The names of a rule that other dumps have mean chains and targets here, as they do there. */
  private meansHere({ chain, target: { name, effect } }: SharedRule): boolean {
    const { chains } = this.surroundings;
    return chains.has(chain) && (name === undefined || chains.has(name) === (effect.kind === 'jump'));
  }

  private readWords(from: number, end: number): AppendedRule | undefined {
    this.cursor.open(from, end);
    this.matches.take();
    this.needs = undefined;
    return this.rule();
  }

  private rule(): AppendedRule | undefined {
    const { cursor, surroundings } = this;
    if (!cursor.next() || letterAt(cursor) !== APPEND) return undefined;
    if (!cursor.next() || cursor.quoted) return undefined;
    const chain = this.chainHere();
    if (!surroundings.chains.has(chain)) return undefined;
    const letter = this.head.read();
    if (letter === undefined || !this.fitsHook(chain)) return undefined;
    const target = this.readModules(letter, this.modulesHere());
    if (target === undefined || cursor.odd) return undefined;
    const to = cursor.after;
    const condition = headCondition(this.head.values, this.head.pair, surroundings.family);
    const rule = new SavedRule(this.saved, this.line, this.lineStart, to, condition, this.matches.take(), target);
    const { needs } = this;
    return { chain, rule, hookNeeds: needs ?? NO_NEEDS };
  }

  /** The word of the cursor; iptables-save prints the rules of a chain one after the other. */
  private chainHere(): string {
    const { cursor, chain } = this;
    if (cursor.length !== chain.length || !cursor.text.startsWith(chain, cursor.start)) this.chain = cursor.word();
    return this.chain;
  }

  /** No output interface on the way in, no input interface on the way out. */
  private fitsHook(chain: string): boolean {
    const { inInterface, outInterface } = this.head.values;
    if (outInterface !== undefined && (chain === 'INPUT' || chain === 'PREROUTING')) return false;
    return inInterface === undefined || (chain !== 'OUTPUT' && chain !== 'POSTROUTING');
  }

  private modulesHere(): SavedModules {
    const { protocol } = this.head.values;
    const index = protocol === undefined ? NO_PROTOCOL : protocol.value + (protocol.inverted ? INVERTED : 0);
    const number = protocol && { number: protocol.value, inverted: protocol.inverted };
    return (this.modules[index] ??= new SavedModules(this.cursor.text, contextOf(this.surroundings, number)));
  }

  /** Reads the matches and the target, of which the first has this letter. */
  private readModules(first: number, modules: SavedModules): BoundTarget | undefined {
    let letter = first;
    while (letter === MATCH) {
      const { cursor } = this;
      if (!cursor.next() || cursor.quoted) return undefined;
      const entry = this.surroundings.registry.match(cursor.word());
      const at = { start: cursor.start, end: cursor.end };
      const to = this.endOfOptions();
      const use = entry && modules.match(entry, cursor, to);
      if (use === undefined) return undefined;
      this.matches.put(use.bound);
      this.addNeeds(use, at);
      cursor.rewind(to);
      letter = cursor.next() ? letterAt(cursor) : END;
    }
    if (letter === END || letter === NO_LETTER) return letter === END || first === NO_LETTER ? NO_TARGET : undefined;
    return letter === JUMP || letter === GOTO ? this.readTarget(letter === GOTO, modules) : undefined;
  }

  private readTarget(goto: boolean, modules: SavedModules): BoundTarget | undefined {
    const { cursor } = this;
    const { chains, registry, isBuiltin } = this.surroundings;
    if (!cursor.next() || cursor.quoted) return undefined;
    const name = cursor.word();
    if (isBuiltin(name)) return undefined;
    const at = { start: cursor.start, end: cursor.end };
    const to = this.endOfOptions();
    if (chains.has(name)) return to === at.end && this.atEnd() ? this.binder.jump(name, goto) : undefined;
    const entry = goto ? undefined : registry.target(name);
    const use = entry && modules.target(entry, cursor, to);
    if (use === undefined) return undefined;
    this.addNeeds(use, at);
    cursor.rewind(to);
    return this.atEnd() ? use.bound : undefined;
  }

  /** Where the words end that come before the next option of iptables itself. The cursor stays where it is. */
  private endOfOptions(): number {
    const { cursor } = this;
    const from = cursor.after;
    let to = from;
    while (cursor.next()) {
      if (!cursor.quoted && cursor.code(0) === DASH && cursor.code(1) !== DASH && cursor.length > 1) break;
      to = cursor.after;
    }
    cursor.rewind(from);
    return to;
  }

  /** Whether nothing but blanks is behind the cursor. */
  private atEnd(): boolean {
    const { cursor } = this;
    const from = cursor.after;
    const more = cursor.next();
    cursor.rewind(from);
    return !more && !cursor.odd;
  }

  private addNeeds({ needs }: SavedUse<unknown>, { start, end }: { start: number; end: number }): void {
    if (needs.length === 0) return;
    const text = this.cursor.text.slice(start, end);
    const at: Word = {
      line: this.line,
      column: start - this.lineStart + 1,
      length: end - start,
      text,
      raw: text,
    };
    this.needs = [...(this.needs ?? []), ...needs.map((need) => ({ ...need, at }))];
  }
}

const INVERTED = 256;
const NO_PROTOCOL = 512;
/** In the place of a letter: the line ends. */
const END = -1;
const NO_NEEDS: readonly HookNeed[] = [];
