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
    const { length } = instances;
    // Lowest values, and those behind the highest: a number that is no cut where there is none.
    const from = new Float64Array(length);
    const behind = new Float64Array(length).fill(max + 1);
    const cuts = new Float64Array(2 * length);
    let count = 0;
    for (let i = 0; i < length; i++) {
      for (const { dimension: own, lo, hi } of instances[i].box) {
        if (own !== dimension) continue;
        from[i] = lo;
        behind[i] = hi + 1;
        if (lo > 0) cuts[count++] = lo;
        if (hi < max) cuts[count++] = hi + 1;
      }
    }
    this.values = unique(cuts.subarray(0, count).sort());
    this.end = this.values.length + 1;
    this.starts = new Int32Array(length);
    this.ends = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      this.starts[i] = from[i] === 0 ? 0 : this.rankOf(from[i]);
      this.ends[i] = behind[i] > max ? this.end : this.rankOf(behind[i]);
    }
    this.local = new Int32Array(this.end + 1);
  }

  /** Rank of a cut. */
  private rankOf(value: number): number {
    const { values } = this;
    let low = 0;
    let high = values.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low + 1;
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

/** Each of the ascending numbers once. */
function unique(numbers: Float64Array): Float64Array {
  let count = 0;
  for (let i = 0; i < numbers.length; i++) if (i === 0 || numbers[i] !== numbers[i - 1]) numbers[count++] = numbers[i];
  return numbers.slice(0, count);
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
