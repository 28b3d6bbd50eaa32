import type { PayloadTest, U32Location } from '../../grammar/model/payload.js';
import { networkBytes } from '../packet/bytes.js';
import type { Random } from './random.js';

/** Bytes to write at an offset from the IP header. */
export interface BytesAt {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Words for every location that reads at a fixed place. */
export function bytesForU32(
  test: Extract<PayloadTest, { kind: 'u32' }>,
  sense: 'pass' | 'fail' | 'beside',
  random: Random,
): readonly BytesAt[] {
  return test.locations.flatMap((location) => {
    if (sense === 'fail' && random.chance(0.5)) return [];
    // What stands in the IP header is seldom written over: it makes another packet of it.
    if (location.start < 20 && !random.chance(0.15)) return [];
    const word = wordFor(location, sense === 'beside', random);
    return word === undefined ? [] : [{ offset: location.start, bytes: networkBytes(BigInt(word), 4) }];
  });
}

/** A word that the steps lead into one of the ranges, or beside it. */
function wordFor({ steps, ranges }: U32Location, beside: boolean, random: Random): number | undefined {
  if (ranges.length === 0 || steps.some(({ op }) => op === 'at')) return undefined;
  const { lo, hi } = random.pick(ranges);
  const inside = random.pick([lo, hi, lo + random.below(Math.max(1, hi - lo))]);
  let value = (beside ? random.pick([lo - 1, hi + 1]) : inside) >>> 0;
  for (const { op, number } of [...steps].reverse()) {
    const noise = random.word();
    if (op === 'and') value = ((value & number) | (noise & ~number)) >>> 0;
    else if (op === 'shr') value = ((value << (number & 31)) | (noise & ((1 << (number & 31)) - 1))) >>> 0;
    else value = value >>> (number & 31);
  }
  return value;
}
