import { FALSE, type Ref } from '../bdd.js';
import { bitAt, constantBits, trim, type Bits, type Words } from '../words.js';

/** A closed range of numbers. */
export type Range = readonly [lo: number, hi: number];

/** What a number is between two cuts of another one, x: `slope · x + plus`, exactly, up to and with `high`. */
interface Piece {
  readonly high: number;
  readonly slope: number;
  readonly plus: number;
}

/**
 * A number that is worked out of one other number, x, piece by piece: what a search by cuts, a table of offsets, or a
 * difference makes of a field. It stands for its remainder modulo 2^64, so negative ones are large unsigned ones.
 */
export interface Pieces {
  readonly kind: 'pieces';
  /** x: at most 32 bits. */
  readonly of: Bits;
  /** The same x, the same name. */
  readonly name: string;
  readonly pieces: readonly Piece[];
  /** Of this object alone. */
  readonly id: number;
}

let ids = 0;

/** Another number for each time it is asked. */
export const nextId = (): number => ids++;

/** That a number lies in ranges. */
export interface Known {
  readonly of: Bits;
  /** {@link Pieces.name} of the number. */
  readonly name: string;
  readonly ranges: readonly Range[];
}

/** Numbers stay exact, and so do sums of two. */
const MOST = 2 ** 51;
const WORD = 2 ** 32;
const TOP = 1n << 64n;
/** Places that one look-up may read. */
const MOST_PLACES = 1 << 17;

/** x itself; undefined where it is too long a number. */
export function identity(bits: Bits): Pieces | undefined {
  if (bits.length === 0 || bits.length > 32) return undefined;
  const pieces = [{ high: 2 ** bits.length - 1, slope: 1, plus: 0 }];
  return { kind: 'pieces', of: bits, name: bits.join(' '), pieces, id: nextId() };
}

const lowOf = ({ pieces }: Pieces, index: number): number => (index === 0 ? 0 : pieces[index - 1].high + 1);
const at = ({ slope, plus }: Piece, x: number): number => slope * x + plus;

/** With pieces that say the same as one; undefined where a number has become too large. */
function build(from: Pieces, pieces: readonly Piece[]): Pieces | undefined {
  const joined: Piece[] = [];
  let low = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i];
    if (Math.abs(at(piece, low)) > MOST || Math.abs(at(piece, piece.high)) > MOST) return undefined;
    low = piece.high + 1;
    const last = joined[joined.length - 1];
    if (last?.slope === piece.slope && last.plus === piece.plus) joined[joined.length - 1] = piece;
    else joined.push(piece);
  }
  return { kind: 'pieces', of: from.of, name: from.name, pieces: joined, id: nextId() };
}

/** `a · by + plus`. */
export function scaled(a: Pieces, by: number, plus: number): Pieces | undefined {
  return build(
    a,
    a.pieces.map((piece) => ({ high: piece.high, slope: piece.slope * by, plus: piece.plus * by + plus })),
  );
}

/** a + sign · b, of the same x. */
export function sum(a: Pieces, b: Pieces, sign: 1 | -1): Pieces | undefined {
  if (a.name !== b.name) return undefined;
  const pieces: Piece[] = [];
  for (let i = 0, j = 0; i < a.pieces.length && j < b.pieces.length;) {
    const p = a.pieces[i];
    const q = b.pieces[j];
    const high = Math.min(p.high, q.high);
    pieces.push({ high, slope: p.slope + sign * q.slope, plus: p.plus + sign * q.plus });
    if (p.high === high) i++;
    if (q.high === high) j++;
  }
  return build(a, pieces);
}

/** The lower 32 bits. */
export function lowHalf(a: Pieces): Pieces | undefined {
  const out: Piece[] = [];
  for (let index = 0; index < a.pieces.length; index++) {
    const piece = a.pieces[index];
    let low = lowOf(a, index);
    while (low <= piece.high) {
      const turn = Math.floor(at(piece, low) / WORD);
      const high = endOfTurn(piece, low, turn);
      out.push({ high, slope: piece.slope, plus: piece.plus - turn * WORD });
      if (out.length > MOST_PLACES) return undefined;
      low = high + 1;
    }
  }
  return build(a, out);
}

/** The last x from `low` on for which the number is in the same stretch of 2^32. */
function endOfTurn(piece: Piece, low: number, turn: number): number {
  const { slope, plus, high } = piece;
  if (slope === 0) return high;
  const last =
    slope > 0 ? Math.floor(((turn + 1) * WORD - 1 - plus) / slope) : Math.floor((turn * WORD - plus) / slope);
  return Math.max(low, Math.min(high, last));
}

/** The number put through a function, where it is constant piece by piece; else undefined. */
export function mapped(a: Pieces, change: (value: bigint) => bigint): Pieces | undefined {
  const out: Piece[] = [];
  for (const piece of a.pieces) {
    if (piece.slope !== 0) return undefined;
    const value = BigInt.asIntN(64, change(BigInt.asUintN(64, BigInt(piece.plus))));
    if (value > BigInt(MOST) || value < -BigInt(MOST)) return undefined;
    out.push({ high: piece.high, slope: 0, plus: Number(value) });
  }
  return build(a, out);
}

