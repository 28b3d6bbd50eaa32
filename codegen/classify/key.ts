import type { Dimension, Instance, Range } from './instance.js';

/** Of longer lists the first ones stand for all. */
const COMPARED = 16;

/**
 * The dimension that best tells the instances of a list apart: where the fewest pairs of them overlap. Dimensions that are
 * asked first are decided. Undefined where no instance tests another one.
 */
export function keyOf(list: readonly Instance[], dimensions: readonly Dimension[]): number | undefined {
  const count = Math.min(list.length, COMPARED);
  let tested = 0;
  for (let i = 0; i < count; i++) for (const { dimension } of list[i].box) tested |= 1 << dimension;
  let best: number | undefined;
  let fewest = Infinity;
  for (let dimension = 0; dimension < dimensions.length; dimension++) {
    if ((tested & (1 << dimension)) === 0 || dimensions[dimension].first !== undefined) continue;
    const pairs = meetingPairs(list, count, dimension);
    if (pairs >= fewest) continue;
    fewest = pairs;
    best = dimension;
  }
  return best;
}

/** Of the blocks that cover the ranges: some value, and how many of its upper bits all values have. */
const values = new Uint32Array(COMPARED);
const common = new Uint8Array(COMPARED);

/** Pairs of instances whose blocks have values in common: one of the two lies in the other. */
function meetingPairs(list: readonly Instance[], count: number, dimension: number): number {
  for (let i = 0; i < count; i++) {
    const range = rangeIn(list[i].box, dimension);
    values[i] = range === undefined ? 0 : range.lo;
    common[i] = range === undefined ? 0 : 32 - blockBits(range);
  }
  let pairs = 0;
  for (let i = 1; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const least = common[i] < common[j] ? common[i] : common[j];
      if (Math.clz32(values[i] ^ values[j]) >= least) pairs++;
    }
  }
  return pairs;
}

function rangeIn(box: readonly Range[], dimension: number): Range | undefined {
  for (const range of box) if (range.dimension === dimension) return range;
  return undefined;
}

/** Low bits in which the values of a range may differ: it lies in an aligned block of 2 to the power of so many. */
export function blockBits({ lo, hi }: Pick<Range, 'lo' | 'hi'>): number {
  return 32 - Math.clz32(lo ^ hi);
}
