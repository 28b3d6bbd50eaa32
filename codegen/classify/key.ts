import { MAX_DIMENSIONS, type Dimension, type Instance, type Range } from './instance.js';

/** Of longer lists the first ones stand for all. */
const COMPARED = 16;

/**
 * The dimension that best tells the instances of a list apart: where the fewest pairs of them overlap. Dimensions that are
 * asked first are decided. Undefined where no instance tests another one.
 */
export function keyOf(list: readonly Instance[], dimensions: readonly Dimension[]): number | undefined {
  const count = Math.min(list.length, COMPARED);
  let tested = 0;
  for (let i = 0; i < count; i++) {
    for (const range of list[i].box) {
      const { dimension } = range;
      const row = COMPARED * dimension;
      // Who does not test a dimension takes all of its values.
      if ((tested & (1 << dimension)) === 0) common.fill(0, row, row + count);
      tested |= 1 << dimension;
      values[row + i] = range.lo;
      common[row + i] = 32 - blockBits(range);
    }
  }
  let best: number | undefined;
  let fewest = Infinity;
  for (let dimension = 0; dimension < dimensions.length; dimension++) {
    if ((tested & (1 << dimension)) === 0 || dimensions[dimension].first !== undefined) continue;
    const pairs = meetingPairs(COMPARED * dimension, count, fewest);
    if (pairs >= fewest) continue;
    fewest = pairs;
    best = dimension;
  }
  return best;
}

/**
 * Of the blocks that cover the ranges, a row for each dimension: some value, and how many of its upper bits all values have
 * (none: all values are in the block).
 */
const values = new Uint32Array(MAX_DIMENSIONS * COMPARED);
const common = new Uint8Array(MAX_DIMENSIONS * COMPARED);

/** Pairs of instances whose blocks have values in common: one of the two lies in the other. Not counted beyond `enough`. */
function meetingPairs(row: number, count: number, enough: number): number {
  let pairs = 0;
  for (let i = row + 1; i < row + count && pairs < enough; i++) {
    for (let j = row; j < i; j++) {
      const least = common[i] < common[j] ? common[i] : common[j];
      if (Math.clz32(values[i] ^ values[j]) >= least) pairs++;
    }
  }
  return pairs;
}

/** Low bits in which the values of a range may differ: it lies in an aligned block of 2 to the power of so many. */
export function blockBits({ lo, hi }: Pick<Range, 'lo' | 'hi'>): number {
  return 32 - Math.clz32(lo ^ hi);
}
