import type { PayloadTest } from '../../../grammar/model/payload.js';
import { u32 as word, type PayloadPacket } from './packet.js';
import { fromBoolean, type PayloadAnswer } from './answer.js';

type U32Test = Extract<PayloadTest, { kind: 'u32' }>;

/** u32_match_it (net/netfilter/xt_u32.c): numbers of 32 bits that wrap around. */
export function u32({ locations }: U32Test, { bytes }: PayloadPacket): PayloadAnswer {
  for (const { start, steps, ranges } of locations) {
    if (bytes.length < 4 || start > bytes.length - 4) return 'no';
    let at = 0;
    let value = word(bytes, start);
    for (const { op, number } of steps) {
      switch (op) {
        case 'and':
          value = (value & number) >>> 0;
          break;
        case 'shl':
          value = shifted(value, number, 'left');
          break;
        case 'shr':
          value = shifted(value, number, 'right');
          break;
        case 'at': {
          at += value;
          if (at > 0xffffffff || at + 4 > 0xffffffff || bytes.length < at + 4) return 'no';
          if (number > bytes.length - at - 4) return 'no';
          value = word(bytes, at + number);
          break;
        }
      }
    }
    if (!ranges.some(({ lo, hi }) => lo <= value && value <= hi)) return 'no';
  }
  return fromBoolean(true);
}

/** A shift by 32 and more is left to the processor: x86 and arm64 take the lower five bits. */
function shifted(value: number, by: number, way: 'left' | 'right'): number {
  return way === 'left' ? (value << (by & 31)) >>> 0 : value >>> (by & 31);
}
