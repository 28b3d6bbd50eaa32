import { fieldBits } from '../../../grammar/model/fields.js';
import { VERDICT } from '../../../codegen/program/verdict.js';
import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import { FALSE, TRUE, type Ref } from '../bdd.js';
import type { Difference } from '../difference.js';
import { isFact } from '../flow.js';
import { reaching, type Meanings } from '../reach.js';
import { Unprovable, unsupported } from '../unprovable.js';
import type { Variables } from '../variables.js';
import type { Bits, Words } from '../words.js';
import type { Rule } from '../../../grammar/model/ruleset.js';
import type { Family } from '../../../grammar/model/family.js';
import type { RuleMeaning, Specification } from '../specification.js';
import type { Field } from '../../../grammar/model/fields.js';
import { Condition } from './condition.js';
import { Deciding, type Decided, type Told } from './deciding.js';
import { Dimensions, isBroadField, type Limit } from './dimensions.js';
import { endsAll, endsBox, mayMeet, partsOf, type Box, type Item, type Part, type PartSettings } from './rule-parts.js';
import { besideOf, eitherBeside, type Beside } from './beside.js';
import { around, divided, narrowed } from './narrow.js';
import { inOrder } from './place-order.js';
import { joined, type Stand } from './stand.js';
import type { Case, Step } from './step.js';
import type { Known } from './pieces.js';

/** What the proof of tables asks the proof of chains. */
export interface Chains extends Meanings {
  readonly words: Words;
  readonly variables: Variables;
  readonly settings: { readonly specification: Specification; readonly family: Family };
  field(field: Field): Bits;
  /** Proves another part of a chain, as {@link ChainProof.segment}. */
  segment(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined;
}

/** Packets at a place. */
interface Arrival {
  readonly stand: Stand;
  /** What is known of them, of numbers of few bits. */
  readonly known: Ref;
  readonly box: Box;
  /** What else holds for them, and is looked at only where there is a doubt. */
  readonly beside: Beside | undefined;
}

/** What is known of packets between two places. */
interface Here extends Told, Pick<Arrival, 'beside'> {}

/** So many items are asked one by one what a decision says of them. */
const FEW = 64;
const MOST_DIFFERENCES = 8;
const MOST_DOUBTS = 2000;

class EnoughError extends Error {}

/**
 * A function that looks rules up against the rules. All its places are visited in an order in which all ways to a place come
 * before it; with them goes what the rules still have to say: those that may be met by the packets that come there. What is
 * known of addresses and ports is forgotten from one place to the next, but for the rules that it has excluded; so a place
 * is visited once, and its claim is a stronger one: for all addresses and ports it does what these rules say.
 */
export class TableProof {
  readonly differences: Difference[] = [];
  private readonly dimensions: Dimensions;
  private readonly parts: PartSettings;
  private readonly inlined = new Map<Part, readonly Item[]>();
  private arrivals: Arrival[][] = [];
  private falls = false;
  private doubts = 0;
  private readonly broad = new Map<Ref, boolean>();
  private readonly deciding: Deciding;
  private chain = '';

  /** `thorough`: diagrams are asked of every decision and rule; else ranges of numbers, where they may answer. */
  constructor(
    private readonly chains: Chains,
    private readonly thorough: boolean,
  ) {
    this.dimensions = new Dimensions((field) => chains.field(field));
    const variables = new Set(this.broadNames().flatMap((name) => chains.variables.variablesOf(name)));
    this.deciding = new Deciding(chains.words, this.dimensions, (variable) => variables.has(variable));
    this.parts = {
      dimensions: this.dimensions,
      meaning: (rule: Rule): RuleMeaning => {
        const meaning = chains.meaning(rule);
        if (meaning.asked.length > 0) throw unsupported('a test with memory beside diagrams');
        return meaning;
      },
    };
  }

