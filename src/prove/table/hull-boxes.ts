import type { Box, Item } from './rule-parts.js';

/** Bounds of one number, by item. */
interface Bounds {
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/** The boxes around the hulls of many items, side by side: which of them may be met is asked again and again. */
export class HullBoxes {
  private readonly bounds = new Map<number, Bounds>();

  constructor(private readonly items: readonly Item[]) {
    items.forEach(({ part }, index) => {
      for (const [dimension, ranges] of part.hull) {
        const { lo, hi } = this.of(dimension);
        lo[index] = Math.min(...ranges.map(([least]) => least));
        hi[index] = Math.max(...ranges.map(([, most]) => most));
      }
    });
  }

  private of(dimension: number): Bounds {
    let own = this.bounds.get(dimension);
    if (own === undefined) {
      const { length } = this.items;
      own = { lo: new Float64Array(length).fill(-Infinity), hi: new Float64Array(length).fill(Infinity) };
      this.bounds.set(dimension, own);
    }
    return own;
  }

  /** Those that may be met in a box: all others are not. */
  meeting(box: Box): readonly Item[] {
    const asked = box.flatMap((range, dimension) => {
      const bounds = this.bounds.get(dimension);
      return bounds === undefined || range === undefined ? [] : [{ bounds, lo: range[0], hi: range[1] }];
    });
    return this.items.filter((_, index) => {
      for (const { bounds, lo, hi } of asked) if (bounds.lo[index] > hi || bounds.hi[index] < lo) return false;
      return true;
    });
  }

  /** The items before one that may hold all of it: no other one does by itself. */
  around(index: number): readonly Item[] {
    const all = [...this.bounds.values()];
    const found: Item[] = [];
    next: for (let before = 0; before < index; before++) {
      for (const { lo, hi } of all) if (lo[before] > lo[index] || hi[before] < hi[index]) continue next;
      found.push(this.items[before]);
    }
    return found;
  }
}
