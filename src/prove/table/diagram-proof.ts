import { FALSE, type Ref } from '../bdd.js';
import { Condition } from './condition.js';
import { unsupported } from '../unprovable.js';
import { NOTHING, type Grounds, type Here } from './grounds.js';
import { GIVEN } from './looks.js';
import { inOrder } from './place-order.js';
import { Item, type Part } from './rule-parts.js';
import { eitherOf, ruleOf, tested, type Least } from './least.js';
import type { Stand } from './stand.js';
import type { Step } from './step.js';
import { Visits, type Arrival } from './visits.js';

/** A hit: the number that a look-up finds, for which packets, and the part of a rule that it says they are in. */
export interface Hit {
  readonly value: bigint;
  readonly where: Ref;
  readonly item: Item;
}

/**
 * A function that looks into a diagram, against the hits that it is seen to find: for all packets of a hit it returns one of this
 * rule or of an earlier one, and never more than it is given.
 */
export class DiagramProof extends Visits {
  private hits: readonly Hit[] = [];
  private byValue: ReadonlyMap<bigint, Hit> = new Map();

  /**
   * `rules`: the parts of rules by the number that hits give them. `elsewhere`: whether a rule is found by another look-up, too; else this
   * one must find all of it.
   */
  constructor(
    grounds: Grounds,
    private readonly rules: ReadonlyMap<number, readonly Item[]>,
    private readonly elsewhere: (rule: bigint) => boolean,
  ) {
    super(grounds);
  }

  /** `starts`: packets that begin at each place; `most`: the greatest number that it is given. */
  prove(places: readonly Step[], starts: ReadonlyMap<number, Ref>, most: bigint): readonly Hit[] {
    this.hits = this.hitsOf(this.findsOf(places, starts, most));
    this.byValue = new Map(this.hits.map((hit) => [hit.value, hit]));
    const items = this.itemsOf(this.hits);
    const { bdd } = this.grounds.chains;
    const least: Least = { of: GIVEN, given: most, looked: new Set(), lo: 0n, hi: most };
    const begin = new Map<number, Arrival>();
    for (const [number, known] of starts) {
      const own = items.filter(({ where }) => bdd.meets(where, known));
      begin.set(number, { stand: { items: own, counted: -1, least }, known, box: new Map(), beside: undefined });
    }
    this.visitAll(places, begin);
    return this.hits;
  }

  /**
   * For each number that is found, the packets that seem to find it, as far as is known at the place before. It is only a claim: that other
   * boxes did not come first is left out.
   */
  private findsOf(places: readonly Step[], starts: ReadonlyMap<number, Ref>, most: bigint): ReadonlyMap<bigint, Ref> {
    const { grounds } = this;
    const { bdd } = grounds.chains;
    const finds = new Map<bigint, Ref>();
    const known = new Map(starts);
    const follow = (step: Step, here: Here, given: Pick<Least, 'lo' | 'hi'>): void => {
      switch (step.kind) {
        case 'place':
          known.set(step.number, bdd.or(known.get(step.number) ?? FALSE, here.known));
          return;
        case 'found':
          if (step.value !== undefined) {
            finds.set(step.value, bdd.or(finds.get(step.value) ?? FALSE, grounds.conditionOf(here)));
          }
          return;
        case 'fork':
          for (const one of step.cases) {
            const isExclusion = one.known.length === 0 && one.refuted.length > 0;
            const there = isExclusion ? here : grounds.there(here, one, [], grounds.isBroad(one));
            if (grounds.conditionOf(there) !== FALSE) follow(one.then, there, given);
          }
          return;
        case 'test':
          return tested(step, given, (then, bounds) => follow(then, here, bounds));
        case 'event':
          return follow(step.then, here, given);
        case 'exit':
        case 'call':
        case 'look':
        case 'split':
          return;
      }
    };
    for (const number of inOrder(places, [...starts.keys()])) {
      const own = known.get(number);
      if (own === undefined || own === FALSE) continue;
      follow(
        places[number],
        { known: own, local: Condition.always, told: NOTHING, box: new Map(), beside: undefined },
        { lo: 0n, hi: most },
      );
    }
    return finds;
  }