/** −1 where it is negative, else 0. */
export function signOf(a: Pieces): Pieces | undefined {
  const out: Piece[] = [];
  let low = 0;
  for (const [lo, hi] of where(a, [[-MOST, -1]])) {
    if (lo > low) out.push({ high: lo - 1, slope: 0, plus: 0 });
    out.push({ high: hi, slope: 0, plus: -1 });
    low = hi + 1;
  }
  const last = a.pieces[a.pieces.length - 1].high;
  if (low <= last) out.push({ high: last, slope: 0, plus: 0 });
  return build(a, out);
}

/** The ranges of x for which the number lies in one of the given ranges. */
export function where(a: Pieces, ranges: readonly Range[]): readonly Range[] {
  const found: [number, number][] = [];
  let low = 0;
  for (let index = 0; index < a.pieces.length; index++) {
    const piece = a.pieces[index];
    const parts = partsOf(piece, low, ranges);
    if (parts.length > 1) parts.sort((x, y) => x[0] - y[0]);
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      const last = found[found.length - 1];
      if (last !== undefined && part[0] <= last[1] + 1) last[1] = Math.max(last[1], part[1]);
      else found.push(part);
    }
    low = piece.high + 1;
  }
  return found;
}

/** The same of one piece, which begins at `low`. */
function partsOf({ slope, plus, high }: Piece, low: number, ranges: readonly Range[]): [number, number][] {
  const parts: [number, number][] = [];
  for (let i = 0; i < ranges.length; i++) {
    const least = ranges[i][0];
    const most = ranges[i][1];
    if (least > most) continue;
    if (slope === 0) {
      if (plus >= least && plus <= most) parts.push([low, high]);
      continue;
    }
    const lo = Math.max(low, Math.ceil(((slope > 0 ? least : most) - plus) / slope));
    const hi = Math.min(high, Math.floor(((slope > 0 ? most : least) - plus) / slope));
    if (lo <= hi) parts.push([lo, hi]);
  }
  return parts;
}

/** Ranges of exact numbers that stand for the unsigned ones from `lo` to `hi`. */
export function unsignedRanges(lo: bigint, hi: bigint): readonly Range[] {
  const ranges: Range[] = [];
  const most = BigInt(MOST);
  const clip = (from: bigint, to: bigint, least: bigint, last: bigint): void => {
    const a = from < least ? least : from;
    const b = to > last ? last : to;
    if (a <= b) ranges.push([Number(a), Number(b)]);
  };
  clip(lo - TOP, hi - TOP, -most, -1n);
  clip(lo, hi, 0n, most);
  return ranges;
}

/** Ranges of exact numbers between two signed ones. */
export function signedRange(lo: bigint, hi: bigint): Range {
  const most = BigInt(MOST);
  return [Number(lo < -most ? -most : lo), Number(hi > most ? most : hi)];
}

/** For each number that it may be: for which x. Undefined where there are too many. */
export function valuesOf(
  a: Pieces,
  read: (value: number) => number,
): ReadonlyMap<number, readonly Range[]> | undefined {
  const values = new Map<number, [number, number][]>();
  const add = (value: number, lo: number, hi: number): void => {
    const ranges = values.get(value);
    const last = ranges?.[ranges.length - 1];
    if (ranges === undefined) values.set(value, [[lo, hi]]);
    else if (last !== undefined && last[1] + 1 === lo) last[1] = hi;
    else ranges.push([lo, hi]);
  };
  let places = 0;
  for (let index = 0; index < a.pieces.length; index++) {
    const piece = a.pieces[index];
    const low = lowOf(a, index);
    places += piece.slope === 0 ? 1 : piece.high - low + 1;
    if (places > MOST_PLACES) return undefined;
    if (piece.slope === 0) add(read(piece.plus), low, piece.high);
    else for (let x = low; x <= piece.high; x++) add(read(at(piece, x)), x, x);
  }
  return values;
}

/** When x lies in one of the ranges. */
export function condition(words: Words, { of }: Pick<Pieces, 'of'>, ranges: readonly Range[]): Ref {
  return words.bdd.anyOf(ranges.map(([lo, hi]) => words.within(of, BigInt(lo), BigInt(hi))));
}

/** The number's 64 bits; undefined where that is more than shifts and sums of x. */
export function bitsOfPieces(words: Words, a: Pieces): Bits | undefined {
  let bits: Bits = [];
  for (let index = a.pieces.length - 1; index >= 0; index--) {
    const { slope, plus, high } = a.pieces[index];
    const shift = Math.log2(Math.abs(slope));
    if (slope !== 0 && !Number.isInteger(shift)) return undefined;
    const moved = slope === 0 ? [] : words.shiftLeft(a.of, shift, 64);
    const start = constantBits(BigInt.asUintN(64, BigInt(plus)));
    const own = slope < 0 ? words.subtract(start, moved, 64) : words.add(start, moved, 64);
    bits = words.choose(condition(words, a, [[lowOf(a, index), high]]), own, bits);
  }
  return trim(Array.from({ length: 64 }, (_, i) => bitAt(bits, i) ?? FALSE));
}
