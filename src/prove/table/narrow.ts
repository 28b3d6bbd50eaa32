import type { Limit } from './dimensions.js';
import type { Box, Item } from './rule-parts.js';

/** A box that both lie in. */
export function around(a: Box, b: Box): Box {
  if (a === b) return a;
  const box = new Map<number, readonly [number, number]>();
  for (const [dimension, [lo, hi]] of a) {
    const other = b.get(dimension);
    if (other !== undefined) box.set(dimension, [Math.min(lo, other[0]), Math.max(hi, other[1])]);
  }
  return box;
}

/** What limits leave of a box. */
export function narrowed(box: Box, limits: readonly Limit[]): Box {
  if (limits.length === 0) return box;
  const narrow = new Map(box);
  for (const { dimension, ranges } of limits) {
    if (ranges.length === 0) continue;
    const own = narrow.get(dimension) ?? [0, Infinity];
    const [lo, hi] = [Math.max(own[0], ranges[0][0]), Math.min(own[1], ranges[ranges.length - 1][1])];
    narrow.set(dimension, [lo, hi]);
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
  for (const item of items) {
    const own = item.part.hull.get(dimension);
    if (own === undefined) {
      for (const share of shares) share.push(item);
      continue;
    }
    for (const [lo, hi] of own) {
      let [from, to] = [0, spans.length];
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
