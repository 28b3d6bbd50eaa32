import type { Condition } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import type { Family } from '../../../grammar/model/family.js';
import { complement, type Interval, type IntervalSet } from '../../../grammar/model/interval.js';
import type { Range } from '../../classify/index.js';
import { FLOW_STATE, type FlowLayout } from '../flow.js';
import { STATE_BIT } from '../netfilter/conntrack.js';
import { fullMask, wordsOf, type DimensionSet, type Word } from './dimensions.js';

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
  readonly family: Family;
  readonly layout: FlowLayout;
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
          const access = { offset: FLOW_STATE, shift: 0, mask };
          return this.constrainWord(
            boxes,
            access,
            undefined,
            want ? [{ lo: 1n, hi: BigInt(mask) }] : [{ lo: 0n, hi: 0n }],
          );
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
    return parts.reduce((left, part) => this.find(part, left, want), boxes);
  }

  /** A part is asked only where those before it have not decided, which makes a difference if it is more than a test. */
  private someOf(parts: readonly Condition[], boxes: readonly Box[], want: boolean): readonly Box[] {
    const found: Box[] = [];
    let left = boxes;
    for (const part of parts) {
      found.push(...this.find(part, left, want));
      if (!parts.every(isPlain)) left = this.find(part, left, !want);
    }
    return found;
  }

  private membership(test: Extract<Condition, { kind: 'in' }>, boxes: readonly Box[], want: boolean): readonly Box[] {
    const { family, layout, changing } = this.settings;
    const { field } = test;
    if (changing.has(field)) {
      this.asking.push(...boxes);
      return boxes;
    }
    const full = fullMask(field, family);
    const mask = (test.mask ?? full) & full;
    // Nothing but values under the mask ever comes up.
    const bits = mask.toString(2).length;
    const set = clip(want ? test.set : complement(test.set, bits), mask);
    if (mask === 0n) return set.length > 0 ? boxes : [];
    const words = wordsOf(layout, family, field, mask);
    if (words.length === 1) return this.constrainWord(boxes, words[0].access, field, set);
    const found: Box[] = [];
    for (const interval of set) {
      for (const pieces of wordPieces(words, interval)) found.push(...this.constrain(boxes, words, field, pieces));
      if (found.length > MOST_BOXES) throw new TooManyError();
    }
    return found;
  }

  private constrainWord(
    boxes: readonly Box[],
    access: Word['access'],
    field: Field | undefined,
    set: IntervalSet,
  ): readonly Box[] {
    const words = [{ access, below: 0 }];
    return set.flatMap(({ lo, hi }) => this.constrain(boxes, words, field, [[Number(lo), Number(hi)]]));
  }

  private constrain(
    boxes: readonly Box[],
    words: readonly Word[],
    field: Field | undefined,
    pieces: readonly Piece[],
  ): readonly Box[] {
    let left = boxes;
    pieces.forEach(([lo, end], index) => {
      const { access } = words[index];
      const hi = Math.min(end, access.mask);
      if (lo > hi) left = [];
      if (left.length === 0 || (lo === 0 && hi === access.mask)) return;
      const dimension = this.dimensions.numberOf(access, field, index === 0);
      if (dimension === undefined) throw new TooManyError();
      left = left.flatMap((box) => narrowed(box, { dimension, lo, hi }));
    });
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
  const from = words.map(({ below }) => Number((lo >> BigInt(below)) & 0xffff_ffffn));
  const to = words.map(({ below }) => Number((hi >> BigInt(below)) & 0xffff_ffffn));
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

/** The part of the box with these values, as a list of one; of none where there is no such part. */
function narrowed(box: Box, range: Range): readonly Box[] {
  const index = box.findIndex(({ dimension }) => dimension >= range.dimension);
  if (index < 0) return [[...box, range]];
  const own = box[index];
  if (own.dimension !== range.dimension) return [[...box.slice(0, index), range, ...box.slice(index)]];
  const lo = Math.max(own.lo, range.lo);
  const hi = Math.min(own.hi, range.hi);
  if (lo > hi) return [];
  return [[...box.slice(0, index), { dimension: own.dimension, lo, hi }, ...box.slice(index + 1)]];
}
