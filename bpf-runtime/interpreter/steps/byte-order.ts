import type { Machine, Step } from '../machine.js';
import { swapBytes16, swapBytes32 } from '../wide.js';
import type { Operands } from './operands.js';

/** Byte order (RFC 9669 section 4.2) on a little-endian machine: `be` and `bswap` swap, `le` cuts to the width. */
export function byteOrderStep(machine: Machine, swap: boolean, operands: Operands): Step | undefined {
  const { imm: bits } = operands;
  if (bits !== 16 && bits !== 32 && bits !== 64) return undefined;
  return swap ? swapStep(machine, bits, operands) : cutStep(machine, bits, operands);
}

function swapStep({ lo, hi }: Machine, bits: 16 | 32 | 64, { dst: d, next }: Operands): Step {
  switch (bits) {
    case 16:
      return () => {
        lo[d] = swapBytes16(lo[d]);
        hi[d] = 0;
        return next;
      };
    case 32:
      return () => {
        lo[d] = swapBytes32(lo[d]);
        hi[d] = 0;
        return next;
      };
    case 64:
      return () => {
        const low = lo[d];
        lo[d] = swapBytes32(hi[d]);
        hi[d] = swapBytes32(low);
        return next;
      };
  }
}

function cutStep({ lo, hi }: Machine, bits: 16 | 32 | 64, { dst: d, next }: Operands): Step {
  switch (bits) {
    case 16:
      return () => {
        lo[d] &= 0xffff;
        hi[d] = 0;
        return next;
      };
    case 32:
      return () => {
        hi[d] = 0;
        return next;
      };
    case 64:
      return () => next;
  }
}
