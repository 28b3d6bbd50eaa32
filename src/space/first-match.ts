import { AFTER, BEFORE, isCommon, SIDES, type Alignment, type SideNumber, type Walk } from './alignment.js';
import { FALSE, type Diagrams, type Node } from './diagram.js';
import { TooWideError, type Fate, type FatePair } from './explore.js';
import { Inside, share, type Hull, type Hulls } from './hull.js';
import { byPlace, meetingKey, verdictOf, type Meeting, type Part, type Parts } from './meeting.js';
import { OUTCOME } from './outcome.js';
import { pointIn, randomNumbers } from './point.js';
import { multiplied, type Product } from './product.js';
import type { Deciders } from './program.js';
import { without, type Placed } from './taken.js';

const OTHER = [AFTER, BEFORE] as const;

/** Pairs that come first because they may have the most packets. */
const WIDEST = 10;
/** More parts of regions that are counted by other rules than this are too many to look at. */
const MOST_PARTS = 200_000;

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
 * that comes to no such rule, on either side, meets the same rules on both and is decided by the same one. So an edited rule is
 * looked at with each rule of the other side that decides otherwise, shares packets with it, and does not stand before it
 * on both sides; what takes the packets of the two before is found by points, and taken away until a packet is found that
 * comes to both, or none is left. Where an edited rule leads packets past others (RETURN, goto), what decides them behind these is
 * looked at with what decides them on the other side. Where it is asked what counts a packet, an edited rule that goes on
 * is looked at with each rule of both sides behind it, and two that meet are looked at once for all that may have
 * counted the packet before.
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
        if (rule.leaves !== FALSE) this.#lookPast(place, side);
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

  /** What helps to look into a region, and the rules that may match some of it. */
  #near(region: Node): { readonly near: Inside; readonly places: readonly number[] } {
    const hull = this.hulls.of(region);
    return { near: new Inside(this.diagrams, hull), places: this.alignment.near(hull) };
  }

  /** Looks for the other side's fates of the packets of a part of an edited rule. */
  #lookAround(own: Part, side: SideNumber): void {
    const { diagrams, alignment } = this;
    const where = diagrams.and(this.#where(own), this.feasible);
    if (where === FALSE) return;
    const { near, places } = this.#near(where);
    const counting = places.filter((place) => this.#counting.has(place));
    for (const place of places) {
      const rule = alignment.rules[place];
      if (rule.deciders[OTHER[side]] === undefined) continue;
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
    const { near, places } = this.#near(where);
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

  /** Looks for what decides packets that an edited rule leads past others, and what the other side does with them there. */
  #lookPast(own: number, side: SideNumber): void {
    const { diagrams, alignment } = this;
    const { leaves, to } = alignment.rules[own];
    const where = diagrams.and(leaves, this.feasible);
    if (where === FALSE) return;
    const { near, places } = this.#near(where);
    for (const place of places) {
      if (place < own || alignment.rules[place].deciders[OTHER[side]] === undefined) continue;
      for (const other of this.#partsOf(place)) {
        let left = diagrams.and(where, near.simplified(this.#where(other)));
        if (left === FALSE) continue;
        const hull = this.hulls.of(left);
        for (const behind of places) {
          if (behind < to[side] || behind === place || alignment.rules[behind].deciders[side] === undefined) continue;
          if (!share(hull, alignment.rules[behind].hull)) continue;
          for (const part of this.#partsOf(behind)) {
            if (part.verdict === other.verdict) continue;
            const wanted: Parts = side === BEFORE ? [part, other] : [other, part];
            if (this.#found.has(meetingKey({ parts: wanted, counting: [] }))) continue;
            const region = diagrams.and(left, near.simplified(this.#where(part)));
            this.#search({ wanted, near, asked: [], counting: [] }, region);
          }
          // Nothing leads past it: no packet comes to a rule behind.
          if (alignment.isPassed(behind, side)) continue;
          left = diagrams.and(left, diagrams.not(near.simplified(alignment.rules[behind].ends)));
          if (left === FALSE) break;
        }
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
      const walks = SIDES.map((side) => alignment.walk(side, this.#valueOf));
      const here = asked.filter((place) => diagrams.evaluate(alignment.rules[place].counts, this.#valueOf) === 1);
      this.#note(
        walks[BEFORE].deciding,
        walks[AFTER].deciding,
        [...counting, ...here].sort((a, b) => a - b),
      );
      const taking = SIDES.flatMap((side) => this.#takes(walks[side], wanted[side].place, side));
      if (taking.length === 0) return this.#searchParts(search, left);
      for (const node of new Set(taking)) left = diagrams.and(left, diagrams.not(near.simplified(node)));
    }
  }

  /** Packets that come to other rules than the wanted one, as the one whose way it is; nothing where that is the wanted one. */
  #takes({ deciding, left }: Walk, wanted: number, side: SideNumber): readonly Node[] {
    const { alignment } = this;
    if (deciding === wanted) return [];
    if (deciding < wanted) return [alignment.endingBefore(wanted, deciding, side)];
    const past = left.find((place) => place < wanted && alignment.rules[place].to[side] > wanted);
    // It matches the wanted rule: something leads past it.
    if (past === undefined) throw new Error('a packet does not come to a rule that matches it');
    return [alignment.rules[past].leaves];
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
      const { outcome, verdict, counts, leaves } = this.alignment.rules[place];
      const values = this.diagrams.isBoolean(outcome) ? [OUTCOME.yes] : [...this.diagrams.valuesOf(outcome)];
      const goesOn = counts === FALSE && leaves === FALSE ? undefined : OUTCOME.yes;
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
      const { deciders, counts, leaves, to, hull: own } = alignment.rules[place];
      for (const side of SIDES) {
        const end = parts[side].place;
        if (place >= end || deciders[side] === undefined) continue;
        const past = to[side] > end ? leaves : FALSE;
        const counted = counting.includes(place) ? FALSE : counts;
        for (const node of [alignment.endingBefore(end, place, side), past, counted]) {
          if (node !== FALSE) taken.set(node, inside.clipped(own));
        }
      }
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
