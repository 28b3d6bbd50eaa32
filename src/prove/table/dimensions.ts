import type { Condition } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import type { Bits } from '../words.js';
import type { Range } from './pieces.js';

/** A number of the packet, or 32 bits of a long one. */
interface Dimension {
  readonly field: Field;
  /** Bits of the field below it. */
  readonly below: number;
  readonly width: number;
}

/** A number that is the upper bits of a dimension from `shift` on; those of `flipped` are turned round. */
interface DimensionPart {
  readonly dimension: number;
  readonly shift: number;
  readonly flipped: number;
}

const NO_PART: DimensionPart = { dimension: -1, shift: 0, flipped: 0 };

/** What lies in one of these ranges of a dimension. */
export interface Limit {
  readonly dimension: number;
  readonly ranges: readonly Range[];
}

/** For some dimensions, sorted ranges outside of which nothing lies; where others are not named, anything may. */
export type Hull = ReadonlyMap<number, readonly Range[]>;

/** Numbers of 16 bits that rules tell apart by many cuts. */
const BROAD: Readonly<Record<string, true>> = { sport: true, dport: true, length: true };

export const isBroadField = (field: string, bits: number): boolean => field in BROAD || bits > 16;

const LONGEST = 48;
/** Numbers that stand for bits of a dimension and their signs. */
const PER_DIMENSION = 128;
const ANYTHING: Hull = new Map();

/**
 * Numbers by which rules are told apart fast: they only say where a rule is for certain not met. What a rule means is
 * always asked of its diagram.
 */
export class Dimensions {
  readonly all: Dimension[] = [];
  private readonly whole: Range[] = [];
  private readonly known = new Map<Field, readonly number[]>();
  /** By a bit of a field, without its sign: 0, or one more than dimension, bit and sign together. */
  private readonly bits: number[] = [];

  private readonly parts = new Map<Bits, DimensionPart>();
  private readonly memberships = new Map<Condition, { readonly hull: Hull; readonly exact: boolean }>();

  constructor(private readonly field: (field: Field) => Bits) {}

  bitsOf(dimension: number): Bits {
    const { field, below, width } = this.all[dimension];
    return this.field(field).slice(below, below + width);
  }

  /** All its numbers. */
  range(dimension: number): Range {
    return (this.whole[dimension] ??= [0, 2 ** this.all[dimension].width - 1]);
  }

  /** Whether it is a number that rules tell apart by many cuts: an address, a port, and their like. */
  isBroad(dimension: number): boolean {
    const { field } = this.all[dimension];
    return isBroadField(field, this.field(field).length);
  }

  /** Dimensions of a field, the most significant bits first. */
  private of(field: Field): readonly number[] {
    const found = this.known.get(field);
    if (found !== undefined) return found;
    const bits = this.field(field);
    const width = bits.length <= LONGEST ? bits.length : 32;
    const numbers: number[] = [];
    for (let below = bits.length - width; below >= 0 && width > 0; below -= width) {
      const dimension = this.all.push({ field, below, width }) - 1;
      numbers.push(dimension);
      for (let bit = 0; bit < width; bit++) {
        const ref = bits[below + bit];
        if (ref > 1) this.bits[ref >> 1] = dimension * PER_DIMENSION + bit * 2 + (ref & 1) + 1;
      }
    }
    this.known.set(field, numbers);
    return numbers;
  }

  /** What a number between these bounds says of a dimension; undefined where it says nothing that is a range of it. */
  limit(number: Bits, ranges: readonly Range[]): Limit | undefined {
    let part = this.parts.get(number);
    if (part === undefined) this.parts.set(number, (part = this.partOf(number) ?? NO_PART));
    if (part === NO_PART) return undefined;
    const { dimension, shift, flipped } = part;
    if (flipped === 0 && shift === 0) return { dimension, ranges };
    const scale = 2 ** shift;
    const moved: Range[] = [];
    for (let i = 0; i < ranges.length; i++) {
      const lo = ranges[i][0];
      const hi = ranges[i][1];
      if (flipped !== 0 && lo !== hi) return undefined;
      const from = flipped === 0 ? lo : flippedOf(lo, flipped);
      moved.push([from * scale, (from + hi - lo + 1) * scale - 1]);
    }
    // Turned round, numbers come in another order.
    return { dimension, ranges: flipped === 0 ? moved : sorted(moved) };
  }

