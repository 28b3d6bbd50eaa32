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
  listBytes,
  RECORD_UNIT_BITS,
  type RecordLayout,
} from './record.js';
import type { Slots } from './slots.js';

/**
 * A child as a number of 32 bits: what it is in the lowest two bits, the slot of the number that it asks for in
 * the next five, and above {@link PLACE_BITS} where it is, in units of 16 bytes.
 */
export const CHILD = { search: 0, index: 1, list: 2 } as const;
export const SLOT_BITS = 2;
export const SLOT_MASK = 31 << SLOT_BITS;
export const PLACE_BITS = 7;
export const PLACE_UNIT_BITS = 4;
/** The child that is a list without instances: no other list is at 0. */
export const NOTHING: number = CHILD.list;
/** The rule behind the last one of a list: greater than all others, and positive as a signed number. */
export const END = 0x7fff_ffff;
/** Cuts of a search: two fit a cache line with their children, which are one more. */
export const SEARCH_CUTS = 3;
const SEARCH_CHILDREN = SEARCH_CUTS + 1;
/**
 * Offsets in a search, of u32 numbers: the cuts less one, so that a difference with a value that is not below the cut is negative; and the
 * children.
 */
export const SEARCH = { cuts: 0, children: 4 * SEARCH_CUTS } as const;
export const SEARCH_BYTES = 4 * (SEARCH_CUTS + SEARCH_CHILDREN);
/** Instead of cuts that a search does not have: no value is beyond. */
const NO_CUT = 0xffff_ffff;
/** Offsets in an index: u32 how many low bits of the number do not matter, and a child for each value of the others. */
export const INDEX = { shift: 0, children: 4 } as const;
const HALF_LINE = 32;

const KIND_MASK = 3;
const PLACE_UNIT = 1 << PLACE_UNIT_BITS;
const MOST_BYTES = 2 ** (32 - PLACE_BITS + PLACE_UNIT_BITS);
/** What a list without a key lets pass. */
const ANYTHING = { lo: 0, hi: 0xffff_ffff } as const;

/** An index, as code: the child is the number without its low bits, counted from the first one's byte offset. */
export interface Index {
  readonly slot: number;
  readonly shift: number;
  readonly children: number;
}

/** What diagrams are about, and how a program finds the numbers and tests the records. */
export interface TableSettings {
  readonly dimensions: readonly Dimension[];
  readonly accesses: readonly Access[];
  readonly layout: RecordLayout;
  readonly slots: Slots;
}

/** Branches with so many children begin with the upper bits of the number. */
const LEAST_FOR_TOP = 8;
const SPARE_TOP_BITS = 1;
const MOST_TOP_BITS = 16;

/**
 * Diagrams as bytes, little endian. The entries of a list end with one whose record is of rule {@link END} and passes all
 * tests. At 0 stands such an entry, which is the place of who has found nothing. A search has a child for each number of cuts that the
 * value is not below; more children than it holds are searches below a search. What a long search would tell of a large
 * number, its upper bits tell at once: such a branch has a child for each value of theirs, and a search below asks
 * for the rest.
 */
export class TableWriter {
  private bytes = new DataView(new ArrayBuffer(1 << 16));
  private end = 0;
  /** The records that all lists end with, by their bytes. */
  private readonly lastRecords = new Map<string, number>();
  private readonly records = new Map<Instance, number>();
  /** Branches on the longest way from a branch. */
  private readonly depths = new Map<number, number>();

  constructor() {
    const lost = this.take(ENTRY_BYTES);
    const record = this.take(HIT_BYTES);
    this.bytes.setUint32(record + 4, END, true);
    this.lastEntry(lost, record);
  }

  /** Bytes so far. */
  get size(): number {
    return this.end;
  }

  /** Branches on the longest way through a child. */
  depthOf(child: number): number {
    return this.depths.get(child) ?? 0;
  }

  /** What a child is that is an index; undefined for others. */
  indexOf(child: number): Index | undefined {
    if ((child & KIND_MASK) !== CHILD.index) return undefined;
    const at = (child >>> PLACE_BITS) << PLACE_UNIT_BITS;
    const slot = (child & SLOT_MASK) >> SLOT_BITS;
    return { slot, shift: this.bytes.getUint32(at + INDEX.shift, true), children: at + INDEX.children };
  }

  /** Adds the diagrams below these nodes, which may share; the results are their numbers, as of children. */
  add(roots: readonly Node[], settings: TableSettings): readonly number[] {
    const places = new Map<Node, number>();
    const visit = (node: Node): number => {
      const known = places.get(node);
      if (known !== undefined) return known;
      const place =
        node.kind === 'leaf' ? this.list(node, settings) : this.branch(node, settings, node.children.map(visit));
      places.set(node, place);
      return place;
    };
    return roots.map(visit);
  }

