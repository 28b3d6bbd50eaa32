import type { Branch, Leaf, Node } from './dag.js';
import type { Hit } from './instance.js';

/** How a program finds the number of a dimension: `(word at offset >> shift) & mask`. */
export interface Access {
  /** Byte offset of a 32-bit word. */
  readonly offset: number;
  readonly shift: number;
  readonly mask: number;
}

/** Set in the number of a child that is a list of hits. */
export const LEAF = 0x8000_0000;
/** The rule behind the last one of a list: greater than all others, and positive as a signed number. */
export const END = 0x7fff_ffff;
/** Bytes of a hit: u32 action, u32 rule; as one number of 64 bits, hits are in order of rule. */
export const HIT_BYTES = 8;
/** Behind the last cut, in a branch whose children are no power of two: both ways lead to the last child. */
const NO_CUT = 0xffff_ffff;
/** Offsets in a branch: u16 offset of the word, u8 shift, u8 levels, u32 mask; u32 entry i is at 8 + 4 i. */
export const BRANCH = { offset: 0, shift: 2, levels: 3, mask: 4, entries: 8 } as const;

/** Branches with so many children begin with the upper bits of the number. */
const LEAST_FOR_TOP = 12;
const SPARE_TOP_BITS = 1;
const MOST_TOP_BITS = 16;

/**
 * Diagrams as bytes, little endian. A branch of n levels holds 2^n − 1 cuts in the order of a breadth-first walk from
 * entry 1 on: from entry i it goes on to 2i, or to 2i + 1 if the value is not below the cut; the entries from 2^n on
 * are its children: byte offsets from the table's start, with {@link LEAF} where it is a list of hits. A branch of 0
 * levels has a child for each value v, at entry 1 + v: what a long search would tell of a large number, its upper bits
 * tell at once, and a branch below asks for the rest.
 */
export class TableWriter {
  private bytes = new DataView(new ArrayBuffer(1 << 16));
  private end = 0;
  private readonly lists = new Map<string, number>();
  /** Most levels of one branch. */
  levels = 0;

  constructor() {
    // A list without hits, where a program goes that finds itself lost.
    this.list({ kind: 'leaf', hits: [] });
  }

  /** Bytes so far. */
  get size(): number {
    return this.end;
  }

  /** Adds a diagram; the result is the number of its root, as a child's. */
  add(root: Node, accesses: readonly Access[]): number {
    const places = new Map<Node, number>();
    const visit = (node: Node): number => {
      const known = places.get(node);
      if (known !== undefined) return known;
      const place = node.kind === 'leaf' ? this.list(node) : this.branch(node, accesses, node.children.map(visit));
      places.set(node, place);
      return place;
    };
    return visit(root);
  }

  finish(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.end).slice();
  }

  private list({ hits }: Leaf): number {
    const key = hits.map(({ rule, action }) => `${rule}:${action}`).join(' ');
    const known = this.lists.get(key);
    if (known !== undefined) return known;
    const at = this.take(HIT_BYTES * (hits.length + 1));
    [...hits, { rule: END, action: 0 }].forEach((hit, index) => this.hit(at + HIT_BYTES * index, hit));
    const place = (at | LEAF) >>> 0;
    this.lists.set(key, place);
    return place;
  }

  private hit(at: number, { rule, action }: Hit): void {
    this.bytes.setUint32(at, action, true);
    this.bytes.setUint32(at + 4, rule, true);
  }

  private branch({ dimension, cuts }: Branch, accesses: readonly Access[], children: readonly number[]): number {
    const access = accesses[dimension];
    const bits = contiguousBits(access.mask);
    const top = Math.min(MOST_TOP_BITS, Math.floor(Math.log2(children.length)) + SPARE_TOP_BITS);
    if (bits === undefined || children.length < LEAST_FOR_TOP || bits < top) return this.search(access, cuts, children);
    return this.byTopBits(access, bits, top, cuts, children);
  }

  private byTopBits(
    { offset, shift, mask }: Access,
    bits: number,
    top: number,
    cuts: readonly number[],
    children: readonly number[],
  ): number {
    const below = bits - top;
    const span = 2 ** below;
    const entries: number[] = [];
    let first = 0;
    for (let block = 0; block < 2 ** top; block++) {
      // Child `first` is the one of the block's first value; the cuts inside the block lead to the next ones.
      while (first < cuts.length && cuts[first] <= block * span) first++;
      let end = first;
      while (end < cuts.length && cuts[end] < (block + 1) * span) end++;
      entries.push(
        end === first
          ? children[first]
          : this.search({ offset, shift, mask }, cuts.slice(first, end), children.slice(first, end + 1)),
      );
      first = end;
    }
    const at = this.head({ offset, shift: shift + below, mask: 2 ** top - 1 }, 0, 2 ** top + 1);
    entries.forEach((child, value) => this.entry(at, 1 + value, child));
    return at;
  }

  private search(access: Access, cuts: readonly number[], children: readonly number[]): number {
    const levels = Math.ceil(Math.log2(children.length));
    this.levels = Math.max(this.levels, levels);
    const width = 2 ** levels;
    const at = this.head(access, levels, 2 * width);
    for (let level = 0; level < levels; level++) {
      const step = 2 ** (levels - level);
      for (let i = 0; i < 2 ** level; i++) this.entry(at, 2 ** level + i, cuts[i * step + step / 2 - 1] ?? NO_CUT);
    }
    for (let i = 0; i < width; i++) this.entry(at, width + i, children[Math.min(i, children.length - 1)]);
    return at;
  }

  private head({ offset, shift, mask }: Access, levels: number, entries: number): number {
    const at = this.take(BRANCH.entries + 4 * entries);
    this.bytes.setUint16(at + BRANCH.offset, offset, true);
    this.bytes.setUint8(at + BRANCH.shift, shift);
    this.bytes.setUint8(at + BRANCH.levels, levels);
    this.bytes.setUint32(at + BRANCH.mask, mask, true);
    return at;
  }

  private entry(at: number, index: number, value: number): void {
    this.bytes.setUint32(at + BRANCH.entries + 4 * index, value, true);
  }

  /** Room at the end, at a multiple of 8. */
  private take(bytes: number): number {
    const at = this.end;
    this.end = at + Math.ceil(bytes / 8) * 8;
    if (this.end >= LEAF / 4) throw new RangeError('the table is larger than 512 MiB');
    if (this.end > this.bytes.byteLength) {
      const grown = new Uint8Array(Math.max(2 * this.bytes.byteLength, this.end));
      grown.set(new Uint8Array(this.bytes.buffer));
      this.bytes = new DataView(grown.buffer);
    }
    return at;
  }
}

/** How many bits a mask of the lowest bits has. */
function contiguousBits(mask: number): number | undefined {
  const bits = Math.log2(mask + 1);
  return Number.isInteger(bits) ? bits : undefined;
}
