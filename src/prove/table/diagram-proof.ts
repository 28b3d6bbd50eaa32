import { FALSE, type Ref } from '../bdd.js';
import type { Condition } from './condition.js';
import type { Deciding } from './deciding.js';
import { unsupported } from '../unprovable.js';
import { findsOf } from './finds.js';
import { HullBoxes } from './hull-boxes.js';
import type { Grounds, Here } from './grounds.js';
import { GIVEN } from './looks.js';
import { Item, mayMeet, type Box, type Part } from './rule-parts.js';
import { eitherOf, ended, endsOf, ruleOf, tested, type Least } from './least.js';
import type { Stand } from './stand.js';
import type { Entry, Step } from './step.js';
import { Visits, type Arrival } from './visits.js';

/** A hit: the number that a look-up finds, for which packets, and the part of a rule that it says they are in. */
export interface Hit {
  readonly value: bigint;
  readonly item: Item;
  readonly where: Ref;
  /** These are all packets of the part. */
  readonly whole: boolean;
}

/** What is known on a way, as far as numbers and ranges tell. */
export type Way = Pick<Here, 'known' | 'box' | 'told'>;

/** Packets that a look-up begins with. */
export interface Start {
  /** What is known of them, of numbers of few bits, and a box that they lie in. */
  readonly known: Ref;
  readonly box: Box;
  /** All that is known of them. */
  readonly exactly: Condition;
  /** What is known of those of each way that leads there; undefined where there are too many. */
  readonly ways: readonly Way[] | undefined;
}

/** What a look-up may find, whatever is looked up. */
export interface Found {
  readonly values: ReadonlySet<bigint>;
  /** Whether a rule is found by another look-up, too; else this one must find all of it. */
  elsewhere(rule: bigint): boolean;
  /** Whether it keeps a place in a list, and hits are taken from there on; those from a number on are none. */
  readonly end: bigint | undefined;
  /** Whether no hit is taken behind one with this bit. */
  isLast(bit: number): boolean;
}

/** Hits that count say so: a hint at what is claimed of them. */
const COUNTS = 0x8000_0000n;

/**
 * A function that looks into a diagram, against the hits that it is seen to find: for all packets of a hit it returns one of this
 * rule or of an earlier one, and never more than it is given. Where it keeps a place in a list, this is at the first of its hits, and at each
 * place the function for the next one comes to that of the first hit of a later rule: so the places are those of all hits, in order. Those behind
 * what it is given may be left out where none is taken behind that.
 */
export class DiagramProof extends Visits {
  private hits: readonly Hit[] = [];
  private orders: ReadonlyMap<bigint, number> = new Map();

  /** `rules`: the parts of rules by the number that hits give them. */
  constructor(
    grounds: Grounds,
    private readonly rules: ReadonlyMap<number, readonly Item[]>,
    private readonly found: Found,
  ) {
    super(grounds);
  }

  private get keeps(): boolean {
    return this.found.end !== undefined;
  }

  private get end(): bigint {
    if (this.found.end === undefined) throw unsupported('places that are not kept');
    return this.found.end;
  }

  /** `starts`: packets that begin at each place; `most`: the greatest number that it is given. */
  prove(places: readonly Step[], starts: ReadonlyMap<number, Start>, most: bigint): readonly Hit[] {
    this.hits = this.hitsOf((wanted) => {
      const begin = new Map([...starts].map(([number, { exactly }]) => [number, exactly.ref]));
      return findsOf({ grounds: this.grounds, places, starts: begin, most, wanted });
    });
    this.orders = new Map(this.hits.map(({ value }, order) => [value, order]));
    const items = new HullBoxes(this.itemsOf(this.hits));
    const least: Least = { of: GIVEN, given: most, looked: new Set(), lo: 0n, hi: most };
    const begin = new Map<number, Arrival>();
    for (const [number, start] of starts) {
      const stand = { items: this.metBy(items, start), counted: -1, least };
      begin.set(number, { stand, known: start.exactly.ref, box: start.box, beside: undefined });
    }
    this.visitAll(places, begin);
    return this.hits;
  }

  private metBy(items: HullBoxes, start: Start): readonly Item[] {
    const { thorough, deciding, chains } = this.grounds;
    const near = items.meeting(start.box);
    const { ways = [] } = start;
    if (!thorough && ways.length > 0) return near.filter((item) => ways.some((way) => mayMeetOn(item, way, deciding)));
    const met = thorough ? near : near.filter((item) => !deciding.isOut(item, start));
    return met.filter(({ where }) => chains.bdd.meets(where, start.exactly.ref));
  }