  /** What is left of ranges of dimensions where these limits hold, too. */
  narrowed(
    told: ReadonlyMap<number, readonly Range[]>,
    limits: readonly Limit[],
  ): ReadonlyMap<number, readonly Range[]> {
    if (limits.length === 0) return told;
    const all = new Map(told);
    for (let i = 0; i < limits.length; i++) {
      const { dimension } = limits[i];
      const own = all.get(dimension);
      const ranges = sorted(limits[i].ranges);
      all.set(dimension, own === undefined ? ranges : common(own, ranges));
    }
    return all;
  }

  /** Where a limit does not hold. */
  beyond({ dimension, ranges }: Limit): Limit {
    return { dimension, ranges: gaps(ranges, this.range(dimension)[1]) };
  }

  private partOf(number: Bits): DimensionPart | undefined {
    const first = number.length === 0 ? 0 : (this.bits[number[0] >> 1] ?? 0);
    if (first === 0) return undefined;
    const dimension = Math.floor((first - 1) / PER_DIMENSION);
    const shift = ((first - 1) % PER_DIMENSION) >> 1;
    if (shift + number.length !== this.all[dimension].width) return undefined;
    const start = dimension * PER_DIMENSION + shift * 2 + 1;
    let flipped = 0;
    for (let i = number.length - 1; i >= 0; i--) {
      const sign = (this.bits[number[i] >> 1] ?? 0) - start - i * 2;
      if (sign !== 0 && sign !== 1) return undefined;
      flipped = flipped * 2 + (sign ^ (number[i] & 1));
    }
    return { dimension, shift, flipped };
  }

  /** Where a condition may hold, and whether it holds everywhere there, or drops. */
  hullOf(test: Condition): { readonly hull: Hull; readonly exact: boolean } {
    switch (test.kind) {
      case 'in': {
        let own = this.memberships.get(test);
        if (own === undefined) this.memberships.set(test, (own = this.membership(test)));
        return own;
      }
      case 'all': {
        let hull = ANYTHING;
        let exact = true;
        for (let i = 0; i < test.of.length; i++) {
          const part = this.hullOf(test.of[i]);
          hull = bothOf(hull, part.hull);
          exact &&= part.exact;
        }
        return { hull, exact };
      }
      case 'any':
        return { hull: test.of.map((part) => this.hullOf(part).hull).reduce(eitherOf, NOTHING), exact: false };
      case 'hotdrop':
        return { hull: ANYTHING, exact: true };
      case 'not':
      case 'opaque':
      case 'payload':
        return { hull: test.kind === 'not' ? this.outside(test.of) : ANYTHING, exact: false };
    }
  }

  /** Where a condition may drop. */
  dropping(test: Condition, come: Hull = ANYTHING): Hull {
    if (!mayDrop(test)) return NOTHING;
    switch (test.kind) {
      case 'hotdrop':
        return bothOf(come, this.hullOf(test.when).hull);
      case 'all': {
        let here = come;
        let dropped = NOTHING;
        for (const part of test.of) {
          dropped = eitherOf(dropped, this.dropping(part, here));
          here = bothOf(here, this.hullOf(part).hull);
        }
        return dropped;
      }
      case 'any':
        return test.of.map((part) => this.dropping(part, come)).reduce(eitherOf, NOTHING);
      case 'not':
        return this.dropping(test.of, come);
      case 'in':
      case 'opaque':
      case 'payload':
        return NOTHING;
    }
  }

  private membership(test: Extract<Condition, { kind: 'in' }>): { readonly hull: Hull; readonly exact: boolean } {
    const width = BigInt(this.field(test.field).length);
    const top = (1n << width) - 1n;
    const outside = test.mask === undefined ? 0n : top & ~test.mask;
    const numbers = this.of(test.field);
    // A mask of the upper bits.
    if ((outside & (outside + 1n)) !== 0n || numbers.length === 0) return { hull: ANYTHING, exact: false };
    const set = test.set
      .filter(({ lo }) => lo <= top)
      .map(({ lo, hi }): readonly [bigint, bigint] => [lo & ~outside, (hi > top ? top : hi) | outside]);
    const exact = numbers.length === 1 && test.set.every(({ lo }) => (lo & outside) === 0n);
    if (numbers.length === 1) {
      return { hull: new Map([[numbers[0], set.map(([lo, hi]): Range => [Number(lo), Number(hi)])]]), exact };
    }
    const hull = new Map<number, readonly Range[]>();
    for (const dimension of numbers) {
      const below = BigInt(this.all[dimension].below);
      const part = (value: bigint): number => Number((value >> below) & 0xffff_ffffn);
      hull.set(dimension, sorted(set.map(([lo, hi]): Range => [part(lo), part(hi)])));
      if (set.length !== 1 || set[0][0] >> below !== set[0][1] >> below) break;
    }
    return { hull, exact: false };
  }