  /** Whether packets may come to the function's end without a verdict, having passed all rules from `from` on. */
  prove(places: readonly Step[], chain: string, from: number): boolean {
    const rules = this.chains.settings.specification.rules(chain);
    this.chain = chain;
    this.falls = false;
    this.arrivals = places.map(() => []);
    const items = partsOf(rules, from, chain, undefined, this.parts);
    const box: Box = new Map();
    this.arrive(0, { stand: { items: this.cut(items, box), counted: -1 }, known: TRUE, box, beside: undefined });
    try {
      for (const number of inOrder(places)) {
        for (const { stand, known, box: own, beside } of this.arrivals[number]) {
          this.visit(places[number], stand, { known, local: Condition.always, told: NOTHING, box: own, beside });
        }
        this.arrivals[number] = [];
      }
    } catch (error) {
      if (!(error instanceof EnoughError)) throw error;
    }
    return this.falls;
  }

  private arrive(number: number, arrival: Arrival): void {
    const { bdd } = this.chains;
    const there = this.arrivals[number];
    for (let i = 0; i < there.length; i++) {
      const other = there[i];
      const stand = joined(other.stand, arrival.stand, bdd);
      if (stand === undefined) continue;
      there[i] = {
        stand,
        known: bdd.or(other.known, arrival.known),
        box: around(other.box, arrival.box),
        beside: eitherBeside(other.beside, arrival.beside, bdd),
      };
      return;
    }
    there.push(arrival);
  }

  private visit(step: Step, stand: Stand, here: Here): void {
    switch (step.kind) {
      case 'place':
        return this.arrive(step.number, {
          stand,
          known: here.known,
          box: here.box,
          beside: besideOf(here.local, here.beside),
        });
      case 'exit':
        return this.exit(step.code, stand, here);
      case 'event':
        stand = this.happened(step.name, step.when, stand, here) ?? UNREAL;
        return stand === UNREAL ? undefined : this.visit(step.then, stand, here);
      case 'fork':
        return this.fork(step.cases, step.jump, stand, here);
      case 'call':
        return this.call(step, stand, here);
    }
  }

  private conditionOf(here: Here): Ref {
    return this.deciding.conditionOf(here);
  }

  private fork(cases: readonly Case[], jump: boolean, before: Stand, here: Here): void {
    const { bdd } = this.chains;
    // A chain is called before anything of the packet is asked, or it stands here.
    const stand = before.jump?.from === 0 ? this.unfolded(before, here) : before;
    const limits = cases.map(({ known }) => this.limitsOf(known));
    const shares = jump ? undefined : divided(stand.items, limits);
    cases.forEach((one, index) => {
      const broad = this.isBroad(one);
      const away = this.limitsOf(one.refuted);
      const beyond = [...limits[index].filter(({ ranges }) => ranges.length !== 1), ...away];
      const said = broad ? beyond.map(({ dimension }) => dimension) : [];
      const there: Here = {
        known: broad ? here.known : bdd.and(here.known, one.when.ref),
        local: broad ? here.local.and(one.when, bdd) : here.local,
        told: said.every((dimension) => here.told.has(dimension)) ? here.told : new Set([...here.told, ...said]),
        box: narrowed(here.box, limits[index]),
        beside: here.beside,
      };
      const decided: Decided = { one, before: here, after: there, away, broad };
      if (this.thorough ? this.conditionOf(there) === FALSE : this.deciding.isEmpty(decided)) return;
      let items = shares?.[index] ?? this.limited(stand.items, limits[index]);
      const certain = limits[index].length === one.known.length && one.known.length > 0;
      if (jump && items.length <= FEW) items = this.decided(items, decided);
      else if (!certain || !broad) items = items.filter((item) => this.mayBeMet(item, decided, certain));
      this.visit(one.then, { ...stand, items: this.cut(items, there.box) }, there);
    });
  }

