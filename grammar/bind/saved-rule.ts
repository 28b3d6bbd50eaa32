import type { BoundMatch, BoundTarget, Counters, Rule } from '../model/ruleset.js';
import { parseProtocol } from '../modules/value/protocols.js';
import { parseCounters, WordCursor, type LineReader, type Word } from '../syntax/index.js';
import { parseAddressList, type AddressTerm } from './address.js';
import { NO_TARGET, type HookNeed, type ModuleBinder } from './bind-module.js';
import { headCondition, headWords } from './head.js';
import { hasOddCharacter, parseInterface } from './interface.js';
import { contextOf, EXTENSION_HEADERS } from './rule-draft.js';
import { Scratch } from './scratch.js';
import type { HeadValue, HeadValues, Surroundings } from './rule-words.js';
import { SavedModules, type SavedUse } from './saved-module.js';

/** A rule, and the chain that it is appended to. */
export interface SavedRule {
  readonly chain: string;
  readonly rule: Rule;
  readonly hookNeeds: readonly HookNeed[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const DASH = 0x2d;
const BRACKET = 0x5b;
const APPEND = 0x41;
const DESTINATION = 0x64;
const GOTO = 0x67;
const IN_INTERFACE = 0x69;
const JUMP = 0x6a;
const MATCH = 0x6d;
const OUT_INTERFACE = 0x6f;
const PROTOCOL = 0x70;
const SOURCE = 0x73;
const NO_LETTER = 0;

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
  private head: Mutable<HeadValues> = {};
  private readonly matches = new Scratch<BoundMatch>();
  private needs: HookNeed[] | undefined;
  private line = 0;
  private lineStart = 0;

  constructor(
    text: string,
    private readonly surroundings: Surroundings,
    private readonly binder: ModuleBinder,
  ) {
    this.cursor = new WordCursor(text);
  }

  /** The rule of a line; undefined where the line needs a closer look. */
  read({ start, end, number }: LineReader): SavedRule | undefined {
    const { cursor } = this;
    const first = cursor.text.charCodeAt(start);
    if (first !== DASH && first !== BRACKET) return undefined;
    const bracket = first === BRACKET ? cursor.text.indexOf(']', start) + 1 : start;
    const counters = first === BRACKET ? parseCounters(cursor.text.slice(start, bracket)) : undefined;
    if (first === BRACKET && counters === undefined) return undefined;
    cursor.open(bracket, end);
    this.head = {};
    this.matches.take();
    this.needs = undefined;
    this.line = number;
    this.lineStart = start;
    return this.ruleFrom(counters);
  }

  private ruleFrom(counters: Counters | undefined): SavedRule | undefined {
    const { cursor, surroundings } = this;
    if (!cursor.next() || this.letter() !== APPEND) return undefined;
    const from = cursor.start;
    if (!cursor.next() || cursor.quoted) return undefined;
    const chain = cursor.word();
    if (!surroundings.chains.has(chain)) return undefined;
    const letter = this.readHead();
    if (letter === undefined || !this.fitsHook(chain)) return undefined;
    const target = this.readModules(letter, this.modulesHere());
    if (target === undefined || cursor.odd) return undefined;
    const to = cursor.after;
    const pair = { source: this.head.source?.value[0], destination: this.head.destination?.value[0] };
    const canonical = headWords(this.head, pair, surroundings.family);
    const condition = headCondition(this.head, pair, surroundings.family);
    const range = { line: this.line, column: from - this.lineStart + 1, length: to - from };
    const source = cursor.text.slice(from, to);
    const matches = this.matches.take();
    const { needs } = this;
    const rule: Rule =
      counters === undefined
        ? { range, source, headWords: canonical, head: condition, matches, target }
        : { range, source, counters, headWords: canonical, head: condition, matches, target };
    return { chain, rule, hookNeeds: needs ?? NO_NEEDS };
  }

  /** Letter of the option that the cursor is at; 0 for anything else. */
  private letter(): number {
    const { cursor } = this;
    return cursor.length === 2 && !cursor.quoted && cursor.code(0) === DASH ? cursor.code(1) : NO_LETTER;
  }

  /** Reads up to the first module, whose letter is the answer; 0 at the end of the line. */
  private readHead(): number | undefined {
    const { cursor } = this;
    while (cursor.next()) {
      const inverted = cursor.length === 1 && cursor.word() === '!';
      if (inverted && !cursor.next()) return undefined;
      const letter = this.letter();
      if (letter === MATCH || letter === JUMP || letter === GOTO) return inverted ? undefined : letter;
      if (letter === NO_LETTER || !cursor.next() || !this.headOption(letter, cursor.word(), inverted)) return undefined;
    }
    return cursor.odd ? undefined : NO_LETTER;
  }

  private headOption(letter: number, text: string, inverted: boolean): boolean {
    const { head } = this;
    if (text === '!') return false;
    switch (letter) {
      case SOURCE:
        return head.source === undefined && (head.source = this.address(text, inverted)) !== undefined;
      case DESTINATION:
        return head.destination === undefined && (head.destination = this.address(text, inverted)) !== undefined;
      case IN_INTERFACE:
        return head.inInterface === undefined && (head.inInterface = interfaceOf(text, inverted)) !== undefined;
      case OUT_INTERFACE:
        return head.outInterface === undefined && (head.outInterface = interfaceOf(text, inverted)) !== undefined;
      case PROTOCOL:
        return head.protocol === undefined && (head.protocol = this.protocol(text, inverted)) !== undefined;
      default:
        return false;
    }
  }

  private address(text: string, inverted: boolean): HeadValue<readonly AddressTerm[]> | undefined {
    const parsed = parseAddressList(text, this.surroundings.family, this.surroundings.hosts);
    if ('error' in parsed || parsed.value.length !== 1 || 'hostName' in parsed.value[0]) return undefined;
    return { value: parsed.value, inverted };
  }

  private protocol(text: string, inverted: boolean): HeadValue<number> | undefined {
    const parsed = parseProtocol(text.toLowerCase());
    if ('error' in parsed || (parsed.value === 0 && inverted)) return undefined;
    if (this.surroundings.family === 'v6' && EXTENSION_HEADERS.has(parsed.value)) return undefined;
    return { value: parsed.value, inverted };
  }

  /** No output interface on the way in, no input interface on the way out. */
  private fitsHook(chain: string): boolean {
    const { inInterface, outInterface } = this.head;
    if (outInterface !== undefined && (chain === 'INPUT' || chain === 'PREROUTING')) return false;
    return inInterface === undefined || (chain !== 'OUTPUT' && chain !== 'POSTROUTING');
  }

  private modulesHere(): SavedModules {
    const { protocol } = this.head;
    const index = protocol === undefined ? NO_PROTOCOL : protocol.value + (protocol.inverted ? INVERTED : 0);
    const number = protocol && { number: protocol.value, inverted: protocol.inverted };
    return (this.modules[index] ??= new SavedModules(contextOf(this.surroundings, number)));
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
      letter = cursor.next() ? this.letter() : END;
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

function interfaceOf(text: string, inverted: boolean): HeadValue<string> | undefined {
  const parsed = parseInterface(text);
  return 'error' in parsed || hasOddCharacter(parsed.value) ? undefined : { value: parsed.value, inverted };
}
