import { AFTER, BEFORE, isCommon, type Alignment, type SideNumber } from './alignment.js';
import { FALSE, TRUE, type Diagrams, type Node } from './diagram.js';
import type { Fate, FatePair } from './explore.js';
import { Inside, type Hull, type Hulls } from './hull.js';
import { DROP_KEY } from './lists.js';
import { OUTCOME } from './outcome.js';
import { pointIn, randomNumbers } from './point.js';
import { multiplied, type Product } from './product.js';
import type { Deciders } from './program.js';

/** Pairs that come first because they may have the most packets. */
const WIDEST = 10;
/** A variable of which rules ask for so many different ranges has a function of its own in a product. */
const MANY = 16;
/** Rules that tell so many ranges apart before it are put together for themselves. */
const SOME = 8;

/** A part of what a rule matches, with the same fate for all of its packets. */
interface Part {
  /** Place of the rule in the alignment. */
  readonly place: number;
  /** The outcome that its packets have. */
  readonly value: number;
  readonly verdict: string;
}

/** What decides packets on the two sides. */
type Meeting = readonly [before: Part, after: Part];

/** A function, and a rectangle around it. */
interface Placed {
  readonly node: Node;
  readonly hull: Hull;
}

/** Two fates, and who gives them to which packets. */
interface Pair {
  readonly fates: FatePair;
  readonly meetings: Meeting[];
}

/**
 * Compares two lists of rules of which the first that matches decides, by the rules that one side alone has. A packet
 * that no such rule decides, on either side, is decided by the same rule on both: one that both have and that matches
 * is passed on neither. So an edited rule is looked at with each rule of the other side that decides otherwise, shares
 * packets with it, and does not stand before it on both sides; what takes the packets of the two before is found by
 * points, and taken away until a packet is found that comes to both, or none is left.
 */
export class FirstMatch {
  readonly #pairs = new Map<string, Pair>();
  readonly #found = new Set<number>();
  readonly #parts: (readonly Part[] | undefined)[] = [];
  /** For each outcome where it is that one. */
  readonly #maps = Object.values(OUTCOME).map(() => new Map<Node, Node>());
  readonly #random = randomNumbers();
  readonly #values: Float64Array;
  readonly #valueOf: (variable: number) => number;

  constructor(
    private readonly diagrams: Diagrams,
    private readonly hulls: Hulls,
    private readonly deciders: Deciders,
    /** Packets that there are. */
    private readonly feasible: Node,
    private readonly alignment: Alignment,
  ) {
    this.#values = new Float64Array(diagrams.variableCount);
    this.#valueOf = (variable) => this.#values[variable];
  }