  /** Parts that drop are told by small numbers, which limits do not say together. */
  private mayBeMet(item: Item, decided: Decided, limited: boolean): boolean {
    if (limited && !item.part.drops) return true;
    if (!this.thorough) return !this.deciding.isExcluded(item, decided);
    return this.chains.bdd.and(item.where, this.deciding.conditionOf(decided.after)) !== FALSE;
  }

  private limitsOf(known: readonly Known[]): readonly Limit[] {
    return known.flatMap(({ of, ranges }) => this.dimensions.limit(of, ranges) ?? []);
  }

  private limited(items: readonly Item[], limits: readonly Limit[]): readonly Item[] {
    if (limits.length === 0) return items;
    return items.filter((item) => limits.every(({ dimension, ranges }) => mayMeet(item, dimension, ranges)));
  }

  /** What a decision says of few items: those that it excludes, those that it makes certain, what it leaves of others. */
  private decided(items: readonly Item[], decided: Decided): readonly Item[] {
    if (!this.thorough) return this.deciding.decided(items, decided);
    const { bdd } = this.chains;
    const { away, before } = decided;
    const when = decided.one.when.ref;
    const after = this.deciding.conditionOf(decided.after);
    const other = bdd.without(this.deciding.conditionOf(before), when);
    const left: Item[] = [];
    for (const item of items) {
      if (item.kind === 'certain') {
        left.push(item);
        continue;
      }
      if (away.some(({ dimension, ranges }) => !mayMeet(item, dimension, ranges))) {
        left.push(item);
        continue;
      }
      const { where, most } = item;
      if (bdd.and(where, after) === FALSE) continue;
      if (bdd.implies(after, most)) left.push(item.certain);
      else if (other !== FALSE && bdd.implies(other, most)) left.push(item.rest(bdd.and(where, when)));
      else left.push(item);
    }
    return left;
  }

  /** Without the items behind one that ends the way of all packets. */
  private cut(items: readonly Item[], box: Box): readonly Item[] {
    const last = items.findIndex((item) => endsAll(item) || endsBox(item, box));
    if (last < 0 || last === items.length - 1) return items;
    const head = items.slice(0, last + 1);
    // A RETURN before it leads behind the jump to its chain.
    const { caller } = items[last].part;
    const returning = caller === undefined ? undefined : head.find(({ part }) => returns(part));
    if (returning === undefined) return head;
    return items;
  }

  /** Whether a condition is one of addresses, ports, and their like. */
  private isBroad({ when, known, refuted }: Case): boolean {
    const { bdd } = this.chains;
    const numbers = known.length > 0 ? known : refuted;
    if (numbers.length === 0) return this.isBroadOf(when.ref, () => when.ref);
    return numbers.some(({ of }) => of.length > 0 && this.isBroadOf(of[of.length - 1], () => bdd.anyOf(of)));
  }

  /** `asked`: the same for all conditions of the same number. */
  private isBroadOf(asked: Ref, about: () => Ref): boolean {
    let broad = this.broad.get(asked);
    if (broad === undefined) {
      const support = this.chains.bdd.support(about());
      broad = this.broadNames().some((name) => this.chains.variables.variablesOf(name).some((one) => support.has(one)));
      this.broad.set(asked, broad);
    }
    return broad;
  }

  private broadNames(): readonly string[] {
    const { family } = this.chains.settings;
    return this.chains.variables
      .names()
      .filter((name) => isField(name) && !isFact(name) && isBroadField(name, fieldBits(name, family)));
  }

  /** Undefined where no packet is left for which the rules say that it happens. */
  private happened(name: string, when: Ref, stand: Stand, here: Here): Stand | undefined {
    const counted = /^count (\d+) (packets|bytes)$/.exec(name);
    if (counted !== null) {
      const [, number, what] = counted;
      const key = Number(number);
      if (stand.half === undefined) return { ...stand, half: { key, what } };
      const { half, ...rest } = stand;
      if (half.key === key && half.what !== what) return this.counted(key, rest, here);
      this.differ(undefined, `count ${key} ${what}`, this.conditionOf(here), here);
      return undefined;
    }
    if (name === `log ${stand.logging}`) {
      const { logging, ...rest } = stand;
      void logging;
      return rest;
    }
    this.differ(undefined, name, this.chains.bdd.and(this.conditionOf(here), when), here);
    return stand;
  }

