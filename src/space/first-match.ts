import { AFTER, BEFORE, isCommon, SIDES, type Alignment, type SideNumber } from './alignment.js';
import { FALSE, type Diagrams, type Node } from './diagram.js';
import { TooWideError, type Fate, type FatePair } from './explore.js';
import { Inside, share, type Hull, type Hulls } from './hull.js';
import { DROP_KEY } from './lists.js';
import { OUTCOME } from './outcome.js';
import { pointIn, randomNumbers } from './point.js';
import { multiplied, type Product } from './product.js';
import type { Deciders } from './program.js';
import { without, type Placed } from './taken.js';

/** Pairs that come first because they may have the most packets. */
const WIDEST = 10;
/** More parts of regions that are counted by other rules than this are too many to look at. */
const MOST_PARTS = 200_000;

/** A part of what a rule matches, with the same fate for all of its packets. */
interface Part {
  /** Place of the rule in the alignment. */
  readonly place: number;
  /** The outcome that its packets have. */
  readonly value: number;
  readonly verdict: string;
}

/** What decides packets on the two sides. */
type Parts = readonly [before: Part, after: Part];

/** Packets with the same fates. */
interface Meeting {
  readonly parts: Parts;
  /** Places of the rules before these that count the packets; the others before these do not. */
  readonly counting: readonly number[];
}

/** Where packets are looked for. */
interface Search {
  readonly wanted: Parts;
  readonly near: Inside;
  /** Places of the rules that may count some of the packets and not the others. */
  readonly asked: readonly number[];
  /** Places of those that count all of them. */
  readonly counting: readonly number[];
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
 * points, and taken away until a packet is found that comes to both, or none is left. Where it is asked what counts a packet,
 * an edited rule that goes on is looked at with each rule of both sides behind it, and two that meet are looked at once
 * for all that may have counted the packet before.
 */
export class FirstMatch {
  readonly #pairs = new Map<string, Pair>();
  readonly #found = new Set<number | string>();
  readonly #parts: (readonly Part[] | undefined)[] = [];
  /** For each outcome where it is that one. */
  readonly #maps = Object.values(OUTCOME).map(() => new Map<Node, Node>());
  readonly #random = randomNumbers();
  /** Places of the rules that count packets which go on. */
  readonly #counting: ReadonlySet<number>;
  #partsSeen = 0;
  readonly #values: Float64Array;
  readonly #valueOf: (variable: number) => number;

  constructor(
    private readonly diagrams: Diagrams,
    private readonly hulls: Hulls,
    private readonly deciders: Deciders,
    /** Packets that there are. */
    private readonly feasible: Node,
    private readonly alignment: Alignment,
    /** The same text for rules that count the same; undefined where nobody asks what counts a packet. */
    private readonly keyOf?: (rule: number) => string,
  ) {
    this.#counting = new Set(alignment.rules.flatMap(({ counts }, place) => (counts === FALSE ? [] : [place])));
    this.#values = new Float64Array(diagrams.variableCount);
    this.#valueOf = (variable) => this.#values[variable];
  }

