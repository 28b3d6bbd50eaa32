import type { Dimension, Instance } from './instance.js';

/** Instances that test one dimension, by their places, with their lowest and highest values. */
interface Members {
  readonly indexes: Int32Array;
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
}

// Long loops are functions of their own, which end with them: V8 optimizes a function while its first long loop runs, when it does not know
// yet what stands behind it; it keeps that code, and falls out of it behind the loop whenever it comes there.

/**
 * The places of one dimension at which some instance begins or has ended, numbered in ascending order: rank 0 is its
 * lowest value, rank r the r-th cut, and one more than the cuts is its end.
 */
export class CutRanks {
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private readonly values: Uint32Array;
  private readonly end: number;
  /** Number of a rank among those of a list; only ranks of that list are valid. */
  private readonly local: Int32Array;
  private scratch = new Int32Array(64);

  /** `members`: what instances of `length` test the dimension; the others take all of its values. */
  constructor(members: Members, length: number, max: number) {
    const cuts = cutsOf(members, max).sort();
    this.values = cuts.slice(0, unique(cuts, cuts.length));
    this.end = this.values.length + 1;
    this.starts = new Int32Array(length);
    this.ends = new Int32Array(length).fill(this.end);
    this.local = new Int32Array(this.end + 1);
    this.rank(members, max);
  }

  private rank({ indexes, lows, highs }: Members, max: number): void {
    const { starts, ends } = this;
    for (let i = 0; i < indexes.length; i++) {
      if (lows[i] > 0) starts[indexes[i]] = this.rankOf(lows[i]);
      if (highs[i] < max) ends[indexes[i]] = this.rankOf(highs[i] + 1);
    }
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
    if (length * SHARE_FOR_ALL > this.end) return this.allPlaces(stack, at, length);
    if (this.scratch.length < 2 * length) this.scratch = new Int32Array(4 * length);
    const count = this.writePlaces(stack, at, length);
    sort(this.scratch, count);
    return this.scratch.subarray(0, unique(this.scratch, count));
  }

  private writePlaces(stack: Int32Array, at: number, length: number): number {
    const { scratch, starts, ends, end } = this;
    let count = 0;
    for (let i = at; i < at + length; i++) {
      const index = stack[i];
      if (starts[index] > 0) scratch[count++] = starts[index];
      if (ends[index] < end) scratch[count++] = ends[index];
    }
    return count;
  }

  /** The same by looking at all ranks instead of sorting. */
  private allPlaces(stack: Int32Array, at: number, length: number): Int32Array {
    const count = this.numberAll(stack, at, length);
    if (this.scratch.length < count) this.scratch = new Int32Array(2 * count);
    this.writeNumbered();
    return this.scratch.subarray(0, count);
  }

  private writeNumbered(): void {
    const { scratch, local, end } = this;
    for (let rank = 1; rank < end; rank++) if (local[rank] > 0) scratch[local[rank] - 1] = rank;
  }

  /** Writes for each instance of the list its first child, and the child behind its last one. */
  locate(stack: Int32Array, at: number, length: number, places: Int32Array, starts: number, ends: number): void {
    this.number(places);
    this.writeChildren(stack, at, length, starts, ends);
  }

  private writeChildren(stack: Int32Array, at: number, length: number, starts: number, ends: number): void {
    for (let i = 0; i < length; i++) {
      const index = stack[at + i];
      stack[starts + i] = this.local[this.starts[index]];
      stack[ends + i] = this.local[this.ends[index]];
    }
  }

  /** Instances that a child has on average, if the list is divided here. */
  meanChild(stack: Int32Array, at: number, length: number): number {
    const last =
      length * SHARE_FOR_ALL > this.end ? this.numberAll(stack, at, length) : this.numberPlaces(stack, at, length);
    return this.sumOfChildren(stack, at, length) / (last + 1);
  }

  /** Children that instances of the list are in, once its places are numbered. */
  private sumOfChildren(stack: Int32Array, at: number, length: number): number {
    const { local, starts, ends } = this;
    let sum = 0;
    for (let i = at; i < at + length; i++) sum += local[ends[stack[i]]] - local[starts[stack[i]]];
    return sum;
  }

  private numberPlaces(stack: Int32Array, at: number, length: number): number {
    const places = this.places(stack, at, length);
    this.number(places);
    return places.length;
  }

  /** Numbers the places of a list by looking at all ranks instead of sorting; how many places there are. */
  private numberAll(stack: Int32Array, at: number, length: number): number {
    const { local, end } = this;
    local.fill(0);
    this.markPlaces(stack, at, length);
    local[0] = 0;
    local[end] = 0;
    const count = this.numberMarked();
    local[end] = count + 1;
    return count;
  }

  private markPlaces(stack: Int32Array, at: number, length: number): void {
    const { local, starts, ends } = this;
    for (let i = at; i < at + length; i++) {
      local[starts[stack[i]]] = 1;
      local[ends[stack[i]]] = 1;
    }
  }

  private numberMarked(): number {
    const { local, end } = this;
    let count = 0;
    for (let rank = 1; rank < end; rank++) if (local[rank] === 1) local[rank] = ++count;
    return count;
  }

  private number(places: Int32Array): void {
    const { local } = this;
    local[0] = 0;
    local[this.end] = places.length + 1;
    for (let i = 0; i < places.length; i++) local[places[i]] = i + 1;
  }
}

/** The ranks of each dimension. */
export function rankCuts(instances: readonly Instance[], dimensions: readonly Dimension[]): readonly CutRanks[] {
  const counts = new Int32Array(dimensions.length);
  for (const { box } of instances) for (const { dimension } of box) counts[dimension]++;
  const members = dimensions.map((_, dimension): Members => ({
    indexes: new Int32Array(counts[dimension]),
    lows: new Uint32Array(counts[dimension]),
    highs: new Uint32Array(counts[dimension]),
  }));
  counts.fill(0);
  for (let index = 0; index < instances.length; index++) {
    for (const { dimension, lo, hi } of instances[index].box) {
      const { indexes, lows, highs } = members[dimension];
      const at = counts[dimension]++;
      indexes[at] = index;
      lows[at] = lo;
      highs[at] = hi;
    }
  }
  return dimensions.map(({ max }, dimension) => new CutRanks(members[dimension], instances.length, max));
}

/** The first values of ranges, and those behind their last ones. */
function cutsOf({ lows, highs }: Members, max: number): Uint32Array {
  const cuts = new Uint32Array(2 * lows.length);
  return cuts.subarray(0, writeCuts(lows, highs, max, cuts));
}

function writeCuts(lows: Uint32Array, highs: Uint32Array, max: number, cuts: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < lows.length; i++) {
    if (lows[i] > 0) cuts[count++] = lows[i];
    if (highs[i] < max) cuts[count++] = highs[i] + 1;
  }
  return count;
}

/** Keeps each of the first `length` ascending numbers once; how many there are. */
function unique(numbers: Uint32Array | Int32Array, length: number): number {
  let count = 0;
  for (let i = 0; i < length; i++) if (i === 0 || numbers[i] !== numbers[i - 1]) numbers[count++] = numbers[i];
  return count;
}

/** Where a list has more than one instance for so many ranks, it takes less time to look at all ranks than to sort. */
const SHARE_FOR_ALL = 8;
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