  /** A rule was counted: none before it may match, and it must. */
  private counted(key: number, before: Stand, here: Here): Stand | undefined {
    const { specification } = this.chains.settings;
    const stand = this.unfolded(before, here);
    if (stand.decided !== undefined || stand.logging !== undefined) {
      this.differ(undefined, `count ${key} packets`, this.conditionOf(here), here);
      return undefined;
    }
    const index = stand.items.findIndex(({ part }) => !part.drops && specification.keyOf(part.chain, part.at) === key);
    if (index < 0) {
      this.differ(undefined, `count ${key} packets`, this.conditionOf(here), here);
      return undefined;
    }
    this.passed(stand.items.slice(0, index), here);
    const { part, most, kind } = stand.items[index];
    if (kind !== 'certain')
      this.differ(part, `count ${key} packets`, this.chains.bdd.without(this.conditionOf(here), most), here);
    const items = stand.items.slice(index + 1).filter((item) => item.part.order > part.order);
    return this.behind(part, key, { items, counted: part.order });
  }

  /** The rules behind one that matched. */
  private behind(part: Part, key: number, stand: Stand): Stand {
    const { effect } = part.rule.target;
    if (effect.kind === 'return' && part.caller !== undefined) {
      const { caller } = part;
      return { ...stand, items: stand.items.filter((item) => !isInside(item.part, caller)) };
    }
    const decided = this.chains.settings.specification.codeOf(effect);
    if (decided !== undefined) return { items: [], counted: part.order, decided };
    switch (effect.kind) {
      case 'log':
        return { ...stand, logging: key };
      case 'jump':
        if (effect.goto && part.caller !== undefined) throw unsupported('a goto in a chain that stands in another one');
        return { ...stand, ...(effect.goto ? { items: [] } : {}), jump: { part, from: 0 } };
      case 'mark':
        throw unsupported('MARK beside diagrams');
      case 'accept':
      case 'drop':
      case 'reject':
      case 'return':
      case 'opaque':
      case 'continue':
        return stand;
    }
  }

  /** A jump whose chain is not called: its rules stand in its place. */
  private unfolded(stand: Stand, { box }: Here): Stand {
    const { jump, ...rest } = stand;
    if (jump === undefined) return stand;
    const { effect } = jump.part.rule.target;
    if (effect.kind !== 'jump' || effect.goto || jump.from !== 0) throw unsupported('a chain that is not called');
    let inner = this.inlined.get(jump.part);
    if (inner === undefined) {
      const rules = this.chains.settings.specification.rules(effect.chain);
      this.inlined.set(jump.part, (inner = partsOf(rules, 0, effect.chain, jump.part, this.parts)));
    }
    const met = inner.filter((item) => [...box].every(([dimension, range]) => mayMeet(item, dimension, [range])));
    return { ...rest, items: this.cut([...met, ...rest.items], box) };
  }

  /** None of these may match. */
  private passed(all: readonly Item[], here: Here): void {
    const items = this.thorough ? all : all.filter((item) => !this.deciding.isOut(item, here));
    if (items.length === 0) return;
    const condition = this.conditionOf(here);
    for (const item of items) {
      const missed = this.chains.bdd.and(condition, item.where);
      if (missed !== FALSE) this.differ(item.part, 'whether the next rule follows', missed, here);
    }
  }

