import type { Condition } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import { complement, type Interval, type IntervalSet } from '../../../grammar/model/interval.js';
import type { Range } from '../../classify/index.js';
import { FLOW_STATE } from '../flow.js';
import { STATE_BIT } from '../netfilter/conntrack.js';
import type { DimensionSet, Word } from './dimensions.js';

export type Box = readonly Range[];

/** Which packets a condition holds for, as boxes that may overlap. */
export interface Regions {
  readonly matching: readonly Box[];
  /** Packets that the condition drops; none of them matches. */
  readonly dropped: readonly Box[];
  /** Where a test is come to whose answer no box tells; with it {@link matching} may be too much. */
  readonly asking: readonly Box[];
}

export interface RegionSettings {
  /** Fields that rules may change on the way. */
  readonly changing: ReadonlySet<Field>;
}

/** More boxes than this are not worth it: the condition is asked as a whole. */
const MOST_BOXES = 96;
const ANYWHERE: readonly Box[] = [[]];

class TooManyError extends Error {}

/** The regions of a condition, which never leave out a packet that matches, is dropped, or comes to a test with memory. */
export function regionsOf(condition: Condition, dimensions: DimensionSet, settings: RegionSettings): Regions {
  const finder = new RegionFinder(dimensions, settings);
  try {
    const matching = finder.find(condition, ANYWHERE, true);
    return { matching, dropped: finder.dropped, asking: finder.asking };
  } catch (error) {
    if (!(error instanceof TooManyError)) throw error;
    return { matching: [], dropped: [], asking: ANYWHERE };
  }
}

class RegionFinder {
  readonly dropped: Box[] = [];
  readonly asking: Box[] = [];

  constructor(
    private readonly dimensions: DimensionSet,
    private readonly settings: RegionSettings,
  ) {}

  /** The parts of the boxes where the condition is `want`. */
  find(condition: Condition, boxes: readonly Box[], want: boolean): readonly Box[] {
    if (boxes.length === 0) return boxes;
    const found = this.parts(condition, boxes, want);
    if (found.length > MOST_BOXES) throw new TooManyError();
    return found;
  }

  private parts(condition: Condition, boxes: readonly Box[], want: boolean): readonly Box[] {
    switch (condition.kind) {
      case 'in':
        return this.membership(condition, boxes, want);
      case 'not':
        return this.find(condition.of, boxes, !want);
      case 'hotdrop':
        // Where it does not drop it is true.
        if (!want) return [];
        this.dropped.push(...this.find(condition.when, boxes, true));
        return this.find(condition.when, boxes, false);
      case 'opaque':
        if (condition.test.name === 'ctstate') {
          const mask = condition.test.states.reduce((bits, state) => bits | STATE_BIT[state], 0);
          const words = [{ access: { offset: FLOW_STATE, shift: 0, mask }, below: 0, isTop: true }];
          return this.constrain(boxes, words, undefined, want ? [[1, mask]] : [[0, 0]]);
        }
        this.asking.push(...boxes);
        return boxes;
      case 'payload':
        this.asking.push(...boxes);
        return boxes;
      case 'all':
        return want ? this.allOf(condition.of, boxes, true) : this.someOf(condition.of, boxes, false);
      case 'any':
        return want ? this.someOf(condition.of, boxes, true) : this.allOf(condition.of, boxes, false);
    }
  }

  private allOf(parts: readonly Condition[], boxes: readonly Box[], want: boolean): readonly Box[] {
    let left = boxes;
    for (const part of parts) left = this.find(part, left, want);
    return left;
  }

  /** A part is asked only where those before it have not decided, which makes a difference if it is more than a test. */
  private someOf(parts: readonly Condition[], boxes: readonly Box[], want: boolean): readonly Box[] {
    const found: Box[] = [];
    const plain = parts.every(isPlain);
    let left = boxes;
    for (const part of parts) {
      found.push(...this.find(part, left, want));
      if (!plain) left = this.find(part, left, !want);
    }
    return found;
  }

  private membership(test: Extract<Condition, { kind: 'in' }>, boxes: readonly Box[], want: boolean): readonly Box[] {
    const { field } = test;
    if (this.settings.changing.has(field)) {
      this.asking.push(...boxes);
      return boxes;
    }
    const { mask, bits, words } = this.dimensions.wordsOf(field, test.mask);
    if (words.length === 1 && mask !== 0n) return this.inWord(boxes, words[0], field, test.set, want);
    // Nothing but values under the mask ever comes up.
    const set = clip(want ? test.set : complement(test.set, bits), mask);
    if (mask === 0n) return set.length > 0 ? boxes : [];
    const found: Box[] = [];
    for (const interval of set) {
      for (const pieces of wordPieces(words, interval)) found.push(...this.constrain(boxes, words, field, pieces));
      if (found.length > MOST_BOXES) throw new TooManyError();
    }
    return found;
  }

