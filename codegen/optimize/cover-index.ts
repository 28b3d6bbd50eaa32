import type { Field } from '../../grammar/model/fields.js';
import type { IntervalSet } from '../../grammar/model/interval.js';
import { testOf, type Product } from './product.js';

interface Covering {
  readonly product: Product;
}

/**
 * What rules take, by the block of addresses that they test, so that few of it are held against a rule; and by the lowest and highest
 * values of some fields, so that of these few are looked at closely.
 */
export class CoverIndex<T extends Covering> {
  /** How many the last search came to. */
  tried = 0;
  private readonly blocks = { saddr: new Blocks(), daddr: new Blocks() };
  /** Those that test no address, or several blocks of them. */
  private readonly others: number[] = [];
  private readonly covers: T[] = [];
  /** Of each one behind the other. */
  private bounds = new Float64Array(64 * BOUNDS);
  private readonly own = new Float64Array(BOUNDS);

  add(cover: T): void {
    const number = this.covers.push(cover) - 1;
    if (this.bounds.length < (number + 1) * BOUNDS) {
      const grown = new Float64Array(2 * this.bounds.length);
      grown.set(this.bounds);
      this.bounds = grown;
    }
    boundsOf(cover.product, this.bounds, number * BOUNDS);
    for (const field of ADDRESSES) {
      const set = testOf(cover.product, { field })?.set;
      if (set?.length === 1 && this.blocks[field].add(set[0].lo, set[0].hi, number)) return;
    }
    this.others.push(number);
  }

  /** Whether something holds of one that may have all packets of the product, or more than `most` were tried. */
  some(product: Product, holds: (cover: T) => boolean, most: number): boolean {
    boundsOf(product, this.own, 0);
    this.tried = 0;
    const tryOne = (number: number): boolean => {
      if (++this.tried > most) return true;
      return this.isAround(number) && holds(this.covers[number]);
    };
    for (const other of this.others) if (tryOne(other)) return true;
    for (const field of ADDRESSES) {
      const set = testOf(product, { field })?.set;
      if (set === undefined || set.length === 0) continue;
      if (this.blocks[field].someAround(set, tryOne)) return true;
    }
    return false;
  }

  /** Whether it is possible by the bounds. */
  private isAround(number: number): boolean {
    const { bounds, own } = this;
    const at = number * BOUNDS;
    for (let i = 0; i < BOUNDS; i += 2) {
      if (own[i] < bounds[at + i] || own[i + 1] > bounds[at + i + 1]) return false;
    }
    return true;
  }
}

const ADDRESSES = ['saddr', 'daddr'] as const;

/** Fields that rules differ in. */
const BOUNDED: readonly Field[] = ['saddr', 'daddr', 'dport', 'sport', 'proto'];
const BOUNDS = 2 * BOUNDED.length;

/**
 * Lowest and highest value that a product leaves of each of {@link BOUNDED}; beyond all values where it does not test the field, so that
 * no test is around it, and none where it leaves nothing. Long numbers become doubles: that keeps their order, or makes two of them one.
 */
function boundsOf(product: Product, out: Float64Array, at: number): void {
  for (let i = 0; i < BOUNDS; i += 2) {
    out[at + i] = -1;
    out[at + i + 1] = Infinity;
  }
  for (const { field, mask, set } of product) {
    const place = mask === undefined ? BOUNDED.indexOf(field) : -1;
    if (place < 0) continue;
    out[at + 2 * place] = set.length === 0 ? Infinity : Number(set[0].lo);
    out[at + 2 * place + 1] = set.length === 0 ? -Infinity : Number(set[set.length - 1].hi);
  }
}

/** Numbers of covers by aligned blocks of values. */
class Blocks {
  /** By the block's size less one, and by its first value. */
  private readonly bySize = new Map<bigint, Map<bigint, number[]>>();
  /** The same of blocks below 2^32, without numbers of any length, which take longer. Sizes in the order in which they came. */
  private readonly smallSizes: number[] = [];
  private readonly small: Map<number, number[]>[] = [];
  /** Bits at hashes of small blocks: clear where there is no such block. */
  private readonly filter = new Int32Array(FILTER_BITS >> 5);

  /** Whether it is such a block. */
  add(lo: bigint, hi: bigint, cover: number): boolean {
    const last = hi - lo;
    if ((last & (last + 1n)) !== 0n || (lo & last) !== 0n) return false;
    if (hi < SMALL) this.addSmall(Number(lo) | 0, Number(last) | 0, cover);
    else {
      let blocks = this.bySize.get(last);
      if (blocks === undefined) this.bySize.set(last, (blocks = new Map()));
      put(blocks, lo, cover);
    }
    return true;
  }

  /** Whether something holds of one whose block has all of a set. */
  someAround(set: IntervalSet, holds: (cover: number) => boolean): boolean {
    const { lo } = set[0];
    const { hi } = set[set.length - 1];
    if (hi < SMALL && this.someSmall(Number(lo) | 0, Number(hi) | 0, holds)) return true;
    for (const [last, blocks] of this.bySize) {
      const start = lo & ~last;
      if (hi <= start + last && blocks.get(start)?.some(holds)) return true;
    }
    return false;
  }

  private addSmall(lo: number, last: number, cover: number): void {
    let size = this.smallSizes.indexOf(last);
    if (size < 0) {
      size = this.smallSizes.push(last) - 1;
      this.small.push(new Map());
    }
    put(this.small[size], lo, cover);
    const bit = bitOf(lo, last);
    this.filter[bit >>> 5] |= 1 << (bit & 31);
  }

  /** Numbers of 32 bits, signed or not. */
  private someSmall(lo: number, hi: number, holds: (cover: number) => boolean): boolean {
    const { smallSizes, small, filter } = this;
    for (let size = 0; size < smallSizes.length; size++) {
      const last = smallSizes[size];
      if (((lo ^ hi) & ~last) !== 0) continue;
      const start = lo & ~last;
      const bit = bitOf(start, last);
      if ((filter[bit >>> 5] & (1 << (bit & 31))) !== 0 && small[size].get(start)?.some(holds)) return true;
    }
    return false;
  }
}

const SMALL = 1n << 32n;
const FILTER_BITS = 1 << 18;

function bitOf(start: number, last: number): number {
  const hash = Math.imul(start ^ Math.imul(last, 0x9e37_79b9), 0x85eb_ca6b);
  return (hash ^ (hash >>> 15)) & (FILTER_BITS - 1);
}

function put<N>(blocks: Map<N, number[]>, lo: N, cover: number): void {
  const same = blocks.get(lo);
  if (same === undefined) blocks.set(lo, [cover]);
  else same.push(cover);
}
