import type { Dimension, Instance, Range } from './instance.js';

/** Of longer lists the first ones stand for all. */
const COMPARED = 16;

/**
 * The dimension that best tells the instances of a list apart: where the fewest pairs of them overlap. Dimensions that are
 * asked first are decided. Undefined where no instance tests another one.
 */
export function keyOf(list: readonly Instance[], dimensions: readonly Dimension[]): number | undefined {
  const compared = list.slice(0, COMPARED);
  const tested = new Set(compared.flatMap(({ box }) => box.map(({ dimension }) => dimension)));
  let best: number | undefined;
  let fewest = Infinity;
  for (const dimension of tested) {
    if (dimensions[dimension].first !== undefined) continue;
    const pairs = overlappingPairs(compared, dimension);
    if (pairs > fewest || (pairs === fewest && best !== undefined && dimension > best)) continue;
    fewest = pairs;
    best = dimension;
  }
  return best;
}

function overlappingPairs(list: readonly Instance[], dimension: number): number {
  const ranges: (Range | undefined)[] = list.map(({ box }) => box.find((range) => range.dimension === dimension));
  let pairs = 0;
  for (let i = 1; i < ranges.length; i++) {
    const a = ranges[i];
    for (let j = 0; j < i; j++) {
      const b = ranges[j];
      if (a === undefined || b === undefined || meet(a, b)) pairs++;
    }
  }
  return pairs;
}

/** Whether the blocks that cover the ranges have values in common: one of them lies in the other. */
function meet(a: Range, b: Range): boolean {
  return Math.clz32(a.lo ^ b.lo) >= Math.min(Math.clz32(a.lo ^ a.hi), Math.clz32(b.lo ^ b.hi));
}

/** Low bits in which the values of a range may differ: it lies in an aligned block of 2 to the power of so many. */
export function blockBits({ lo, hi }: Pick<Range, 'lo' | 'hi'>): number {
  return 32 - Math.clz32(lo ^ hi);
}