  /**
   * Each pair of fates of some packet that is judged otherwise; those that may have the most packets first, then one of each
   * rule that one side alone has, then the others in order.
   */
  pairs(): readonly FatePair[] {
    for (const side of [BEFORE, AFTER] as const) {
      this.alignment.rules.forEach((rule, place) => {
        if (rule.deciders[side] === undefined || isCommon(rule)) return;
        for (const part of this.#partsOf(place)) this.#lookAround(part, side);
      });
    }
    const placed = [...this.#pairs.values()].sort((a, b) => byPlace(a.meetings[0], b.meetings[0]));
    const sized = placed.map((pair) => ({ pair, room: this.#roomOfPair(pair) })).sort((a, b) => b.room - a.room);
    const first = new Set(sized.slice(0, WIDEST).map(({ pair }) => pair));
    const seen = new Set([...first].flatMap((pair) => this.#editedIn(pair)));
    for (const { pair } of sized) {
      const edited = this.#editedIn(pair).filter((place) => !seen.has(place));
      if (edited.length > 0) first.add(pair);
      for (const place of edited) seen.add(place);
    }
    return [...first, ...placed.filter((pair) => !first.has(pair))].map(({ fates }) => fates);
  }

  /** Places of the rules that one side alone has. */
  #editedIn({ meetings }: Pair): readonly number[] {
    const places = new Set(meetings.flatMap((parts) => parts.map(({ place }) => place)));
    return [...places].filter((place) => !isCommon(this.alignment.rules[place]));
  }

  /** Exactly the packets of a pair of {@link pairs}. */
  regionOf({ before, after }: FatePair): Product {
    const { diagrams } = this;
    const pair = this.#pairs.get(pairKey(before, after));
    // The regions of two pairs have little in common.
    diagrams.forget();
    const regions = (pair?.meetings ?? []).map((meeting) => this.#regionOf(meeting));
    return regions.length === 1 ? regions[0] : [diagrams.anyOf(regions.map((region) => multiplied(diagrams, region)))];
  }

  /** Looks for the other side's fates of the packets of a part of an edited rule. */
  #lookAround(own: Part, side: SideNumber): void {
    const { diagrams, alignment } = this;
    const where = diagrams.and(this.#where(own), this.feasible);
    if (where === FALSE) return;
    const hull = this.hulls.of(where);
    const near = new Inside(diagrams, hull);
    for (const place of alignment.near(hull)) {
      const rule = alignment.rules[place];
      if (rule.deciders[side === BEFORE ? AFTER : BEFORE] === undefined) continue;
      // Where both are edited, the first side's rule has looked at the other one.
      if (isCommon(rule) ? place < own.place : side === AFTER) continue;
      for (const other of this.#partsOf(place)) {
        if (other.verdict === own.verdict) continue;
        const meeting: Meeting = side === BEFORE ? [own, other] : [other, own];
        if (this.#found.has(meetingKey(meeting))) continue;
        this.#search(meeting, diagrams.and(where, near.simplified(this.#where(other))), near);
      }
    }
  }

  /** Takes from the packets that match both what other rules take before, until one is found that comes to both. */
  #search(wanted: Meeting, where: Node, near: Inside): void {
    const { diagrams, alignment } = this;
    let left = where;
    while (left !== FALSE) {
      pointIn(diagrams, left, this.#random, this.#values);
      const deciding = [BEFORE, AFTER].map((side) => alignment.deciding(side as SideNumber, this.#valueOf));
      this.#note(deciding[BEFORE], deciding[AFTER]);
      const others = new Set(deciding.filter((place, side) => place !== wanted[side].place));
      if (others.size === 0) return;
      for (const place of others) {
        left = diagrams.and(left, diagrams.not(near.simplified(alignment.rules[place].ends)));
      }
    }
  }

  /** The point that was looked at shows a pair, be it the one that is looked for or another one. */
  #note(one: number, two: number): void {
    if (one === two) return;
    const [before, after] = [this.#partAt(one), this.#partAt(two)];
    if (before.verdict === after.verdict) return;
    const key = meetingKey([before, after]);
    if (this.#found.has(key)) return;
    this.#found.add(key);
    const fates = { before: this.#fateOf(before, BEFORE), after: this.#fateOf(after, AFTER) };
    const text = pairKey(fates.before, fates.after);
    const known = this.#pairs.get(text);
    if (known === undefined) this.#pairs.set(text, { fates, meetings: [[before, after]] });
    else known.meetings.push([before, after]);
  }

  #partAt(place: number): Part {
    const value = this.diagrams.evaluate(this.alignment.rules[place].outcome, this.#valueOf);
    const part = this.#partsOf(place).find((one) => one.value === value);
    if (part === undefined) throw new Error('a packet comes to a rule that does not match it');
    return part;
  }

  #partsOf(place: number): readonly Part[] {
    let parts = this.#parts[place];
    if (parts === undefined) {
      const { outcome, verdict } = this.alignment.rules[place];
      const values = this.diagrams.isBoolean(outcome) ? [OUTCOME.yes] : [...this.diagrams.valuesOf(outcome)];
      parts = values
        .filter((value) => value !== OUTCOME.no)
        .sort((a, b) => a - b)
        .map((value) => ({ place, value, verdict: verdictOf(verdict, value) }));
      this.#parts[place] = parts;
    }
    return parts;
  }

  #where({ place, value }: Part): Node {
    const { outcome, ends } = this.alignment.rules[place];
    if (this.diagrams.isBoolean(outcome)) return ends;
    return this.diagrams.map(outcome, (one) => (one === value ? 1 : 0), this.#maps[value]);
  }

  #fateOf({ place, value, verdict }: Part, side: SideNumber): Fate {
    const decider = this.deciders.get(this.alignment.rules[place].deciders[side] ?? 0);
    return { verdict, decider, hotdrop: value !== OUTCOME.yes, counted: [] };
  }

  #regionOf(meeting: Meeting): Product {
    const { diagrams, alignment } = this;
    const [before, after] = meeting.map((part) => this.#where(part));
    const region = diagrams.and(diagrams.and(before, after), this.feasible);
    if (region === FALSE) return [FALSE];
    const hull = this.hulls.of(region);
    const inside = new Inside(diagrams, hull);
    const taken = new Map<Node, Hull>();
    for (const place of alignment.near(hull, Math.max(meeting[0].place, meeting[1].place))) {
      const { deciders, ends, hull: own } = alignment.rules[place];
      const isBefore = ([BEFORE, AFTER] as const).some(
        (side) => place < meeting[side].place && deciders[side] !== undefined,
      );
      if (isBefore) taken.set(ends, inside.clipped(own));
    }
    return this.#without(
      region,
      inside,
      Array.from(taken, ([node, around]) => ({ node, hull: around })),
    );
  }

  /**
   * The region without what others take. They are put together by the first variable of many values that they ask for: rules
   * that ask for another one first would be told with each of these values.
   */
  #without(region: Node, within: Inside, taken: readonly Placed[]): Product {
    const { diagrams } = this;
    const [wide, ...narrow] = byFirst(taken);
    const left = diagrams.and(region, diagrams.not(this.#union(simple(wide, within))));
    if (left === FALSE) return [FALSE];
    const near = new Inside(diagrams, this.hulls.of(left));
    return [
      left,
      ...narrow.flatMap(({ rules, variable }) => {
        const meeting = rules.filter(({ hull }) => near.meets(hull));
        const own = simple(meeting, near).filter(({ node }) => diagrams.meet(node, left));
        // Those that tell many values apart before the variable would be told with each of its values, too.
        const isPlain = ({ node }: Placed): boolean => this.#mostAbove(node, variable) < SOME;
        return [own.filter(isPlain), own.filter((one) => !isPlain(one))].map((some) => diagrams.not(this.#union(some)));
      }),
    ].filter((node) => node !== TRUE);
  }

  /** The most ranges that a function tells apart on a way to a variable. */
  #mostAbove(node: Node, variable: number): number {
    const { diagrams } = this;
    let most = 0;
    for (let here = node; diagrams.variableOf(here) < variable;) {
      const children = diagrams.childrenOf(here);
      most = Math.max(most, children.length);
      here = children.find((child) => child !== FALSE) ?? FALSE;
    }
    return most;
  }

  /** Neighbours are put together first: what lies apart keeps its parts. */
  #union(rules: readonly Placed[]): Node {
    return this.diagrams.anyOf([...rules].sort((a, b) => byCorner(a.hull, b.hull)).map(({ node }) => node));
  }

  #roomOfPair({ meetings }: Pair): number {
    const { rules } = this.alignment;
    const rooms = meetings.map(([before, after]) => this.#roomOf(rules[before.place].hull, rules[after.place].hull));
    return rooms.reduce((a, b) => Math.max(a, b));
  }

  /** The share of all combinations of values that the rectangles around two rules have in common. */
  #roomOf(a: Hull, b: Hull): number {
    let room = 1;
    const share = (variable: number, lo: number, hi: number): void => {
      room *= (hi - lo + 1) / this.diagrams.sizeOf(variable);
    };
    a.variables.forEach((variable, i) => {
      const j = b.variables.indexOf(variable);
      if (j < 0) share(variable, a.least[i], a.most[i]);
      else share(variable, Math.max(a.least[i], b.least[j]), Math.min(a.most[i], b.most[j]));
    });
    b.variables.forEach((variable, j) => {
      if (!a.variables.includes(variable)) share(variable, b.least[j], b.most[j]);
    });
    return room;
  }
}

/** What they are in a rectangle, each function once. */
function simple(rules: readonly Placed[], inside: Inside): readonly Placed[] {
  const found = new Map<Node, Placed>();
  for (const { node, hull } of rules) {
    const here = inside.simplified(node);
    if (!found.has(here)) found.set(here, { node: here, hull });
  }
  return [...found.values()];
}

/** First those that ask for no variable of many values; then those of which the last such variable is the first, and so on. */
function byFirst(
  taken: readonly Placed[],
): readonly [readonly Placed[], ...{ readonly rules: readonly Placed[]; readonly variable: number }[]] {
  const lows = new Map<number, Set<number>>();
  for (const { hull } of taken) {
    hull.variables.forEach((variable, i) => {
      const known = lows.get(variable);
      if (known === undefined) lows.set(variable, new Set([hull.least[i]]));
      else known.add(hull.least[i]);
    });
  }
  const many = [...lows].flatMap(([variable, { size }]) => (size < MANY ? [] : [variable])).sort((a, b) => b - a);
  const wide: Placed[] = [];
  const groups = many.map((variable) => ({ rules: [] as Placed[], variable }));
  for (const one of taken) {
    const first = many.findLastIndex((variable) => one.hull.variables.includes(variable));
    (first < 0 ? wide : groups[first].rules).push(one);
  }
  return [wide, ...groups];
}

/** As ipt_do_table (net/ipv4/netfilter/ip_tables.c): what is dropped on the way is dropped, but a REJECT has answered. */
function verdictOf(verdict: string | undefined, value: number): string {
  if (verdict !== undefined && value === OUTCOME.yes) return verdict;
  return value === OUTCOME.dropping && verdict?.startsWith('reject ') === true ? verdict : DROP_KEY;
}

/** By the variable that is tested first, and its values; then by the next one. */
function byCorner(a: Hull, b: Hull): number {
  for (let i = 0; i < a.variables.length && i < b.variables.length; i++) {
    const order = a.variables[i] - b.variables[i] || a.least[i] - b.least[i] || a.most[i] - b.most[i];
    if (order !== 0) return order;
  }
  return b.variables.length - a.variables.length;
}

/** In the order of the rules, the first side's first. */
function byPlace([a, b]: Meeting, [c, d]: Meeting): number {
  return a.place - c.place || b.place - d.place || a.value - c.value || b.value - d.value;
}

/** One number for two parts. */
function meetingKey([before, after]: Meeting): number {
  return (before.place * 4 + before.value) * 2 ** 26 + after.place * 4 + after.value;
}

function pairKey(before: Fate, after: Fate): string {
  return `${fateKey(before)} | ${fateKey(after)}`;
}

function fateKey({ verdict, decider, hotdrop }: Fate): string {
  const who = decider.kind === 'rule' ? `${decider.chain} ${decider.number}` : `policy ${decider.chain}`;
  return `${verdict} ${who} ${hotdrop ? 'h' : ''}`;
}