  private hitsOf(finds: ReadonlyMap<bigint, Ref>): readonly Hit[] {
    const { bdd } = this.grounds.chains;
    const hits: Hit[] = [];
    for (const [value, where] of finds) {
      const parts = this.rules.get(Number(ruleOf(value))) ?? [];
      const item = parts.find((part) => bdd.implies(where, part.where)) ?? parts[parts.length - 1];
      if (item === undefined) this.grounds.report(undefined, `a hit ${value.toString(16)} of no rule`, where);
      else hits.push({ value, where: this.elsewhere(ruleOf(value)) ? where : item.where, item });
    }
    hits.sort(({ item: { part: a }, value: x }, { item: { part: b }, value: y }) =>
      a.order !== b.order ? a.order - b.order : a.drops === b.drops ? (x < y ? -1 : 1) : a.drops ? -1 : 1,
    );
    if (hits.some(({ value }, i) => i > 0 && ruleOf(value) < ruleOf(hits[i - 1].value)))
      throw unsupported('rules with numbers in another order');
    return hits;
  }

  /** Hits as what may be met: part `order` is of the hit with this number. */
  private itemsOf(hits: readonly Hit[]): readonly Item[] {
    const { bdd } = this.grounds.chains;
    const whole = new Set(hits.filter(({ where, item }) => where === item.where).map(({ item }) => item));
    return hits.map(({ where, item }, order): Item => {
      const { part } = item;
      // A part that ends the way in all of its hull does so together with the one that drops.
      const all = this.rules.get(Number(ruleOf(hits[order].value))) ?? [];
      const ends = part.ends && all.every((one) => whole.has(one) || one.where === FALSE);
      const own: Part = {
        ...part,
        order,
        ends,
        ...(bdd.implies(where, item.where) ? {} : { hull: new Map(), limits: [], broad: [] }),
        get plain(): Item {
          return plain;
        },
      };
      const plain = new Item(
        own,
        'plain',
        () => where,
        () => (where === item.where ? item.narrow : undefined),
      );
      return plain;
    });
  }

  protected override joined(a: Arrival, b: Arrival): Stand | undefined {
    const stand = super.joined(a, b);
    const [x, y] = [a.stand.least, b.stand.least];
    if (stand === undefined || x === undefined || y === undefined) return undefined;
    return { ...stand, least: { ...x, ...eitherOf(x, y) } };
  }

  protected come(step: Exclude<Step, { kind: 'place' | 'fork' }>, stand: Stand, here: Here): void {
    const { grounds } = this;
    switch (step.kind) {
      case 'found':
        return this.returned(step.value, stand, here);
      case 'test':
        return this.tested(step, stand, here);
      case 'event':
        grounds.differ(undefined, step.name, grounds.chains.bdd.and(grounds.conditionOf(here), step.when), here);
        return this.visit(step.then, stand, here);
      case 'exit':
        return grounds.differ(undefined, `verdict ${step.code}`, grounds.conditionOf(here), here);
      case 'call':
      case 'look':
      case 'split':
        throw unsupported('a look-up that looks up');
    }
  }

  private tested(step: Extract<Step, { kind: 'test' }>, stand: Stand, here: Here): void {
    const { least } = stand;
    if (least?.of !== step.of) throw unsupported('a test of what is not known');
    tested(step, least, (then, bounds) => this.visit(then, { ...stand, least: { ...least, ...bounds } }, here));
  }

  /** `value` undefined: what it was given. */
  private returned(value: bigint | undefined, { items, least }: Stand, here: Here): void {
    if (least === undefined) throw unsupported('a look-up that is given nothing');
    const { grounds } = this;
    const condition = grounds.conditionOf(here);
    const rule = ruleOf(value ?? least.hi);
    for (const item of items) {
      if (ruleOf(this.hits[item.part.order].value) >= rule) break;
      grounds.differ(item.part, 'whether it is found', grounds.chains.bdd.and(condition, item.where), here);
    }
    if (value === undefined) return;
    const hit = this.byValue.get(value);
    const outside = grounds.chains.bdd.without(condition, hit?.where ?? FALSE);
    grounds.differ(hit?.item.part, 'a find', outside, here);
    if (rule > ruleOf(least.lo)) grounds.differ(hit?.item.part, 'which hit is the lesser one', condition, here);
  }
}