  /**
   * Each pair of fates of some packet that is judged otherwise; those that may have the most packets first, then one of each
   * rule that one side alone has, then the others in order.
   *
   * @throws TooWideError
   */
  pairs(): readonly FatePair[] {
    for (const side of SIDES) {
      this.alignment.rules.forEach((rule, place) => {
        if (rule.deciders[side] === undefined || isCommon(rule)) return;
        for (const part of this.#partsOf(place)) this.#lookAround(part, side);
        if (rule.counts !== FALSE) this.#lookBehind(place);
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
    const places = new Set(
      meetings.flatMap(({ parts, counting }) => [...parts.map(({ place }) => place), ...counting]),
    );
    return [...places].filter((place) => !isCommon(this.alignment.rules[place]));
  }

  /** Exactly the packets of a pair of {@link pairs}. */
  regionOf({ before, after }: FatePair): Product {
    const { diagrams } = this;
    const pair = this.#pairs.get(`${this.#textOf(before)} | ${this.#textOf(after)}`);
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
    const places = alignment.near(hull);
    const counting = places.filter((place) => this.#counting.has(place));
    for (const place of places) {
      const rule = alignment.rules[place];
      if (rule.deciders[side === BEFORE ? AFTER : BEFORE] === undefined) continue;
      // Where both are edited, the first side's rule has looked at the other one.
      if (isCommon(rule) ? place < own.place : side === AFTER) continue;
      for (const other of this.#partsOf(place)) {
        if (this.keyOf === undefined && other.verdict === own.verdict) continue;
        const wanted: Parts = side === BEFORE ? [own, other] : [other, own];
        if (counting.length === 0 && this.#found.has(meetingKey({ parts: wanted, counting: [] }))) continue;
        const asked = this.#askedBefore(wanted, counting);
        this.#search({ wanted, near, asked, counting: [] }, diagrams.and(where, near.simplified(this.#where(other))));
      }
    }
  }

  /** Looks for rules of both sides that decide packets which an edited rule has counted. */
  #lookBehind(own: number): void {
    const { diagrams, alignment } = this;
    const where = diagrams.and(alignment.rules[own].counts, this.feasible);
    if (where === FALSE) return;
    const hull = this.hulls.of(where);
    const near = new Inside(diagrams, hull);
    const places = alignment.near(hull);
    const counting = places.filter((place) => this.#counting.has(place));
    for (const place of places) {
      if (place < own || !isCommon(alignment.rules[place])) continue;
      for (const part of this.#partsOf(place)) {
        const wanted: Parts = [part, part];
        const asked = this.#askedBefore(wanted, counting);
        this.#search({ wanted, near, asked, counting: [] }, diagrams.and(where, near.simplified(this.#where(part))));
      }
    }
  }

  /** Those of the rules that may count a packet before it comes to two. */
  #askedBefore([before, after]: Parts, counting: readonly number[]): readonly number[] {
    const { rules } = this.alignment;
    const hulls = [rules[before.place].hull, rules[after.place].hull];
    const end = Math.max(before.place, after.place);
    return counting.filter((place) => place < end && hulls.every((hull) => share(hull, rules[place].hull)));
  }

  /** Takes from the packets that match both what other rules take before, until one is found that comes to both. */
  #search(search: Search, where: Node): void {
    const { diagrams, alignment } = this;
    const { wanted, near, asked, counting } = search;
    let left = where;
    while (left !== FALSE) {
      pointIn(diagrams, left, this.#random, this.#values);
      const deciding = SIDES.map((side) => alignment.deciding(side, this.#valueOf));
      const here = asked.filter((place) => diagrams.evaluate(alignment.rules[place].counts, this.#valueOf) === 1);
      this.#note(
        deciding[BEFORE],
        deciding[AFTER],
        [...counting, ...here].sort((a, b) => a - b),
      );
      const others = new Set(deciding.filter((place, side) => place !== wanted[side].place));
      if (others.size === 0) return this.#searchParts(search, left);
      for (const place of others) {
        left = diagrams.and(left, diagrams.not(near.simplified(alignment.rules[place].ends)));
      }
    }
  }

  /** A packet has come to both: others may have been counted by other rules. They are looked at by the first that counts them. */
  #searchParts({ wanted, near, asked, counting }: Search, where: Node): void {
    const { diagrams, alignment } = this;
    const all = [...counting];
    const some: { readonly place: number; readonly inside: Node; readonly hull: Hull }[] = [];
    for (const place of asked) {
      const { counts, hull } = alignment.rules[place];
      const inside = diagrams.and(where, near.simplified(counts));
      if (inside === where) all.push(place);
      else if (inside !== FALSE) some.push({ place, inside, hull });
    }
    some.forEach(({ place, inside, hull }, i) => {
      if (++this.#partsSeen > MOST_PARTS) throw new TooWideError('the packets are counted by too many rules');
      const own = some
        .slice(0, i)
        .filter((one) => share(one.hull, hull))
        .reduce((left, one) => diagrams.and(left, diagrams.not(one.inside)), inside);
      const later = some.slice(i + 1).filter((one) => share(one.hull, hull));
      this.#search({ wanted, near, asked: later.map((one) => one.place), counting: [...all, place] }, own);
    });
    if (some.length === 0) return;
    const others = diagrams.and(where, diagrams.not(diagrams.anyOf(some.map(({ inside }) => inside))));
    this.#search({ wanted, near, asked: [], counting: all }, others);
  }

  /** The point that was looked at shows a pair, be it the one that is looked for or another one. */
  #note(one: number, two: number, counting: readonly number[]): void {
    if (one === two && this.keyOf === undefined) return;
    const parts: Parts = [this.#partAt(one), this.#partAt(two)];
    const { rules } = this.alignment;
    const before = (place: number): boolean =>
      SIDES.some((side) => rules[place].deciders[side] !== undefined && place < parts[side].place);
    const meeting: Meeting = { parts, counting: counting.filter(before) };
    if (this.keyOf === undefined && parts[BEFORE].verdict === parts[AFTER].verdict) return;
    const key = meetingKey(meeting);
    if (this.#found.has(key)) return;
    this.#found.add(key);
    const fates = { before: this.#fateOf(meeting, BEFORE), after: this.#fateOf(meeting, AFTER) };
    if (fates.before.verdict === fates.after.verdict && this.#countsOf(fates.before) === this.#countsOf(fates.after)) {
      return;
    }
    const text = `${this.#textOf(fates.before)} | ${this.#textOf(fates.after)}`;
    const known = this.#pairs.get(text);
    if (known === undefined) this.#pairs.set(text, { fates, meetings: [meeting] });
    else known.meetings.push(meeting);
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
      const { outcome, verdict, counts } = this.alignment.rules[place];
      const values = this.diagrams.isBoolean(outcome) ? [OUTCOME.yes] : [...this.diagrams.valuesOf(outcome)];
      const goesOn = counts === FALSE ? undefined : OUTCOME.yes;
      parts = values
        .filter((value) => value !== OUTCOME.no && value !== goesOn)
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

  #fateOf({ parts, counting }: Meeting, side: SideNumber): Fate {
    const { place, value, verdict } = parts[side];
    const { rules } = this.alignment;
    const number = rules[place].deciders[side] ?? 0;
    const decider = this.deciders.get(number);
    const isCounted = this.keyOf !== undefined && value !== OUTCOME.hotdrop && decider.kind === 'rule';
    const counted = counting.flatMap((one) => (one < place ? (rules[one].deciders[side] ?? []) : []));
    return { verdict, decider, hotdrop: value !== OUTCOME.yes, counted: isCounted ? [...counted, number] : counted };
  }

  #regionOf({ parts, counting }: Meeting): Product {
    const { diagrams, alignment } = this;
    const [before, after] = parts.map((part) => this.#where(part));
    const matching = diagrams.and(diagrams.and(before, after), this.feasible);
    const region = counting.reduce((all, place) => diagrams.and(all, alignment.rules[place].counts), matching);
    if (region === FALSE) return [FALSE];
    const hull = this.hulls.of(region);
    const inside = new Inside(diagrams, hull);
    const taken = new Map<Node, Hull>();
    for (const place of alignment.near(hull, Math.max(parts[BEFORE].place, parts[AFTER].place))) {
      const { deciders, ends, counts, hull: own } = alignment.rules[place];
      if (!SIDES.some((side) => place < parts[side].place && deciders[side] !== undefined)) continue;
      if (ends !== FALSE) taken.set(ends, inside.clipped(own));
      if (counts !== FALSE && !counting.includes(place)) taken.set(counts, inside.clipped(own));
    }
    return without(
      diagrams,
      this.hulls,
      region,
      inside,
      Array.from(taken, ([node, around]): Placed => ({ node, hull: around })),
    );
  }

  #roomOfPair({ meetings }: Pair): number {
    const { rules } = this.alignment;
    const rooms = meetings.map(({ parts: [before, after] }) =>
      this.#roomOf(rules[before.place].hull, rules[after.place].hull),
    );
    return rooms.reduce((a, b) => Math.max(a, b));
  }

  /** What counts a packet, by what is printed of the rules. */
  #countsOf({ counted }: Fate): string {
    return counted.map((rule) => this.keyOf?.(rule)).join(' ; ');
  }

  #textOf({ verdict, decider, hotdrop, counted }: Fate): string {
    const who = decider.kind === 'rule' ? `${decider.chain} ${decider.number}` : `policy ${decider.chain}`;
    return `${verdict} ${who} ${hotdrop ? 'h' : ''} ${counted.join()}`;
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

/** As ipt_do_table (net/ipv4/netfilter/ip_tables.c): what is dropped on the way is dropped, but a REJECT has answered. */
function verdictOf(verdict: string | undefined, value: number): string {
  if (verdict !== undefined && value === OUTCOME.yes) return verdict;
  return value === OUTCOME.dropping && verdict?.startsWith('reject ') === true ? verdict : DROP_KEY;
}

/** In the order of the rules, the first side's first. */
function byPlace({ parts: [a, b], counting: one }: Meeting, { parts: [c, d], counting: two }: Meeting): number {
  const order = a.place - c.place || b.place - d.place || a.value - c.value || b.value - d.value;
  for (let i = 0; order === 0 && i < one.length && i < two.length; i++) {
    if (one[i] !== two[i]) return one[i] - two[i];
  }
  return order || one.length - two.length;
}

/** One number for two parts; a text where rules before have counted the packets. */
function meetingKey({ parts: [before, after], counting }: Meeting): number | string {
  const number = (before.place * 4 + before.value) * 2 ** 26 + after.place * 4 + after.value;
  return counting.length === 0 ? number : `${number} ${counting.join()}`;
}
