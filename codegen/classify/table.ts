import type { Branch, Leaf, Node } from './dag.js';
import type { Access } from './access.js';
import type { Instance } from './instance.js';
import { ENTRY, ENTRY_BYTES, HIT_BYTES, type RecordLayout } from './record.js';

/** Set in the number of a child that is a list of entries. */
export const LEAF = 0x8000_0000;
/** The rule behind the last one of a list: greater than all others, and positive as a signed number. */
export const END = 0x7fff_ffff;
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
 * are its children: byte offsets from the table's start, with {@link LEAF} where it is a list of entries, which ends
 * with one whose record is of rule {@link END}. A branch of 0
 * levels has a child for each value v, at entry 1 + v: what a long search would tell of a large number, its upper bits
 * tell at once, and a branch below asks for the rest.
 */
export class TableWriter {
  private bytes = new DataView(new ArrayBuffer(1 << 16));
  private end = 0;
  /** The record that all lists end with. */
  private readonly lastRecord: number;
  private readonly records = new Map<Instance, number>();
  /** Most levels of one branch. */
  levels = 0;

  constructor() {
    // At 0 stands the list without instances, where a program goes that finds itself lost.
    this.take(ENTRY_BYTES);
    this.lastRecord = this.take(HIT_BYTES);
    this.bytes.setUint32(this.lastRecord + 4, END, true);
    this.lastEntry(0);
  }

  /** Bytes so far. */
  get size(): number {
    return this.end;
  }

  /** Adds the diagrams below these nodes, which may share; the results are their numbers, as of children. */
  add(roots: readonly Node[], accesses: readonly Access[], layout: RecordLayout): readonly number[] {
    const places = new Map<Node, number>();
    const visit = (node: Node): number => {
      const known = places.get(node);
      if (known !== undefined) return known;
      const place =
        node.kind === 'leaf' ? this.list(node, layout) : this.branch(node, accesses, node.children.map(visit));
      places.set(node, place);
      return place;
    };
    return roots.map(visit);
  }

  finish(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.end).slice();
  }

  private list({ candidates }: Leaf, layout: RecordLayout): number {
    if (candidates.length === 0) return LEAF;
    const at = this.take(ENTRY_BYTES * (candidates.length + 1));
    candidates.forEach((instance, index) => {
      const record = this.record(instance, layout);
      const { lo, hi } = rangeOf(instance, layout.key?.dimension, layout.key?.access.mask ?? 0);
      this.entryOf(at + ENTRY_BYTES * index, lo, hi - lo, record);
    });
    this.lastEntry(at + ENTRY_BYTES * candidates.length);
    return (at | LEAF) >>> 0;
  }

  private entryOf(at: number, lo: number, span: number, record: number): void {
    this.bytes.setUint32(at + ENTRY.lo, lo, true);
    this.bytes.setUint32(at + ENTRY.span, span, true);
    this.bytes.setUint32(at + ENTRY.record, record, true);
  }

  /** An entry that all packets pass. */
  private lastEntry(at: number): void {
    this.entryOf(at, 0, 0xffff_ffff, this.lastRecord);
  }

  private record(instance: Instance, { tests, bytes: size }: RecordLayout): number {
    const known = this.records.get(instance);
    if (known !== undefined) return known;
    const at = this.take(size);
    this.records.set(instance, at);
    this.bytes.setUint32(at, instance.action, true);
    this.bytes.setUint32(at + 4, instance.rule, true);
    for (const { dimension, access, bytes, at: place } of tests) {
      const { lo, hi } = rangeOf(instance, dimension, access.mask);
      if (bytes === 4) {
        this.bytes.setUint32(at + place, lo, true);
        this.bytes.setUint32(at + place + 4, hi - lo, true);
      } else {
        this.bytes.setUint16(at + place, lo, true);
        this.bytes.setUint16(at + place + 2, hi - lo, true);
      }
    }
    return at;
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

/** The values that an instance takes; all of them where it does not test the dimension. */
function rangeOf(
  { box }: Instance,
  dimension: number | undefined,
  mask: number,
): { readonly lo: number; readonly hi: number } {
  return box.find((range) => range.dimension === dimension) ?? { lo: 0, hi: mask };
}

/** How many bits a mask of the lowest bits has. */
function contiguousBits(mask: number): number | undefined {
  const bits = Math.log2(mask + 1);
  return Number.isInteger(bits) ? bits : undefined;
}
