import type { HashlimitTable } from '../../../grammar/model/memory.js';

const U32_MAX = 0xffffffffn;
const U64_MAX = 0xffffffffffffffffn;
/** XT_HASHLIMIT_SCALE_v2: units of a packet rate in a second. */
const SCALE = 1_000_000n;
/** XT_HASHLIMIT_BYTE_SHIFT: a chunk has 16 bytes. */
export const BYTE_SHIFT = 4;

/** What rateinfo_init makes of a table's configuration, for a kernel of so many jiffies a second. All 64 bits. */
export type Rate =
  | {
      readonly kind: 'packets';
      readonly perJiffy: bigint;
      readonly cost: bigint;
      readonly cap: bigint;
    }
  | {
      readonly kind: 'bytes';
      readonly perJiffy: bigint;
      /** Cost of a chunk. */
      readonly cost: bigint;
      /** A full bucket. */
      readonly cap: bigint;
      /** How often it is filled anew. */
      readonly refills: bigint;
    }
  | {
      readonly kind: 'match';
      readonly rate: bigint;
      readonly burst: bigint;
      /** Jiffies. */
      readonly interval: bigint;
      readonly inBytes: boolean;
    };

/** rateinfo_init, user2credits, user2credits_byte, user2rate, user2rate_bytes (revision 3). */
export function rateOf(table: HashlimitTable, hz: number): Rate {
  const ticks = BigInt(hz);
  const inBytes = table.unit === 'bytes';
  const { average, burst } = table;
  if (table.rateMatch) {
    const rate = inBytes ? BigInt.asUintN(64, (U32_MAX / average - 1n) << BigInt(BYTE_SHIFT)) : SCALE / average;
    const most = inBytes ? (burst === 0n ? rate : burst * rate) : burst + rate;
    const interval = BigInt.asUintN(32, BigInt(table.interval) * ticks);
    return { kind: 'match', rate, burst: BigInt.asUintN(64, most), interval, inBytes };
  }
  if (inBytes) {
    const perJiffy = powerBelow(U32_MAX / ticks);
    const cap = BigInt.asUintN(32, perJiffy * ticks);
    return { kind: 'bytes', perJiffy, cost: (average * cap) >> 32n, cap, refills: burst };
  }
  const perJiffy = powerBelow(U64_MAX / (ticks * 60n * 60n * 24n));
  const credits = (user: bigint): bigint =>
    SCALE >= ticks * perJiffy
      ? user / (SCALE / (ticks * perJiffy))
      : BigInt.asUintN(64, user * ((ticks * perJiffy) / SCALE));
  return { kind: 'packets', perJiffy, cost: credits(average), cap: credits(BigInt.asUintN(64, average * burst)) };
}

/** POW2_BELOW64: the greatest power of two that is not above. */
function powerBelow(value: bigint): bigint {
  let power = 1n;
  while (power * 2n <= value) power *= 2n;
  return power;
}

/** msecs_to_jiffies. */
export function jiffiesOf(milliseconds: number, hz: number): bigint {
  return (BigInt(milliseconds) * BigInt(hz) + 999n) / 1000n;
}
