import type { Branch, Leaf, Node } from './dag.js';
import type { Access } from './access.js';
import type { Dimension, Instance } from './instance.js';
import { blockBits, keyOf } from './key.js';
import {
  BLOCK_BITS,
  ENTRY,
  ENTRY_BYTES,
  HIT_BYTES,
  LIST,
  LIST_BYTES,
  RECORD_UNIT_BITS,
  type RecordLayout,
} from './record.js';

/** Set in the number of a child that is a list of entries. */
export const LEAF = 0x8000_0000;
/** The rule behind the last one of a list: greater than all others, and positive as a signed number. */
export const END = 0x7fff_ffff;
/** Instead of cuts that a search does not have: both ways lead to its last child. */
const NO_CUT = 0xffff_ffff;
/**
 * Offsets in a branch: u16 offset of the word, u8 shift, u8 whether it is a search, u32 mask; then u32 numbers: the
 * cuts and the children of a search, or a child for each value.
 */
export const BRANCH = { offset: 0, shift: 2, search: 3, mask: 4, numbers: 8 } as const;
/** Cuts of a search: so many that it fits a cache line with its children, which are one more. */
export const SEARCH_CUTS = 6;
const SEARCH_CHILDREN = SEARCH_CUTS + 1;
/** Bytes of a search. */
export const SEARCH_BYTES = BRANCH.numbers + 4 * (SEARCH_CUTS + SEARCH_CHILDREN);
const CACHE_LINE = 64;
/** The key of a list that has nothing to test: always 0. */
const NO_KEY: Access = { offset: 0, shift: 0, mask: 0 };

/** Branches with so many children begin with the upper bits of the number. */
const LEAST_FOR_TOP = 12;
const SPARE_TOP_BITS = 1;
const MOST_TOP_BITS = 16;

/**
 * Diagrams as bytes, little endian. Children are byte offsets from the table's start, with {@link LEAF} where they are lists,
 * whose entries end with one whose record is of rule {@link END}. At 0 stands such an entry, where a program goes that finds
 * itself lost. A search has a child for each number of cuts that the
 * value is not below; more children than it holds are searches below a search. What a long search would tell of a large
 * number, its upper bits tell at once: such a branch has a child for each value of theirs, and a search below asks
 * for the rest.
 */
export class TableWriter {
  private bytes = new DataView(new ArrayBuffer(1 << 16));
  private end = 0;
  /** The record that all lists end with. */
  private readonly lastRecord: number;
  /** The list without instances. */
  private readonly emptyList: number;
  private readonly records = new Map<Instance, number>();
  /** Branches on the longest way from a branch. */
  private readonly depths = new Map<number, number>();

  constructor() {
    const lost = this.take(ENTRY_BYTES);
    this.lastRecord = this.take(HIT_BYTES);
    this.bytes.setUint32(this.lastRecord + 4, END, true);
    this.lastEntry(lost);
    this.emptyList = this.take(LIST_BYTES + ENTRY_BYTES);
    this.lastEntry(this.emptyList + LIST_BYTES);
  }

  /** Bytes so far. */
  get size(): number {
    return this.end;
  }

  /** Branches on the longest way through a child. */
  depthOf(child: number): number {
    return this.depths.get(child) ?? 0;
  }

  /** Adds the diagrams below these nodes, which may share; the results are their numbers, as of children. */
  add(
    roots: readonly Node[],
    dimensions: readonly Dimension[],
    accesses: readonly Access[],
    layout: RecordLayout,
  ): readonly number[] {
    const places = new Map<Node, number>();
    const visit = (node: Node): number => {
      const known = places.get(node);
      if (known !== undefined) return known;
      const place =
        node.kind === 'leaf'
          ? this.list(node, dimensions, accesses, layout)
          : this.branch(node, accesses, node.children.map(visit));
      places.set(node, place);
      return place;
    };
    return roots.map(visit);
  }

  finish(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.end).slice();
  }

  private list(
    { candidates }: Leaf,
    dimensions: readonly Dimension[],
    accesses: readonly Access[],
    layout: RecordLayout,
  ): number {
    if (candidates.length === 0) return (this.emptyList | LEAF) >>> 0;
    const at = this.take(LIST_BYTES + ENTRY_BYTES * (candidates.length + 1));
    const key = keyOf(candidates, dimensions);
    const { offset, shift, mask } = key === undefined ? NO_KEY : accesses[key];
    this.bytes.setUint16(at + LIST.offset, offset, true);
    this.bytes.setUint16(at + LIST.shift, shift, true);
    this.bytes.setUint32(at + LIST.mask, mask, true);
    const entries = at + LIST_BYTES;
    candidates.forEach((instance, index) => {
      const record = this.record(instance, layout);
      const range = rangeOf(instance, key, mask);
      this.entryOf(entries + ENTRY_BYTES * index, range.lo, blockBits(range), record);
    });
    this.lastEntry(entries + ENTRY_BYTES * candidates.length);
    return (at | LEAF) >>> 0;
  }

  private entryOf(at: number, value: number, bits: number, record: number): void {
    this.bytes.setUint32(at + ENTRY.value, value, true);
    this.bytes.setUint32(at + ENTRY.record, ((record >>> RECORD_UNIT_BITS) << BLOCK_BITS) | bits, true);
  }

  /** An entry that all packets pass. */
  private lastEntry(at: number): void {
    this.entryOf(at, 0, 32, this.lastRecord);
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
    const at = this.take(BRANCH.numbers + 4 * entries.length);
    this.head(at, { offset, shift: shift + below, mask: 2 ** top - 1 }, false);
    this.numbers(at, entries);
    return this.withDepth(at, entries);
  }

  private search(access: Access, cuts: readonly number[], children: readonly number[]): number {
    if (children.length > SEARCH_CHILDREN) {
      // As even as they go, so that all ways are about as long.
      const size = Math.ceil(children.length / SEARCH_CHILDREN);
      const parts: number[] = [];
      const between: number[] = [];
      for (let from = 0; from < children.length; from += size) {
        const end = Math.min(children.length, from + size);
        if (from > 0) between.push(cuts[from - 1]);
        parts.push(this.search(access, cuts.slice(from, end - 1), children.slice(from, end)));
      }
      return this.search(access, between, parts);
    }
    if (children.length === 1) return children[0];
    const at = this.take(SEARCH_BYTES, CACHE_LINE);
    this.head(at, access, true);
    const last = children[children.length - 1];
    this.numbers(at, [
      ...Array.from({ length: SEARCH_CUTS }, (_, i) => cuts[i] ?? NO_CUT),
      ...Array.from({ length: SEARCH_CHILDREN }, (_, i) => children[i] ?? last),
    ]);
    return this.withDepth(at, children);
  }

  private withDepth(at: number, children: readonly number[]): number {
    this.depths.set(at, 1 + children.reduce((most, child) => Math.max(most, this.depthOf(child)), 0));
    return at;
  }

  private head(at: number, { offset, shift, mask }: Access, search: boolean): void {
    this.bytes.setUint16(at + BRANCH.offset, offset, true);
    this.bytes.setUint8(at + BRANCH.shift, shift);
    this.bytes.setUint8(at + BRANCH.search, search ? 1 : 0);
    this.bytes.setUint32(at + BRANCH.mask, mask, true);
  }

  private numbers(at: number, numbers: readonly number[]): void {
    numbers.forEach((number, index) => this.bytes.setUint32(at + BRANCH.numbers + 4 * index, number, true));
  }

  /** Room at the end, at a multiple of the alignment. */
  private take(bytes: number, alignment = 8): number {
    const at = Math.ceil(this.end / alignment) * alignment;
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
