import { FALSE, type Bdd, type Ref } from '../bdd.js';
import type { Words } from '../words.js';
import { Condition } from './condition.js';
import { common, holds, holdsBetween, type Dimensions, type Limit } from './dimensions.js';
import { narrowed } from './narrow.js';
import { endsAll, mayMeet, type Box, type Item } from './rule-parts.js';
import type { Range } from './pieces.js';
import type { Case } from './step.js';

/** What is known of packets between two places. */
export interface Told {
  /** What is known of them, of numbers of few bits. */
  readonly known: Ref;
  /** What is known of them since the last place. */
  readonly local: Condition;
  /** Dimensions of many numbers that `local` says more of than that they lie in the box, and ranges that they lie in. */
  readonly told: ReadonlyMap<number, readonly Range[]>;
  readonly box: Box;
}

/** A decision: what is known of the packets before it and behind it, and what it says of dimensions. */
export interface Decided {
  readonly one: Case;
  readonly before: Told;
  readonly after: Told;
  /** Behind it one of these does not hold, if it is all that it says. */
  readonly away: readonly Limit[];
  /** By an address, port, or their like. */
  readonly broad: boolean;
}

/**
 * What a decision says of rules: which are not met any more, which are for certain. Ranges of numbers answer where they can;
 * diagrams are asked where they cannot. To know less of a rule is allowed at all times: it then may be met.
 */
export class Deciding {
  private readonly narrow = new Map<Ref, Ref>();
  private readonly shapes = new Map<Item, Shape>();
  private readonly bdd: Bdd;

  constructor(
    private readonly words: Words,
    private readonly dimensions: Dimensions,
    private readonly isBroad: (variable: number) => boolean,
  ) {
    this.bdd = words.bdd;
  }

  /** What is known of packets, as a diagram. */
  conditionOf({ known, local }: Pick<Told, 'known' | 'local'>): Ref {
    return local === Condition.always ? known : this.bdd.and(known, local.ref);
  }

  /** Whether no packet comes behind the decision, as far as ranges tell. */
  isEmpty({ one, before, after, away }: Decided): boolean {
    if (after.known === FALSE) return true;
    if (isEmptyBox(after.box)) return true;
    // Of what does not hold together here, all holds.
    const isWhole = away.length > 0 && away.length === one.refuted.length;
    return isWhole && away.every(({ dimension, ranges }) => holds(ranges, [this.boundsOf(dimension, before)]));
  }

  private boundsOf(dimension: number, { box }: Told): Range {
    return box[dimension] ?? this.dimensions.range(dimension);
  }