  private outside(test: Condition): Hull {
    if (test.kind !== 'in') return ANYTHING;
    const { hull, exact } = this.membership(test);
    if (!exact) return ANYTHING;
    return new Map(
      [...hull].map(([dimension, ranges]) => [dimension, gaps(ranges, 2 ** this.all[dimension].width - 1)]),
    );
  }
}

/** Both are shorter than 53 bits. */
function flippedOf(number: number, bits: number): number {
  if (number < WORD && bits < WORD) return (number ^ bits) >>> 0;
  return Number(BigInt(number) ^ BigInt(bits));
}

const WORD = 2 ** 32;

/** A hull that nothing is in: its one range is empty. */
const NOTHING: Hull = new Map([[-1, []]]);

function sorted(ranges: readonly Range[]): readonly Range[] {
  if (isSorted(ranges)) return ranges;
  const out: [number, number][] = [];
  const all = [...ranges].sort((a, b) => a[0] - b[0]);
  for (let i = 0; i < all.length; i++) {
    const lo = all[i][0];
    const hi = all[i][1];
    const last = out[out.length - 1];
    if (last !== undefined && lo <= last[1] + 1) last[1] = Math.max(last[1], hi);
    else out.push([lo, hi]);
  }
  return out;
}

/** Whether each range begins behind a gap behind the one before it. */
function isSorted(ranges: readonly Range[]): boolean {
  for (let i = 1; i < ranges.length; i++) if (ranges[i][0] <= ranges[i - 1][1] + 1) return false;
  return true;
}

function gaps(ranges: readonly Range[], top: number): readonly Range[] {
  const out: Range[] = [];
  let next = 0;
  const all = sorted(ranges);
  for (let i = 0; i < all.length; i++) {
    if (all[i][0] > next) out.push([next, all[i][0] - 1]);
    next = all[i][1] + 1;
  }
  if (next <= top) out.push([next, top]);
  return out;
}

/** Whether nothing lies in it. */
export function isEmpty(hull: Hull): boolean {
  let empty = false;
  hull.forEach((ranges) => (empty ||= ranges.length === 0));
  return empty;
}

function bothOf(a: Hull, b: Hull): Hull {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const both = new Map(a);
  for (const [dimension, ranges] of b) {
    const own = both.get(dimension);
    both.set(dimension, own === undefined ? ranges : common(own, ranges));
  }
  return both;
}

function eitherOf(a: Hull, b: Hull): Hull {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const either = new Map<number, readonly Range[]>();
  for (const [dimension, ranges] of a) {
    const other = b.get(dimension);
    if (other !== undefined) either.set(dimension, sorted([...ranges, ...other]));
  }
  return either;
}

/** What lies in both. */
export function common(a: readonly Range[], b: readonly Range[]): readonly Range[] {
  const out: Range[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const lo = Math.max(a[i][0], b[j][0]);
    const hi = Math.min(a[i][1], b[j][1]);
    if (lo <= hi) out.push([lo, hi]);
    if (a[i][1] < b[j][1]) i++;
    else j++;
  }
  return out;
}

/** Whether all numbers of `b` are in `a`; both are sorted. */
export function holds(a: readonly Range[], b: readonly Range[]): boolean {
  let i = 0;
  for (let j = 0; j < b.length; j++) {
    const lo = b[j][0];
    const hi = b[j][1];
    while (i < a.length && a[i][1] < lo) i++;
    if (i === a.length || a[i][0] > lo || a[i][1] < hi) return false;
  }
  return true;
}

/** Whether all numbers of `b` that lie between two bounds are in `a`; both are sorted. */
export function holdsBetween(a: readonly Range[], b: readonly Range[], bounds: Range): boolean {
  let i = 0;
  for (let j = 0; j < b.length; j++) {
    const lo = Math.max(b[j][0], bounds[0]);
    const hi = Math.min(b[j][1], bounds[1]);
    if (lo > hi) continue;
    while (i < a.length && a[i][1] < lo) i++;
    if (i === a.length || a[i][0] > lo || a[i][1] < hi) return false;
  }
  return true;
}

/** Whether some number lies in both. */
export function meets(a: readonly Range[], b: readonly Range[]): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i][1] < b[j][0]) i++;
    else if (b[j][1] < a[i][0]) j++;
    else return true;
  }
  return false;
}

/** Whether a condition has a part that drops. */
function mayDrop(test: Condition): boolean {
  switch (test.kind) {
    case 'hotdrop':
      return true;
    case 'all':
    case 'any':
      return test.of.some(mayDrop);
    case 'not':
      return mayDrop(test.of);
    case 'in':
    case 'opaque':
    case 'payload':
      return false;
  }
}
