import { VERDICT } from '../../codegen/program/verdict.js';
import { askingEvents } from './asked-tests.js';
import { FALSE, TRUE, type Ref } from './bdd.js';
import { LEAVES, type FlatChain, type FlatRule } from './flat-chain.js';
import type { Meanings } from './reach.js';
import type { Specification } from './specification.js';
import { unsupported } from './unprovable.js';
import { constantBits, type Bits, type Words } from './words.js';

/** What rules say of packets that come to one of them, up to other places. */
export interface Expected {
  /** Verdict codes, and when. */
  readonly codes: ReadonlyMap<number, Ref>;
  readonly events: ReadonlyMap<string, Ref>;
  /** Places of rules that packets go on at. */
  readonly reached: ReadonlyMap<number, Ref>;
  /** The mark that the first rule leaves. */
  readonly mark: Bits | undefined;
}

/** Where the rules are run. */
export interface Stretch {
  readonly flat: FlatChain;
  /** The function's own chain. */
  readonly chain: string;
  readonly from: number;
  /** Places at which to stop, and the one behind the function's last rule. */
  readonly stops: ReadonlySet<number>;
  readonly end: number;
  /** Whether the code begins with that of the rule at `from`, which asks its tests and calls the chain it jumps to. */
  readonly isRule: boolean;
  /** What comes of these calls. */
  jump(chain: string, yes: Ref): { readonly outcomes: ReadonlyMap<number, Ref>; readonly falls: Ref };
}

export interface RunSettings extends Meanings {
  readonly words: Words;
  readonly settings: { readonly specification: Specification };
  mark(): Bits;
  /** Whether no packet comes to a rule that it would match or drop. */
  isUnreached(chain: string, at: number): boolean;
}

/** Takes packets through the rules as iptables does, whatever the program makes of them. */
export class RuleRun {
  private readonly codes = new Map<number, Ref>();
  private readonly events = new Map<string, Ref>();
  private readonly reached = new Map<number, Ref>();
  private readonly open = new Map<number, Ref>();
  private mark: Bits | undefined;

  constructor(
    private readonly proof: RunSettings,
    private readonly stretch: Stretch,
  ) {}

  run(): Expected {
    const { flat, from, stops, end } = this.stretch;
    const { open, reached } = this;
    // All ways lead to places behind: a place is left when all that come there have come.
    open.set(from, TRUE);
    while (open.size > 0) {
      const place = Math.min(...open.keys());
      const here = open.get(place) ?? FALSE;
      open.delete(place);
      if (here === FALSE) continue;
      if (place === LEAVES) this.decide(VERDICT.RETURN, here);
      else if (place === end || stops.has(place)) reached.set(place, here);
      else this.rule(flat.rules[place], place, here);
    }
    return { codes: this.codes, events: this.events, reached, mark: this.mark };
  }

  private goTo(place: number, when: Ref): void {
    if (when !== FALSE) this.open.set(place, this.proof.bdd.or(this.open.get(place) ?? FALSE, when));
  }

  private decide(code: number, when: Ref): void {
    if (when !== FALSE) this.codes.set(code, this.proof.bdd.or(this.codes.get(code) ?? FALSE, when));
  }

  private note(event: string, when: Ref): void {
    if (when !== FALSE) this.events.set(event, this.proof.bdd.or(this.events.get(event) ?? FALSE, when));
  }

  private rule(flat: FlatRule, place: number, here: Ref): void {
    const { bdd, settings } = this.proof;
    const { specification } = settings;
    const { chain, at, rule } = flat;
    const isOwn = this.stretch.isRule && place === this.stretch.from;
    if (!isOwn && !this.stretch.flat.coded.has(place) && this.proof.isUnreached(chain, at)) {
      return this.goTo(flat.next, here);
    }
    const { yes, no, hot, asked } = this.proof.meaning(rule);
    this.decide(VERDICT.DROP, bdd.and(here, hot));
    this.goTo(flat.next, bdd.and(here, no));
    const prefix = isOwn ? '' : `rule ${chain} ${at + 1}: `;
    for (const [event, when] of askingEvents(asked)) this.note(`${prefix}${event}`, bdd.and(here, when));
    const matches = bdd.and(here, yes);
    if (matches === FALSE) return;
    const key = specification.keyOf(chain, at);
    this.note(`count ${key} packets`, matches);
    this.note(`count ${key} bytes`, matches);
    this.target(flat, matches, isOwn);
  }

  private target(flat: FlatRule, matches: Ref, isOwn: boolean): void {
    const { rule, chain, at } = flat;
    const { specification } = this.proof.settings;
    const { effect } = rule.target;
    const code = specification.codeOf(effect);
    if (code === VERDICT.RETURN) return this.goTo(flat.leave, matches);
    if (code !== undefined) return this.decide(code, matches);
    if (effect.kind === 'jump') return this.jumps(flat, effect, matches, isOwn);
    this.goTo(flat.next, matches);
    if (effect.kind === 'log') this.note(`log ${specification.keyOf(chain, at)}`, matches);
    if (effect.kind === 'mark') this.marks(effect, matches, isOwn);
  }

  private jumps(
    flat: FlatRule,
    effect: { readonly chain: string; readonly goto: boolean },
    matches: Ref,
    isOwn: boolean,
  ): void {
    if (flat.into !== undefined) return this.goTo(flat.into, matches);
    // Without code, nobody can say that it does what the rule does.
    if (!isOwn) return this.note(`a jump to ${effect.chain}`, matches);
    const { outcomes, falls } = this.stretch.jump(effect.chain, matches);
    outcomes.forEach((when, code) => this.decide(code, when));
    this.goTo(effect.goto ? flat.leave : flat.next, falls);
  }

  private marks(effect: { readonly clear: number; readonly flip: number }, matches: Ref, isOwn: boolean): void {
    const { words, settings } = this.proof;
    if (this.stretch.chain !== settings.specification.hookChain)
      throw unsupported('MARK in a chain that rules jump to');
    if (!isOwn) throw unsupported('MARK among rules that are decided together');
    const before = this.proof.mark();
    const kept = words.and(before, constantBits(BigInt(~effect.clear >>> 0)));
    this.mark = words.choose(matches, words.xor(kept, constantBits(BigInt(effect.flip >>> 0))), before);
  }
}
