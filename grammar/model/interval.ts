/** Closed interval of unsigned integers. */
export interface Interval {
  readonly lo: bigint;
  readonly hi: bigint;
}

/** Sorted, disjoint, non-adjacent intervals. Build with {@link intervals} so that this holds. */
export type IntervalSet = readonly Interval[];

/** Normalises any list of intervals (`lo <= hi` each) into an {@link IntervalSet}. */
export function intervals(...parts: readonly (Interval | readonly [bigint | number, bigint | number])[]): IntervalSet {
  if (parts.length === 1) return [interval(parts[0])];
  const sorted = parts.map(interval);
  if (!isSorted(sorted)) sorted.sort(byStart);
  const out: { lo: bigint; hi: bigint }[] = [];
  for (const part of sorted) {
    const last = out[out.length - 1];
    if (last !== undefined && part.lo <= last.hi + 1n) {
      if (part.hi > last.hi) last.hi = part.hi;
    } else {
      out.push({ lo: part.lo, hi: part.hi });
    }
  }
  return out;
}

function isSorted(parts: readonly Interval[]): boolean {
  for (let i = 1; i < parts.length; i++) if (parts[i].lo < parts[i - 1].lo) return false;
  return true;
}

function byStart(a: Interval, b: Interval): number {
  return a.lo < b.lo ? -1 : a.lo > b.lo ? 1 : 0;
}

function interval(part: Interval | readonly [bigint | number, bigint | number]): Interval {
  if ('lo' in part) return { lo: part.lo, hi: part.hi };
  const lo = bigintOf(part[0]);
  return { lo, hi: part[1] === part[0] ? lo : bigintOf(part[1]) };
}

/** Numbers of ports and their like, made once: rulesets name the same ones again and again. */
let small: (bigint | undefined)[] | undefined;
const SMALL = 0x10000;

function bigintOf(value: bigint | number): bigint {
  if (typeof value === 'bigint') return value;
  if (value < 0 || value >= SMALL) return BigInt(value);
  // All of its room at once: an array with wide gaps would become a slow table.
  small ??= new Array<bigint | undefined>(SMALL);
  return (small[value] ??= BigInt(value));
}

/** The set of one value. */
export function single(value: bigint | number): IntervalSet {
  const only = bigintOf(value);
  return [{ lo: only, hi: only }];
}

/** Everything in `[0, 2^bits)` that is not in `set`. */
export function complement(set: IntervalSet, bits: number): IntervalSet {
  const top = (1n << BigInt(bits)) - 1n;
  const out: Interval[] = [];
  let next = 0n;
  for (const part of set) {
    if (part.lo > next) out.push({ lo: next, hi: part.lo - 1n });
    next = part.hi + 1n;
  }
  if (next <= top) out.push({ lo: next, hi: top });
  return out;
}

export function intersect(a: IntervalSet, b: IntervalSet): IntervalSet {
  if (a.length === 1 && b.length === 1) return intersectTwo(a, b);
  const out: Interval[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const lo = a[i].lo > b[j].lo ? a[i].lo : b[j].lo;
    const hi = a[i].hi < b[j].hi ? a[i].hi : b[j].hi;
    if (lo <= hi) out.push({ lo, hi });
    if (a[i].hi < b[j].hi) i++;
    else j++;
  }
  return out;
}

/** The same of one interval each, without a new set where one has all of the other. */
function intersectTwo(a: IntervalSet, b: IntervalSet): IntervalSet {
  const isLater = a[0].lo >= b[0].lo;
  const isEarlier = a[0].hi <= b[0].hi;
  if (isLater && isEarlier) return a;
  if (!isLater && !isEarlier) return b;
  const { lo } = isLater ? a[0] : b[0];
  const { hi } = isEarlier ? a[0] : b[0];
  return lo <= hi ? [{ lo, hi }] : [];
}

export function contains(set: IntervalSet, value: bigint): boolean {
  for (const part of set) {
    if (value < part.lo) return false;
    if (value <= part.hi) return true;
  }
  return false;
}
