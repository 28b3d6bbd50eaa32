import { ALU_OP } from '../../../codegen/bytecode/instruction.js';
import type { Machine, Step } from '../machine.js';
import type { Operands } from './operands.js';

/** 64-bit arithmetic (RFC 9669 section 4.1); undefined for an operation that there is not. */
export function alu64Step(machine: Machine, operation: number, operands: Operands): Step | undefined {
  const { lo, hi } = machine;
  const { dst: d, src: s, offset, next } = operands;
  switch (operation) {
    case ALU_OP.add:
      return () => {
        const a = lo[d];
        const sum = (a + lo[s]) | 0;
        hi[d] = hi[d] + hi[s] + (sum >>> 0 < a >>> 0 ? 1 : 0);
        lo[d] = sum;
        return next;
      };
    case ALU_OP.sub:
      return () => {
        const a = lo[d];
        const b = lo[s];
        hi[d] = hi[d] - hi[s] - (a >>> 0 < b >>> 0 ? 1 : 0);
        lo[d] = a - b;
        return next;
      };
    case ALU_OP.or:
      return () => {
        lo[d] |= lo[s];
        hi[d] |= hi[s];
        return next;
      };
    case ALU_OP.and:
      return () => {
        lo[d] &= lo[s];
        hi[d] &= hi[s];
        return next;
      };
    case ALU_OP.xor:
      return () => {
        lo[d] ^= lo[s];
        hi[d] ^= hi[s];
        return next;
      };
    case ALU_OP.neg:
      return () => {
        hi[d] = -hi[d] - (lo[d] === 0 ? 0 : 1);
        lo[d] = -lo[d];
        return next;
      };
    case ALU_OP.mov:
      return moveStep(machine, operands);
    case ALU_OP.lsh:
    case ALU_OP.rsh:
    case ALU_OP.arsh:
      return shiftStep(machine, operation, operands);
    case ALU_OP.mul:
      return wideStep(machine, 'multiply', operands);
    case ALU_OP.div:
      return divisionStep(machine, offset, 'divide', 'divideSigned', operands);
    case ALU_OP.mod:
      return divisionStep(machine, offset, 'remainder', 'remainderSigned', operands);
    default:
      return undefined;
  }
}

function moveStep({ lo, hi }: Machine, { dst: d, src: s, offset, next }: Operands): Step | undefined {
  switch (offset) {
    case 0:
      return () => {
        lo[d] = lo[s];
        hi[d] = hi[s];
        return next;
      };
    case 8:
    case 16:
    case 32: {
      const unused = 32 - offset;
      return () => {
        const value = (lo[s] << unused) >> unused;
        lo[d] = value;
        hi[d] = value >> 31;
        return next;
      };
    }
    default:
      return undefined;
  }
}

function shiftStep({ lo, hi }: Machine, operation: number, { dst: d, src: s, next }: Operands): Step {
  if (operation === ALU_OP.lsh) {
    return () => {
      const count = lo[s] & 63;
      if (count >= 32) {
        hi[d] = lo[d] << (count - 32);
        lo[d] = 0;
      } else if (count > 0) {
        hi[d] = (hi[d] << count) | (lo[d] >>> (32 - count));
        lo[d] <<= count;
      }
      return next;
    };
  }
  const arithmetic = operation === ALU_OP.arsh;
  return () => {
    const count = lo[s] & 63;
    const high = hi[d];
    if (count >= 32) {
      lo[d] = arithmetic ? high >> (count - 32) : high >>> (count - 32);
      hi[d] = arithmetic ? high >> 31 : 0;
    } else if (count > 0) {
      lo[d] = (lo[d] >>> count) | (high << (32 - count));
      hi[d] = arithmetic ? high >> count : high >>> count;
    }
    return next;
  };
}

type WideOperation = 'multiply' | 'divide' | 'remainder' | 'divideSigned' | 'remainderSigned';

function wideStep({ lo, hi, wide }: Machine, operation: WideOperation, { dst: d, src: s, next }: Operands): Step {
  const operate = wide[operation].bind(wide);
  return () => {
    operate(lo[d], hi[d], lo[s], hi[s]);
    lo[d] = wide.low;
    hi[d] = wide.high;
    return next;
  };
}

/** The offset tells signed division from unsigned. */
function divisionStep(
  machine: Machine,
  offset: number,
  unsigned: WideOperation,
  signed: WideOperation,
  operands: Operands,
): Step | undefined {
  if (offset === 0) return wideStep(machine, unsigned, operands);
  return offset === 1 ? wideStep(machine, signed, operands) : undefined;
}