  /** What is left of items, and what is known of them. */
  decided(items: readonly Item[], decided: Decided): readonly Item[] {
    const left: Item[] = [];
    const other = this.otherSide(decided);
    // Where the decision is about a rule that ends the way, later ones have no part in it.
    let owned = false;
    const { away } = decided;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (item.kind === 'certain' || isBeside(item, away)) {
        left.push(item);
        continue;
      }
      const certainThere = !owned && other?.(item) === true;
      if (certainThere && item.part.ends) owned = true;
      if (this.isExcluded(item, decided)) continue;
      const known = this.isCertain(item, decided.after) ? item.certain : certainThere ? this.rest(item, decided) : item;
      left.push(known);
      if (endsAll(known) && known.part.caller === undefined) break;
    }
    return left;
  }

  /** Whether the item is no more met: no packet of it comes here. */
  isExcluded(item: Item, { before, after, away, one, broad }: Decided): boolean {
    const { bdd } = this;
    // All packets of the part, as far as they come here, are in the ranges that do not hold together.
    if (away.length > 0 && away.length === one.refuted.length) {
      const inside = away.every(({ dimension, ranges }) => {
        const bounds = this.boundsOf(dimension, before);
        const own = item.part.hull.get(dimension);
        return own === undefined ? holds(ranges, [bounds]) : holdsBetween(ranges, own, bounds);
      });
      if (inside) return true;
    }
    const isSaid = away.length === one.refuted.length || one.refuted.length === 1;
    if (item.kind === 'plain' && this.shapeOf(item).isBox && (!broad || isSaid)) {
      return !broad && !bdd.meets(this.shapeOf(item).narrow, after.known);
    }
    return !bdd.meets(item.where, this.conditionOf(after));
  }

  /** Whether no packet of the item's part is here for certain, as far as the box and small numbers tell. */
  isOut(item: Item, { box, known }: Pick<Told, 'box' | 'known'>): boolean {
    if (item.kind === 'certain') return false;
    for (let dimension = 0; dimension < box.length; dimension++) {
      const bounds = box[dimension];
      if (bounds !== undefined && !mayMeet(item, dimension, [bounds])) return true;
    }
    return !this.bdd.meets(this.shapeOf(item).narrow, known);
  }

  /** Whether all packets of an item are of another one, too, as far as ranges and small numbers tell. */
  isInside(item: Item, other: Item): boolean {
    const { narrow, isBox } = this.shapeOf(other);
    if (item.kind === 'certain' || !isBox) return false;
    for (const { dimension, ranges } of other.part.broad) {
      const own = item.part.hull.get(dimension);
      if (own === undefined || !holds(ranges, own)) return false;
    }
    return this.bdd.implies(this.shapeOf(item).narrow, narrow);
  }

  /** What is known of an item's condition beside its hull. */
  private shapeOf({ part: { plain } }: Item): Shape {
    let shape = this.shapes.get(plain);
    if (shape === undefined && plain.narrow !== undefined) {
      this.shapes.set(plain, (shape = { narrow: plain.narrow, isBox: true }));
    }
    if (shape === undefined) {
      const narrow = this.bdd.exists(plain.where, this.isBroad, this.narrow);
      let box = narrow;
      for (const [dimension, ranges] of plain.part.hull) {
        if (this.dimensions.isBroad(dimension)) box = this.bdd.and(box, this.within(dimension, ranges));
      }
      this.shapes.set(plain, (shape = { narrow, isBox: box === plain.where }));
    }
    return shape;
  }

  private within(dimension: number, ranges: readonly Range[]): Ref {
    const bits = this.dimensions.bitsOf(dimension);
    return this.bdd.anyOf(ranges.map(([lo, hi]) => this.words.within(bits, BigInt(lo), BigInt(hi))));
  }

  /** Whether all packets are in the item's part, if they come to its rule. */
  private isCertain(item: Item, there: Told): boolean {
    const { bdd } = this;
    let inside = true;
    const limits = item.part.broad;
    for (let i = 0; i < limits.length; i++) {
      const { dimension, ranges } = limits[i];
      const own = there.box[dimension];
      if (own !== undefined && holds(ranges, [own])) continue;
      const told = there.told.get(dimension);
      // Nothing is known of it beside the box.
      if (told === undefined) return false;
      inside &&= holds(ranges, own === undefined ? told : common(told, [own]));
    }
    // The part is its hull, as far as that is of many numbers, and the rest of its condition.
    const { isBox, narrow } = this.shapeOf(item);
    if (isBox && (!inside || bdd.implies(there.known, narrow))) return inside;
    return bdd.implies(this.conditionOf(there), item.most);
  }

  /** Whether on the other side of a decision all packets are in an item's part; undefined: in none for certain. */
  private otherSide({ before, away, one }: Decided): ((item: Item) => boolean) | undefined {
    const local = before.local.and(one.when.not(), this.bdd);
    if (one.refuted.length === 0 && one.known.length === 0) {
      const there = { ...before, local };
      return (item) => this.isCertain(item, there);
    }
    if (one.refuted.length > 1 && away.length !== one.refuted.length) {
      return (item) => this.bdd.implies(this.conditionOf({ known: before.known, local }), item.most);
    }
    // All but one value, or what no range says: hardly all that a rule matches.
    if (away.length === 0 || away.length !== one.refuted.length) return undefined;
    if (away.some(({ ranges }) => ranges.length === 0)) return undefined;
    let there: Told | undefined;
    return (item) => this.isCertain(item, (there ??= { known: before.known, local, ...this.inside(before, away) }));
  }

  /** What is told of packets for which limits hold. */
  private inside(before: Told, limits: readonly Limit[]): Pick<Told, 'told' | 'box'> {
    const odd = limits.filter(({ ranges }) => ranges.length > 1);
    return { told: this.dimensions.narrowed(before.told, odd), box: narrowed(before.box, limits) };
  }

  private rest(item: Item, { one }: Decided): Item {
    return item.rest(this.bdd.and(item.where, one.when.ref));
  }
}

/** Whether no packet that an item may be met by is in all of these ranges. */
export function isBeside(item: Item, away: readonly Limit[]): boolean {
  for (let i = 0; i < away.length; i++) if (!mayMeet(item, away[i].dimension, away[i].ranges)) return true;
  return false;
}

const isEmptyBox = (box: Box): boolean => box.some((range) => range !== undefined && range[0] > range[1]);

/** An item's condition, taken apart. */
interface Shape {
  /** What it says of numbers of few bits: it holds nowhere where that does not. */
  readonly narrow: Ref;
  /** It holds wherever that does, and the numbers of many bits lie in the part's hull. */
  readonly isBox: boolean;
}
