import type { Parsed, ValueType } from '../define.js';
import { isPrefix } from './text.js';

/**
 * What hashlimit keeps of a rate: the cost of a packet in millionths of a second, or of 16 bytes in fractions of
 * 2^32 (iptables libxt_hashlimit.c).
 */
export interface HashRate {
  readonly unit: 'packets' | 'bytes';
  readonly average: bigint;
  /** Seconds that the unit of the rate stands for. */
  readonly seconds: number;
}

const SCALE = 1_000_000n;
const UINT32_MAX = (1n << 32n) - 1n;
const INT64_MAX = (1n << 63n) - 1n;
const BYTE_SHIFT = 4n;

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['second', 1],
  ['minute', 60],
  ['hour', 3600],
  ['day', 86400],
];

/** Bytes that one unit of cost stands for. */
export function costToBytes(cost: bigint): bigint {
  return ((cost === 0n ? UINT32_MAX : UINT32_MAX / cost) - 1n) << BYTE_SHIFT;
}

function bytesToCost(bytes: bigint): bigint {
  return UINT32_MAX / (BigInt.asUintN(32, bytes >> BYTE_SHIFT) + 1n);
}

/** `k` and `m` are powers of 1024; any other letter counts as one. */
export function sizeFactor(letter: string | undefined): bigint {
  return letter === 'm' ? 1024n * 1024n : letter === 'k' ? 1024n : 1n;
}

/** Number at the front of the text, whatever stands behind it (`atoll`), as 64 bits without a sign. */
function leadingNumber(word: string): bigint {
  const [, sign, digits] = /^\s*([-+]?)(\d+)/.exec(word) ?? ['', '', '0'];
  const value = BigInt(digits) > INT64_MAX ? INT64_MAX : BigInt(digits);
  return sign === '-' ? BigInt.asUintN(64, -value) : value;
}

function parseByteRate(word: string): Parsed<HashRate> | undefined {
  const at = word.indexOf('b/s');
  const count = leadingNumber(word);
  if (at <= 0 || count === 0n) return undefined;
  const cost = bytesToCost(BigInt.asUintN(64, count * sizeFactor(word[at - 1])));
  if (cost === 0n) return { error: `"${word}" is too fast` };
  return { value: { unit: 'bytes', average: cost, seconds: 15 } };
}

function parsePacketRate(word: string): Parsed<HashRate> {
  const slash = word.indexOf('/');
  const name = slash < 0 ? 'second' : word.slice(slash + 1);
  const unit = name === '' ? undefined : UNITS.find(([known]) => isPrefix(name, known));
  const count = leadingNumber(word);
  if (unit === undefined || count === 0n) return { error: `"${word}" is not a rate` };
  const average = (SCALE * BigInt(unit[1])) / count;
  if (average === 0n) return { error: `"${word}" is faster than ${SCALE} a second` };
  return { value: { unit: 'packets', average, seconds: unit[1] } };
}

/** A rate as printed, and the seconds that its printed unit stands for. */
export interface PrintedRate {
  readonly text: string;
  readonly seconds: number;
}

/** Packets in the unit that shows them with the least loss. */
export function printPacketRate(average: bigint): PrintedRate {
  let best = UNITS[UNITS.length - 1];
  for (const unit of UNITS.slice(0, -1).reverse()) {
    const whole = SCALE * BigInt(unit[1]);
    if (average > whole || whole / average < whole % average) break;
    best = unit;
  }
  const short = best[1] === 60 ? 'min' : best[1] === 1 ? 'sec' : best[0];
  return { text: `${(SCALE * BigInt(best[1])) / average}/${short}`, seconds: best[1] };
}

const SIZES: readonly (readonly [letter: string, bytes: bigint])[] = [
  ['m', 1024n * 1024n],
  ['k', 1024n],
];

export function printByteRate(average: bigint): string {
  const bytes = costToBytes(average);
  // The tool rounds down with a mask of 32 bits.
  const rounded = (unit: bigint): bigint => BigInt.asUintN(32, bytes - (bytes % unit));
  const size = SIZES.find(([, unit]) => bytes >= unit && bytesToCost(rounded(unit)) === average);
  return `${bytes / (size?.[1] ?? 1n)}${size?.[0] ?? ''}b/s`;
}

/** A burst of `count` times what one unit of cost stands for. */
export function printByteBurst(average: bigint, count: bigint): string {
  const bytes = costToBytes(average) * count;
  const size = SIZES.find(([, unit]) => bytes >= unit);
  return `${bytes / (size?.[1] ?? 1n)}${size?.[0] ?? ''}b`;
}

/** `number[/unit]` packets or `number[k|m]b/s`. */
export const hashRate: ValueType<HashRate> = {
  arity: 1,
  placeholder: 'rate[/second|minute|hour|day] or size[k|m]b/s',
  parse: ([word]) => parseByteRate(word) ?? parsePacketRate(word),
  print: ({ unit, average }) => [unit === 'bytes' ? printByteRate(average) : printPacketRate(average).text],
};