  /** `findsOf`: asked only where what is found is not all packets of a part. */
  private hitsOf(findsOf: (wanted: ReadonlySet<bigint>) => ReadonlyMap<bigint, Ref>): readonly Hit[] {
    const { bdd } = this.grounds.chains;
    const hits: Hit[] = [];
    const wanted = new Set<bigint>();
    for (const value of this.found.values) {
      const parts = this.partsOf(value);
      // What is of no rule is no claim: it must not be found.
      if (parts.length === 0) continue;
      const counts = (value & COUNTS) !== 0n;
      if (this.found.elsewhere(ruleOf(value))) wanted.add(value);
      else hits.push(wholeHit(value, parts.find(({ part }) => part.drops !== counts) ?? parts[parts.length - 1]));
    }
    for (const [value, where] of wanted.size === 0 ? [] : findsOf(wanted)) {
      const parts = this.partsOf(value);
      const item = parts.find((part) => bdd.implies(where, part.where)) ?? parts[parts.length - 1];
      hits.push({ value, where, item, whole: where === item.where });
    }
    hits.sort(({ item: { part: a }, value: x }, { item: { part: b }, value: y }) =>
      a.order !== b.order ? a.order - b.order : a.drops === b.drops ? (x < y ? -1 : 1) : a.drops ? -1 : 1,
    );
    if (hits.some(({ value }, i) => i > 0 && ruleOf(value) < ruleOf(hits[i - 1].value)))
      throw unsupported('rules with numbers in another order');
    return hits;
  }

  private partsOf(value: bigint): readonly Item[] {
    return this.rules.get(Number(ruleOf(value))) ?? [];
  }

  /** Hits as what may be met: part `order` is of the hit with this number. */
  private itemsOf(hits: readonly Hit[]): readonly Item[] {
    const { bdd } = this.grounds.chains;
    const wholes = new Set(hits.filter(({ whole }) => whole).map(({ item }) => item));
    return hits.map((hit, order): Item => {
      const { item, whole } = hit;
      const { part } = item;
      // A part that ends the way in all of its hull does so together with the one that drops.
      const all = this.rules.get(Number(ruleOf(hits[order].value))) ?? [];
      const ends = part.ends && all.every((one) => wholes.has(one) || one.where === FALSE);
      const own: Part = {
        ...part,
        order,
        ends,
        ...(whole || bdd.implies(hit.where, item.where) ? {} : { hull: new Map(), limits: [], broad: [] }),
        get plain(): Item {
          return plain;
        },
      };
      const plain = new Item(
        own,
        'plain',
        () => hit.where,
        () => (whole ? item.narrow : undefined),
      );
      return plain;
    });
  }

  protected override joined(a: Arrival, b: Arrival): Stand | undefined {
    const stand = super.joined(a, b);
    const [x, y] = [a.stand.least, b.stand.least];
    // Behind the first place there is nothing that it was given.
    if (x === undefined && y === undefined) return stand;
    if (stand === undefined || x === undefined || y === undefined) return undefined;
    return { ...stand, least: { ...x, ...eitherOf(x, y), ends: endsOf(x, y) } };
  }

  protected come(step: Exclude<Step, { kind: 'place' | 'fork' }>, stand: Stand, here: Here): void {
    const { grounds } = this;
    switch (step.kind) {
      case 'found':
        this.returned(step.value, stand, here);
        return this.keeps ? this.kept(step.entry, stand, here) : undefined;
      case 'stands':
        return this.stands(step.entry, stand, here);
      case 'test':
        return this.tested(step, stand, here);
      case 'flag':
        return this.flagged(step, stand, here);
      case 'event':
        grounds.differ(undefined, step.name, grounds.chains.bdd.and(grounds.conditionOf(here), step.when), here);
        return this.visit(step.then, stand, here);
      case 'exit':
        return grounds.differ(undefined, `verdict ${step.code}`, grounds.conditionOf(here), here);
      case 'call':
      case 'look':
      case 'next':
      case 'split':
        throw unsupported('a look-up that looks up');
    }
  }