  finish(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.end).slice();
  }

  private list({ candidates }: Leaf, { dimensions, accesses, layout, slots }: TableSettings): number {
    if (candidates.length === 0) return NOTHING;
    const last = this.lastRecord(layout);
    const at = this.take(listBytes(candidates.length), PLACE_UNIT);
    const entries = at + LIST.entries;
    this.bytes.setUint32(at + LIST.first, candidates[0].rule, true);
    const key = keyOf(candidates, dimensions);
    candidates.forEach((instance, index) => {
      const record = this.record(instance, layout);
      const range = key === undefined ? ANYTHING : rangeOf(instance, key, accesses[key].mask);
      this.entryOf(entries + ENTRY_BYTES * index, range.lo, blockBits(range), record);
    });
    this.lastEntry(entries + ENTRY_BYTES * candidates.length, last);
    return numberOf(CHILD.list, key === undefined ? 0 : slots.of(accesses[key]), at);
  }

  /** The record of rule {@link END}, which all packets are inside of. */
  private lastRecord(layout: RecordLayout): number {
    const key = JSON.stringify(layout);
    let at = this.lastRecords.get(key);
    if (at === undefined) {
      this.lastRecords.set(key, (at = this.take(layout.bytes)));
      this.bytes.setUint32(at + 4, END, true);
      for (const { bytes, at: place } of layout.tests) {
        if (bytes === 4) this.bytes.setUint32(at + place + 4, 0xffff_ffff, true);
        else this.bytes.setUint16(at + place + 2, 0xffff, true);
      }
    }
    return at;
  }

  private entryOf(at: number, value: number, bits: number, record: number): void {
    this.bytes.setUint32(at + ENTRY.value, value, true);
    this.bytes.setUint32(at + ENTRY.record, ((record >>> RECORD_UNIT_BITS) << BLOCK_BITS) | bits, true);
  }

  /** An entry that all packets pass. */
  private lastEntry(at: number, record: number): void {
    this.entryOf(at, 0, 32, record);
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

  private branch({ dimension, cuts }: Branch, { accesses, slots }: TableSettings, children: readonly number[]): number {
    const { mask } = accesses[dimension];
    const slot = slots.of(accesses[dimension]);
    const bits = contiguousBits(mask);
    const top = Math.min(MOST_TOP_BITS, Math.floor(Math.log2(children.length)) + SPARE_TOP_BITS);
    if (bits === undefined || children.length < LEAST_FOR_TOP || bits < top) return this.search(slot, cuts, children);
    return this.byTopBits(slot, bits, top, cuts, children);
  }

  private byTopBits(
    slot: number,
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
        end === first ? children[first] : this.search(slot, cuts.slice(first, end), children.slice(first, end + 1)),
      );
      first = end;
    }
    const at = this.take(INDEX.children + 4 * entries.length, PLACE_UNIT);
    this.bytes.setUint32(at + INDEX.shift, below, true);
    this.numbers(at + INDEX.children, entries);
    return this.withDepth(numberOf(CHILD.index, slot, at), entries);
  }

  private search(slot: number, cuts: readonly number[], children: readonly number[]): number {
    if (children.length > SEARCH_CHILDREN) {
      // As even as they go, so that all ways are about as long.
      const size = Math.ceil(children.length / SEARCH_CHILDREN);
      const parts: number[] = [];
      const between: number[] = [];
      for (let from = 0; from < children.length; from += size) {
        const end = Math.min(children.length, from + size);
        if (from > 0) between.push(cuts[from - 1]);
        parts.push(this.search(slot, cuts.slice(from, end - 1), children.slice(from, end)));
      }
      return this.search(slot, between, parts);
    }
    if (children.length === 1) return children[0];
    const at = this.take(SEARCH_BYTES, HALF_LINE);
    const last = children[children.length - 1];
    this.numbers(
      at + SEARCH.cuts,
      Array.from({ length: SEARCH_CUTS }, (_, i) => (i < cuts.length ? cuts[i] - 1 : NO_CUT)),
    );
    this.numbers(
      at + SEARCH.children,
      Array.from({ length: SEARCH_CHILDREN }, (_, i) => children[i] ?? last),
    );
    return this.withDepth(numberOf(CHILD.search, slot, at), children);
  }

  private withDepth(number: number, children: readonly number[]): number {
    this.depths.set(number, 1 + children.reduce((most, child) => Math.max(most, this.depthOf(child)), 0));
    return number;
  }

  private numbers(at: number, numbers: readonly number[]): void {
    numbers.forEach((number, index) => this.bytes.setUint32(at + 4 * index, number, true));
  }

  /** Room at the end, at a multiple of the alignment. */
  private take(bytes: number, alignment = 8): number {
    const at = Math.ceil(this.end / alignment) * alignment;
    this.end = at + Math.ceil(bytes / 8) * 8;
    if (this.end >= MOST_BYTES) throw new RangeError('the table is larger than 512 MiB');
    if (this.end > this.bytes.byteLength) {
      const grown = new Uint8Array(Math.max(2 * this.bytes.byteLength, this.end));
      grown.set(new Uint8Array(this.bytes.buffer));
      this.bytes = new DataView(grown.buffer);
    }
    return at;
  }
}

/** A child, as the table names it. */
function numberOf(kind: number, slot: number, at: number): number {
  return (((at >>> PLACE_UNIT_BITS) << PLACE_BITS) | (slot << SLOT_BITS) | kind) >>> 0;
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
