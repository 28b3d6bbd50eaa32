import { ALU_OP } from '../../../codegen/bytecode/instruction.js';
import type { Machine, Step } from '../machine.js';
import { divide32, divideSigned32, remainder32, remainderSigned32 } from '../wide.js';
import type { Operands } from './operands.js';

/** 32-bit arithmetic, which clears the upper half (RFC 9669 section 4.1); undefined for an operation that there is not. */
export function alu32Step(machine: Machine, operation: number, operands: Operands): Step | undefined {
  const { lo, hi } = machine;
  const { dst: d, src: s, offset, next } = operands;
  switch (operation) {
    case ALU_OP.add:
      return () => {
        lo[d] += lo[s];
        hi[d] = 0;
        return next;
      };
    case ALU_OP.sub:
      return () => {
        lo[d] -= lo[s];
        hi[d] = 0;
        return next;
      };
    case ALU_OP.mul:
      return () => {
        lo[d] = Math.imul(lo[d], lo[s]);
        hi[d] = 0;
        return next;
      };
    case ALU_OP.or:
      return () => {
        lo[d] |= lo[s];
        hi[d] = 0;
        return next;
      };
    case ALU_OP.and:
      return () => {
        lo[d] &= lo[s];
        hi[d] = 0;
        return next;
      };
    case ALU_OP.xor:
      return () => {
        lo[d] ^= lo[s];
        hi[d] = 0;
        return next;
      };
    case ALU_OP.lsh:
      return () => {
        lo[d] <<= lo[s] & 31;
        hi[d] = 0;
        return next;
      };
    case ALU_OP.rsh:
      return () => {
        lo[d] = lo[d] >>> (lo[s] & 31);
        hi[d] = 0;
        return next;
      };
    case ALU_OP.arsh:
      return () => {
        lo[d] >>= lo[s] & 31;
        hi[d] = 0;
        return next;
      };
    case ALU_OP.neg:
      return () => {
        lo[d] = -lo[d];
        hi[d] = 0;
        return next;
      };
    case ALU_OP.mov:
      return moveStep(machine, operands);
    case ALU_OP.div:
      return divisionStep(machine, offset, divide32, divideSigned32, operands);
    case ALU_OP.mod:
      return divisionStep(machine, offset, remainder32, remainderSigned32, operands);
    default:
      return undefined;
  }
}

function moveStep({ lo, hi }: Machine, { dst: d, src: s, offset, next }: Operands): Step | undefined {
  switch (offset) {
    case 0:
      return () => {
        lo[d] = lo[s];
        hi[d] = 0;
        return next;
      };
    case 8:
    case 16: {
      const unused = 32 - offset;
      return () => {
        lo[d] = (lo[s] << unused) >> unused;
        hi[d] = 0;
        return next;
      };
    }
    default:
      return undefined;
  }
}

type Division = (a: number, b: number) => number;

/** The offset tells signed division from unsigned. */
function divisionStep(
  { lo, hi }: Machine,
  offset: number,
  unsigned: Division,
  signed: Division,
  { dst: d, src: s, next }: Operands,
): Step | undefined {
  if (offset !== 0 && offset !== 1) return undefined;
  const operate = offset === 0 ? unsigned : signed;
  return () => {
    lo[d] = operate(lo[d], lo[s]);
    hi[d] = 0;
    return next;
  };
}
