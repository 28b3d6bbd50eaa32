import type { Instance } from './instance.js';

/**
 * The places of one dimension at which some instance begins or has ended, numbered in ascending order: rank 0 is its
 * lowest value, rank r the r-th cut, and one more than the cuts is its end.
 */
export class CutRanks {
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private readonly values: Float64Array;
  private readonly end: number;
  /** Number of a rank among those of a list; only ranks of that list are valid. */
  private readonly local: Int32Array;
  private scratch = new Int32Array(64);

  constructor(instances: readonly Instance[], dimension: number, max: number) {
    const ranges = instances.map(({ box }) => box.find((range) => range.dimension === dimension));
    const cuts = new Set<number>();
    for (const range of ranges) {
      if (range === undefined) continue;
      if (range.lo > 0) cuts.add(range.lo);
      if (range.hi < max) cuts.add(range.hi + 1);
    }
    this.values = Float64Array.from(cuts).sort();
    this.end = this.values.length + 1;
    const rankOf = new Map<number, number>([[0, 0]]);
    this.values.forEach((value, index) => rankOf.set(value, index + 1));
    const rank = (value: number): number => rankOf.get(value) ?? this.end;
    this.starts = Int32Array.from(ranges, (range) => (range === undefined ? 0 : rank(range.lo)));
    this.ends = Int32Array.from(ranges, (range) => (range === undefined ? this.end : rank(range.hi + 1)));
    this.local = new Int32Array(this.end + 1);
  }

  /** The first value of a rank. */
  valueOf(rank: number): number {
    return this.values[rank - 1];
  }

  /** The ranks at which instances of the list begin or have ended, ascending; valid until the next call. */
  places(stack: Int32Array, at: number, length: number): Int32Array {
    if (this.scratch.length < 2 * length) this.scratch = new Int32Array(4 * length);
    const { scratch, starts, ends, end } = this;
    let count = 0;
    for (let i = at; i < at + length; i++) {
      const index = stack[i];
      if (starts[index] > 0) scratch[count++] = starts[index];
      if (ends[index] < end) scratch[count++] = ends[index];
    }
    sort(scratch, count);
    let unique = 0;
    for (let i = 0; i < count; i++) if (i === 0 || scratch[i] !== scratch[i - 1]) scratch[unique++] = scratch[i];
    return scratch.subarray(0, unique);
  }

  /** Writes for each instance of the list its first child, and the child behind its last one. */
  locate(stack: Int32Array, at: number, length: number, places: Int32Array, starts: number, ends: number): void {
    this.number(places);
    for (let i = 0; i < length; i++) {
      const index = stack[at + i];
      stack[starts + i] = this.local[this.starts[index]];
      stack[ends + i] = this.local[this.ends[index]];
    }
  }

  /** Instances that a child has on average, if the list is divided here. */
  meanChild(stack: Int32Array, at: number, length: number): number {
    const places = this.places(stack, at, length);
    this.number(places);
    const { local, starts, ends } = this;
    let sum = 0;
    for (let i = at; i < at + length; i++) sum += local[ends[stack[i]]] - local[starts[stack[i]]];
    return sum / (places.length + 1);
  }

  private number(places: Int32Array): void {
    this.local[0] = 0;
    for (let i = 0; i < places.length; i++) this.local[places[i]] = i + 1;
    this.local[this.end] = places.length + 1;
  }
}

/** Short lists are the most, and sorted faster without a call. */
const INSERTION = 24;

function sort(numbers: Int32Array, count: number): void {
  if (count > INSERTION) {
    numbers.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const value = numbers[i];
    let at = i - 1;
    while (at >= 0 && numbers[at] > value) numbers[at + 1] = numbers[at--];
    numbers[at + 1] = value;
  }
}