  /** Whether what it returns is what it was given or not, the place is the same. */
  private kept(entry: Entry | undefined, stand: Stand, here: Here): void {
    const { last } = this;
    const items = this.taken(stand);
    if (last?.entry === entry && last?.here === here && last?.items === items) return;
    this.last = { entry, here, items };
    this.stands(entry, { ...stand, items }, here);
  }

  private last: { readonly entry: Entry | undefined; readonly here: Here; readonly items: readonly Item[] } | undefined;

  /** Without the hits behind what it is given where none of them is taken. */
  private taken({ items, least }: Stand): readonly Item[] {
    const ends = least?.ends;
    if (ends === undefined) return items;
    return items.filter((item) => ruleOf(this.hits[item.part.order].value) <= ruleOf(ends));
  }

  /** At a place in a list: its hit is the first one of those that are still to be met; behind it, the others are. */
  private stands(entry: Entry | undefined, { items }: Stand, here: Here): void {
    const { grounds } = this;
    const { bdd } = grounds.chains;
    if (entry?.hit === undefined) throw unsupported('a look-up that keeps no place');
    const { hit: value, next } = entry;
    const rule = ruleOf(value);
    const rest = items.findIndex((item) => ruleOf(this.hits[item.part.order].value) >= rule);
    this.passed(rest < 0 ? items : items.slice(0, rest), here);
    if (value >= this.end) return;
    const order = this.orders.get(value);
    const hit = order === undefined ? undefined : this.hits[order];
    if (!items.some((item) => item.kind === 'certain' && item.part.order === order)) {
      const outside = bdd.without(grounds.conditionOf(here), hit?.where ?? FALSE);
      grounds.differ(hit?.item.part, 'a find', outside, here);
    }
    if (next === undefined) return;
    const behind = items.filter((item) => ruleOf(this.hits[item.part.order].value) > rule);
    this.visit(next, { items: behind, counted: -1 }, here);
  }

  /** None of these may be met. */
  private passed(items: readonly Item[], here: Here): void {
    const { grounds } = this;
    for (const item of items) {
      if (!grounds.thorough && grounds.deciding.isOut(item, here)) continue;
      const missed = grounds.chains.bdd.and(grounds.conditionOf(here), item.where);
      grounds.differ(item.part, 'whether it is found', missed, here);
    }
  }

  private tested(step: Extract<Step, { kind: 'test' }>, stand: Stand, here: Here): void {
    const { least } = stand;
    if (least?.of !== step.of) throw unsupported('a test of what is not known');
    tested(step, least, (then, bounds) => this.visit(then, { ...stand, least: { ...least, ...bounds } }, here));
  }

  private flagged({ of, bit, set, clear }: Extract<Step, { kind: 'flag' }>, stand: Stand, here: Here): void {
    const { least } = stand;
    if (least?.of !== of) throw unsupported('a test of what is not known');
    this.visit(clear, stand, here);
    this.visit(set, this.found.isLast(bit) ? { ...stand, least: ended(least) } : stand, here);
  }

  /** `value` undefined: what it was given. */
  private returned(value: bigint | undefined, { items, least }: Stand, here: Here): void {
    if (least === undefined) throw unsupported('a look-up that is given nothing');
    const { grounds } = this;
    const { bdd } = grounds.chains;
    const rule = ruleOf(value ?? least.hi);
    const rest = items.findIndex((item) => ruleOf(this.hits[item.part.order].value) >= rule);
    this.passed(rest < 0 ? items : items.slice(0, rest), here);
    if (value === undefined) return;
    const order = this.orders.get(value);
    const hit = order === undefined ? undefined : this.hits[order];
    // An item that is certain has all packets that are here.
    if (!items.some((item) => item.kind === 'certain' && item.part.order === order)) {
      const outside = bdd.without(grounds.conditionOf(here), hit?.where ?? FALSE);
      grounds.differ(hit?.item.part, 'a find', outside, here);
    }
    if (rule > ruleOf(least.lo))
      grounds.differ(hit?.item.part, 'which hit is the lesser one', grounds.conditionOf(here), here);
  }
}

function mayMeetOn(item: Item, way: Way, deciding: Deciding): boolean {
  let met = true;
  way.told.forEach((ranges, dimension) => (met &&= mayMeet(item, dimension, ranges)));
  return met && !deciding.isOut(item, way);
}

/** All packets of a part: they are worked out where they are asked for. */
function wholeHit(value: bigint, item: Item): Hit {
  return {
    value,
    item,
    get where(): Ref {
      return item.where;
    },
    whole: true,
  };
}
