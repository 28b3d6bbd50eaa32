import type { Limit } from './dimensions.js';
import type { Range } from './pieces.js';
import type { Box, Item } from './rule-parts.js';

/** A box that both lie in. */
export function around(a: Box, b: Box): Box {
  if (a === b) return a;
  const box: (Range | undefined)[] = [];
  for (let dimension = 0; dimension < a.length; dimension++) {
    const own = a[dimension];
    const other = b[dimension];
    if (own === undefined || other === undefined) continue;
    const isAround = own[0] <= other[0] && own[1] >= other[1];
    box[dimension] = isAround ? own : [Math.min(own[0], other[0]), Math.max(own[1], other[1])];
  }
  return box;
}

/** What limits leave of a box. */
export function narrowed(box: Box, limits: readonly Limit[]): Box {
  if (limits.length === 0) return box;
  const narrow = [...box];
  for (let i = 0; i < limits.length; i++) {
    const { dimension, ranges } = limits[i];
    if (ranges.length === 0) continue;
    const own: Range | undefined = narrow[dimension];
    const lo = ranges[0][0];
    const hi = ranges[ranges.length - 1][1];
    narrow[dimension] = own === undefined ? [lo, hi] : [Math.max(own[0], lo), Math.min(own[1], hi)];
  }
  return narrow;
}

/** The items for each case of a look-up by one number; undefined where it is none of a dimension. */
export function divided(
  items: readonly Item[],
  limits: readonly (readonly Limit[])[],
): readonly (readonly Item[])[] | undefined {
  const dimension = limits[0]?.[0]?.dimension;
  if (dimension === undefined || limits.some((own) => own.length !== 1 || own[0].dimension !== dimension))
    return undefined;
  const spans = limits
    .flatMap(([{ ranges }], index) => ranges.map(([lo, hi]) => ({ lo, hi, index })))
    .sort((a, b) => a.lo - b.lo);
  const shares: Item[][] = limits.map(() => []);
  for (let one = 0; one < items.length; one++) {
    const item = items[one];
    const own = item.part.hull.get(dimension);
    if (own === undefined) {
      for (let i = 0; i < shares.length; i++) shares[i].push(item);
      continue;
    }
    for (let range = 0; range < own.length; range++) {
      const lo = own[range][0];
      const hi = own[range][1];
      let from = 0;
      let to = spans.length;
      while (from < to) {
        const middle = (from + to) >> 1;
        if (spans[middle].hi < lo) from = middle + 1;
        else to = middle;
      }
      for (let i = from; i < spans.length && spans[i].lo <= hi; i++) {
        const share = shares[spans[i].index];
        if (share[share.length - 1] !== item) share.push(item);
      }
    }
  }
  return shares;
}