  /** The same for a field of one word: numbers above its mask lose nothing that matters as numbers of 53 bits. */
  private inWord(
    boxes: readonly Box[],
    word: Word,
    field: Field | undefined,
    set: IntervalSet,
    want: boolean,
  ): readonly Box[] {
    const { mask } = word.access;
    const found: Box[] = [];
    // The lowest value behind what the set has told so far.
    let next = 0;
    for (const { lo, hi } of set) {
      const from = Number(lo);
      const to = Number(hi);
      if (from > mask) break;
      if (want) this.inRange(boxes, word, field, from, to < mask ? to : mask, found);
      else if (from > next) this.inRange(boxes, word, field, next, from - 1, found);
      next = to + 1;
    }
    if (!want && next <= mask) this.inRange(boxes, word, field, next, mask, found);
    return found;
  }

  /** Adds the parts of the boxes where a number of one word is from `lo` to `hi`. */
  private inRange(
    boxes: readonly Box[],
    { access, isTop }: Word,
    field: Field | undefined,
    lo: number,
    hi: number,
    found: Box[],
  ): void {
    if (lo === 0 && hi === access.mask) {
      for (const box of boxes) found.push(box);
      return;
    }
    const dimension = this.numberOf(access, field, isTop);
    for (const box of boxes) {
      const part = narrowed(box, dimension, lo, hi);
      if (part !== undefined) found.push(part);
    }
  }

  private numberOf(access: Word['access'], field: Field | undefined, isTop: boolean): number {
    const dimension = this.dimensions.numberOf(access, field, isTop);
    if (dimension === undefined) throw new TooManyError();
    return dimension;
  }

  private constrain(
    boxes: readonly Box[],
    words: readonly Word[],
    field: Field | undefined,
    pieces: readonly Piece[],
  ): readonly Box[] {
    let left = boxes;
    for (let index = 0; index < pieces.length && left.length > 0; index++) {
      const [lo, end] = pieces[index];
      const { access } = words[index];
      const hi = Math.min(end, access.mask);
      if (lo > hi) return [];
      const found: Box[] = [];
      this.inRange(left, words[index], field, lo, hi, found);
      left = found;
    }
    return left;
  }
}

/** Whether a condition is nothing but tests of fields. */
function isPlain(condition: Condition): boolean {
  switch (condition.kind) {
    case 'in':
      return true;
    case 'not':
      return isPlain(condition.of);
    case 'all':
    case 'any':
      return condition.of.every(isPlain);
    case 'hotdrop':
    case 'opaque':
    case 'payload':
      return false;
  }
}

function clip(set: IntervalSet, top: bigint): IntervalSet {
  return set.flatMap(({ lo, hi }) => (lo > top ? [] : [{ lo, hi: hi > top ? top : hi }]));
}

/** Lowest and highest value of one word. */
type Piece = readonly [lo: number, hi: number];

/**
 * An interval of numbers that are longer than a word, as boxes of words: those that begin as the lower end, those
 * between, those that begin as the upper end. Bits between the words are clear in all numbers.
 */
function wordPieces(words: readonly Word[], { lo, hi }: Interval): readonly (readonly Piece[])[] {
  const from = words.map(({ below }) => Number(BigInt.asUintN(32, lo >> BigInt(below))));
  const to = words.map(({ below }) => Number(BigInt.asUintN(32, hi >> BigInt(below))));
  const tops = words.map(({ access }) => access.mask);
  return between(from, to, tops, 0);
}

function between(
  from: readonly number[],
  to: readonly number[],
  tops: readonly number[],
  at: number,
): readonly (readonly Piece[])[] {
  if (at === tops.length) return [[]];
  const lo = from[at];
  const hi = to[at];
  const rest: readonly Piece[] = tops.slice(at + 1).map((top): Piece => [0, top]);
  if (lo === hi) return between(from, to, tops, at + 1).map((pieces) => [[lo, lo], ...pieces]);
  const wholeLow = from.slice(at + 1).every((word) => word === 0);
  const wholeHigh = to.slice(at + 1).every((word, index) => word >= tops[at + 1 + index]);
  const parts: (readonly Piece[])[] = [];
  const first = wholeLow ? lo : lo + 1;
  const last = wholeHigh ? hi : hi - 1;
  const zeros = tops.map(() => 0);
  if (!wholeLow) for (const pieces of between(from, tops, tops, at + 1)) parts.push([[lo, lo], ...pieces]);
  if (first <= last) parts.push([[first, last], ...rest]);
  if (!wholeHigh) for (const pieces of between(zeros, to, tops, at + 1)) parts.push([[hi, hi], ...pieces]);
  return parts;
}

/** The part of the box with these values of a dimension; undefined where there is none. */
function narrowed(box: Box, dimension: number, lo: number, hi: number): Box | undefined {
  const out: Range[] = [];
  let at = 0;
  for (; at < box.length && box[at].dimension < dimension; at++) out.push(box[at]);
  if (at < box.length && box[at].dimension === dimension) {
    const own = box[at++];
    const low = own.lo > lo ? own.lo : lo;
    const high = own.hi < hi ? own.hi : hi;
    if (low > high) return undefined;
    out.push({ dimension, lo: low, hi: high });
  } else {
    out.push({ dimension, lo, hi });
  }
  for (; at < box.length; at++) out.push(box[at]);
  return out;
}
