import type { Interval } from '../../grammar/model/interval.js';
import { FALSE, TRUE, type Diagrams, type Node, type Range } from './diagram.js';
import { ones } from './interval-sets.js';

/** A run of bits of a measure, tested by a variable of its own. */
export interface Segment {
  readonly variable: number;
  /** Bits below it, and its own. */
  readonly shift: number;
  readonly bits: number;
  /**
   * First value of each part, from 0 on, where there are more values than a variable has room for: the variable then
   * is the number of the part.
   */
  readonly parts?: readonly bigint[];
}

/** Bits that a variable takes as they are; numbers stay exact. */
export const PLAIN_BITS = 48;

/** The runs of bits (from the most significant one) that each of the masks covers wholly or not at all. */
export function cutAtMasks(bits: number, masks: Iterable<bigint>): readonly Pick<Segment, 'shift' | 'bits'>[] {
  const cuts = new Set<number>([0, bits]);
  for (const mask of masks) {
    const edges = (mask ^ (mask << 1n)) & ones(bits + 1);
    for (let i = 0; i <= bits; i++) if ((edges >> BigInt(i)) & 1n) cuts.add(i);
  }
  const sorted = [...cuts].sort((a, b) => b - a);
  return sorted.slice(1).map((shift, i) => ({ shift, bits: sorted[i] - shift }));
}

/** What a segment's bits are where a test looks at them: as they are, or all the same whatever they are. */
export type SegmentValue = { readonly kind: 'own' } | { readonly kind: 'fixed'; readonly value: bigint };

/** Calls back for each range of values that a test of `lo` ≤ measure ≤ `hi` asks a segment for. */
type Ask = (segment: Segment, lo: bigint, hi: bigint) => Node;

/**
 * The test whether the measure, segment by segment as `valueOf` says it, lies from `lo` to `hi`: a comparison of
 * numbers, from the most significant digit on.
 */
export function compare(
  diagrams: Diagrams,
  segments: readonly Segment[],
  valueOf: (segment: Segment) => SegmentValue,
  { lo, hi }: Interval,
  ask: Ask,
): Node {
  const from = (at: number, low: bigint, high: bigint): Node => {
    if (at === segments.length) return TRUE;
    const segment = segments[at];
    const rest = ones(segment.shift);
    if (low === 0n && high === ones(segment.shift + segment.bits)) return TRUE;
    const [a, b] = [low >> BigInt(segment.shift), high >> BigInt(segment.shift)];
    const is = valueOf(segment);
    if (is.kind === 'fixed') {
      if (is.value < a || is.value > b) return FALSE;
      return from(at + 1, is.value === a ? low & rest : 0n, is.value === b ? high & rest : rest);
    }
    if (a === b) return both(ask(segment, a, b), () => from(at + 1, low & rest, high & rest));
    // The first and the last value go with the whole ones between if nothing below them is cut off.
    const first = (low & rest) === 0n ? a : a + 1n;
    const last = (high & rest) === rest ? b : b - 1n;
    let test = first <= last ? ask(segment, first, last) : FALSE;
    if (first > a)
      test = diagrams.or(
        test,
        both(ask(segment, a, a), () => from(at + 1, low & rest, rest)),
      );
    if (last < b)
      test = diagrams.or(
        test,
        both(ask(segment, b, b), () => from(at + 1, 0n, high & rest)),
      );
    return test;
  };
  const both = (test: Node, below: () => Node): Node => (test === FALSE ? FALSE : diagrams.and(test, below()));
  return from(0, lo, hi);
}

/** Values of a segment's variable for values of its bits. */
export function rangeOf(segment: Segment, lo: bigint, hi: bigint): Range {
  if (segment.parts === undefined) return [Number(lo), Number(hi)];
  return [partOf(segment.parts, lo), partOf(segment.parts, hi)];
}

/** The number of the part that a value lies in. */
export function partOf(parts: readonly bigint[], value: bigint): number {
  let [low, high] = [0, parts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (parts[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Values of a segment's bits for a range of its variable. */
export function valuesOf(segment: Segment, [lo, hi]: Range): Interval {
  const { parts } = segment;
  if (parts === undefined) return { lo: BigInt(lo), hi: BigInt(hi) };
  return { lo: parts[lo], hi: hi + 1 < parts.length ? parts[hi + 1] - 1n : ones(segment.bits) };
}

/** A segment that has the value of its own variable. */
export const OWN: SegmentValue = { kind: 'own' };
export const ZERO: SegmentValue = { kind: 'fixed', value: 0n };

/** The bits of a mask keep their value, the others read 0. */
export function maskedBy(mask: bigint): (segment: Pick<Segment, 'shift' | 'bits'>) => SegmentValue {
  return ({ shift }) => ((mask >> BigInt(shift)) & 1n ? OWN : ZERO);
}
