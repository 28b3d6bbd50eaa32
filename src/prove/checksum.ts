import { FALSE, type Ref } from './bdd.js';
import { numberOf, type Value } from './value.js';
import type { Variables } from './variables.js';

/** A number that equals a sum of 16-bit words of the frame modulo 65535, and is at most `most`. */
interface Sum {
  /** Offset of a word in the frame → how often it is in the sum. */
  readonly words: ReadonlyMap<number, number>;
  readonly most: bigint;
}

const LOW_HALF = 0xffffn;

/**
 * One's complement sums (RFC 1071) without working out their bits: every way to add and fold the same words comes to the
 * same number modulo 65535, and a folded sum is 0 only where all words are.
 */
export class OnesComplement {
  constructor(private readonly variables: Variables) {}

  /** The variable: the words from one offset to another sum to 0xffff, folded. */
  holds(from: number, to: number, relativeTo: number): Ref {
    return this.variable(wordsBetween(from - relativeTo, to - relativeTo));
  }

  /** Offsets are taken from here: the same sum is the same variable in frames of all shapes. */
  base = 0;

  private variable(words: ReadonlyMap<number, number>): Ref {
    return this.variables.word(nameFor(words), 1)[0];
  }

  /** Name of the variable of {@link holds}. */
  nameOf(from: number, to: number): string {
    return nameFor(wordsBetween(from, to));
  }

  /** When a sum is 0xffff that is folded so far that no other number would fold to that; undefined if the values are not such a question. */
  compare(a: Value, b: Value): Ref | undefined {
    if (numberOf(b) !== LOW_HALF || a.kind !== 'arithmetic' || !a.heavy) return undefined;
    const sum = sumOf(a);
    if (sum === undefined || sum.most >= 2n * LOW_HALF) return undefined;
    const relative = new Map([...sum.words].map(([offset, count]) => [offset - this.base, count]));
    if (relative.size === 0) return FALSE;
    return this.variable(relative);
  }
}

function wordsBetween(from: number, to: number): ReadonlyMap<number, number> {
  const words = new Map<number, number>();
  for (let offset = from; offset < to; offset += 2) words.set(offset, 1);
  return words;
}

function nameFor(words: ReadonlyMap<number, number>): string {
  const terms = [...words].sort(([a], [b]) => a - b).map(([offset, count]) => `${offset}*${count}`);
  return `checksum of ${terms.join(' ')}`;
}

function sumOf(value: Value): Sum | undefined {
  const number = numberOf(value);
  if (number !== undefined) return number === 0n ? { words: new Map(), most: 0n } : undefined;
  if (value.kind === 'word') return loadedWords(value.packet);
  if (value.kind !== 'arithmetic') return undefined;
  const { operation, a, b, width } = value;
  if (operation === 'and') {
    // A move of the lower half: nothing is cut off a small sum.
    const sum = sumOf(a);
    return sum !== undefined && numberOf(b) === 0xffffffffn && sum.most <= 0xffffffffn ? sum : undefined;
  }
  if (operation !== 'add') return undefined;
  const folded = foldOf(a, b) ?? foldOf(b, a);
  if (folded !== undefined) return folded;
  const x = sumOf(a);
  const y = sumOf(b);
  if (x === undefined || y === undefined || x.most + y.most >= 1n << BigInt(width)) return undefined;
  const words = new Map(x.words);
  for (const [offset, count] of y.words) words.set(offset, (words.get(offset) ?? 0) + count);
  return { words, most: x.most + y.most };
}

/** Two 16-bit words side by side are their sum modulo 65535. */
function loadedWords(from: { readonly offset: number; readonly size: number } | undefined): Sum | undefined {
  if (from === undefined || from.size < 2 || from.size > 4) return undefined;
  const words = new Map<number, number>();
  for (let at = 0; at < from.size; at += 2) words.set(from.offset + at, 1);
  return { words, most: (1n << BigInt(from.size * 8)) - 1n };
}

/** (x & 0xffff) + (x >> 16). */
function foldOf(low: Value, high: Value): Sum | undefined {
  if (low.kind !== 'arithmetic' || high.kind !== 'arithmetic') return undefined;
  if (low.operation !== 'and' || high.operation !== 'rsh' || low.a !== high.a) return undefined;
  if (numberOf(low.b) !== LOW_HALF || numberOf(high.b) !== 16n) return undefined;
  const sum = sumOf(low.a);
  if (sum === undefined || sum.most >= 1n << BigInt(high.width)) return undefined;
  const carries = sum.most >> 16n;
  if (carries === 0n) return sum;
  const rest = sum.most & LOW_HALF;
  const most = carries + rest > carries - 1n + LOW_HALF ? carries + rest : carries - 1n + LOW_HALF;
  return { words: sum.words, most };
}