  private exit(code: number, before: Stand, here: Here): void {
    const { bdd } = this.chains;
    const stand = before.decided === undefined ? this.unfolded(before, here) : before;
    if (stand.half !== undefined || stand.logging !== undefined) {
      const what = stand.half === undefined ? `log ${stand.logging}` : 'a count';
      return this.differ(undefined, what, this.conditionOf(here), here);
    }
    if (stand.decided !== undefined) {
      if (stand.decided !== code) this.differ(undefined, `verdict ${code}`, this.conditionOf(here), here);
      return;
    }
    if (code === VERDICT.NEXT) {
      this.falls = true;
      return this.passed(stand.items, here);
    }
    if (!this.thorough && code === VERDICT.DROP && this.isDropped(stand.items, here)) return;
    let left = this.conditionOf(here);
    for (const item of stand.items) {
      const met = bdd.and(left, item.where);
      if (met === FALSE) continue;
      if (!item.part.drops || code !== VERDICT.DROP) this.differ(item.part, `verdict ${code}`, met, here);
      left = bdd.without(left, item.most);
    }
    this.differ(undefined, `verdict ${code}`, left, here);
  }

  /** Whether the first item that packets may meet drops all of them. */
  private isDropped(items: readonly Item[], here: Here): boolean {
    const first = items.find((item) => !this.deciding.isOut(item, here));
    return first?.kind === 'certain' && first.part.drops;
  }

  private call({ placed, part, after }: Extract<Step, { kind: 'call' }>, stand: Stand, here: Here): void {
    const { jump, ...rest } = stand;
    const effect = jump?.part.rule.target.effect;
    if (jump === undefined || effect?.kind !== 'jump' || stand.half !== undefined || stand.logging !== undefined) {
      return this.differ(undefined, 'a call of a chain where no rule jumps', this.conditionOf(here), here);
    }
    const rules = this.chains.settings.specification.rules(effect.chain);
    const end = this.chains.segment(placed, part, effect.chain, jump.from);
    for (const [code, then] of after) {
      if (code > VERDICT.RETURN) {
        this.visit(then, { items: [], counted: stand.counted, decided: code }, here);
        continue;
      }
      if (code === VERDICT.NEXT && end === undefined) continue;
      const goesOn = code === VERDICT.NEXT && end !== undefined && end < rules.length;
      const behind: Stand = effect.goto ? { ...rest, items: [], decided: VERDICT.RETURN } : rest;
      this.visit(then, goesOn ? { ...stand, jump: { part: jump.part, from: end } } : behind, here);
    }
  }

  /** `part` undefined: it is not known at which rule. */
  private differ(part: Part | undefined, what: string, where: Ref, { box, beside }: Here): void {
    if (where === FALSE) return;
    const { bdd, words } = this.chains;
    if (++this.doubts > MOST_DOUBTS) throw new Unprovable('too-complex', 'too many places that may differ');
    let inside = where;
    for (const [dimension, [lo, hi]] of box) {
      const bits = this.dimensions.bitsOf(dimension);
      inside = bdd.and(inside, words.within(bits, BigInt(lo), BigInt(hi)));
    }
    for (let at = beside; at !== undefined && inside !== FALSE; at = at.before) inside = bdd.and(inside, at.when.ref);
    if (inside === FALSE) return;
    const { specification } = this.chains.settings;
    const isTop = part?.caller === undefined;
    const chain = part !== undefined && isTop ? part.chain : this.chain;
    const at = part !== undefined && isTop ? part.at : 0;
    const difference: Difference = { chain, at, what, where: inside };
    if (specification.rules(chain).length > 0 && reaching(this.chains, difference) === FALSE) return;
    this.differences.push(difference);
    if (!this.thorough || this.differences.length >= MOST_DIFFERENCES) throw new EnoughError();
  }
}

const UNREAL: Stand = { items: [], counted: -1 };

const NOTHING: ReadonlySet<number> = new Set();

const isField = (name: string): name is Field => !name.includes(' ');

const returns = ({ rule, caller }: Part): boolean => rule.target.effect.kind === 'return' && caller !== undefined;

function isInside(part: Part, jump: Part): boolean {
  for (let at = part.caller; at !== undefined; at = at.caller) if (at === jump) return true;
  return false;
}
