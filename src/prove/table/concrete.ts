import { ALU_OP, JMP_OP } from '../../../codegen/bytecode/instruction.js';

/**
 * Instructions on numbers that are no symbols, from 0 to 2^53 − 1: the quick way of what `compute` and `comparison` do on
 * bits (RFC 9669, sections 4.1 and 4.3). Undefined where the result is no such number; then the bits are asked.
 */
const HALF = 2 ** 32;

const safe = (value: number): number | undefined =>
  value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;

/** What an ALU instruction computes; `wide`: 64 bits, else the lower 32 and the upper half zero. */
export function computeConcrete(operation: number, wide: boolean, a: number, b: number): number | undefined {
  return wide ? compute64(operation, a, b) : compute32(operation, a % HALF, b % HALF);
}

/** What an ALU instruction computes of numbers of 64 bits, from 0 to 2^64 − 1. */
export function computeLarge(operation: number, a: bigint, b: bigint): bigint | undefined {
  switch (operation) {
    case ALU_OP.add:
      return BigInt.asUintN(64, a + b);
    case ALU_OP.sub:
      return BigInt.asUintN(64, a - b);
    case ALU_OP.and:
      return a & b;
    case ALU_OP.or:
      return a | b;
    case ALU_OP.xor:
      return a ^ b;
    case ALU_OP.lsh:
      return BigInt.asUintN(64, a << (b & 63n));
    case ALU_OP.rsh:
      return a >> (b & 63n);
    case ALU_OP.mov:
      return b;
    default:
      return undefined;
  }
}

function compute64(operation: number, a: number, b: number): number | undefined {
  switch (operation) {
    case ALU_OP.add:
      return safe(a + b);
    case ALU_OP.sub:
      return safe(a - b);
    case ALU_OP.mul:
      return safe(a * b);
    case ALU_OP.and:
      // The lower half of either holds all bits that both may have.
      return a < HALF || b < HALF ? ((a % HALF) & (b % HALF)) >>> 0 : undefined;
    case ALU_OP.or:
      return a < HALF && b < HALF ? (a | b) >>> 0 : undefined;
    case ALU_OP.xor:
      return a < HALF && b < HALF ? (a ^ b) >>> 0 : undefined;
    case ALU_OP.lsh:
      return safe(a * 2 ** (b % 64));
    case ALU_OP.rsh:
    case ALU_OP.arsh:
      // The sign of a number below 2^53 is 0.
      return Math.floor(a / 2 ** (b % 64));
    case ALU_OP.mov:
      return b;
    default:
      return undefined;
  }
}

function compute32(operation: number, a: number, b: number): number | undefined {
  switch (operation) {
    case ALU_OP.add:
      return (a + b) % HALF;
    case ALU_OP.sub:
      return (a - b) >>> 0;
    case ALU_OP.mul:
      return Math.imul(a, b) >>> 0;
    case ALU_OP.and:
      return (a & b) >>> 0;
    case ALU_OP.or:
      return (a | b) >>> 0;
    case ALU_OP.xor:
      return (a ^ b) >>> 0;
    case ALU_OP.lsh:
      return (a << (b & 31)) >>> 0;
    case ALU_OP.rsh:
      return a >>> (b & 31);
    case ALU_OP.arsh:
      return (a >> (b & 31)) >>> 0;
    case ALU_OP.mov:
      return b;
    default:
      return undefined;
  }
}

/** Whether a conditional jump is taken. */
export function compareConcrete(operation: number, wide: boolean, a: number, b: number): boolean | undefined {
  return wide ? compare(operation, a, b, a, b) : compareLower(operation, a % HALF, b % HALF);
}

/** The same of numbers of 64 bits, from 0 to 2^64 − 1. */
export function compareLarge(operation: number, wide: boolean, a: bigint, b: bigint): boolean | undefined {
  return wide ? compareUnsigned(operation, a, b) : compareLower(operation, Number(a & LOWER), Number(b & LOWER));
}

const LOWER = 0xffff_ffffn;

const compareLower = (operation: number, a: number, b: number): boolean | undefined =>
  compare(operation, a, b, a | 0, b | 0);

function compareUnsigned<N extends number | bigint>(operation: number, a: N, b: N): boolean | undefined {
  switch (operation) {
    case JMP_OP.jeq:
      return a === b;
    case JMP_OP.jne:
      return a !== b;
    case JMP_OP.jgt:
      return a > b;
    case JMP_OP.jge:
      return a >= b;
    case JMP_OP.jlt:
      return a < b;
    case JMP_OP.jle:
      return a <= b;
    default:
      return undefined;
  }
}

/** `x` and `y`: as numbers with sign. */
function compare(operation: number, a: number, b: number, x: number, y: number): boolean | undefined {
  switch (operation) {
    case JMP_OP.jsgt:
      return x > y;
    case JMP_OP.jsge:
      return x >= y;
    case JMP_OP.jslt:
      return x < y;
    case JMP_OP.jsle:
      return x <= y;
    case JMP_OP.jset:
      return computeConcrete(ALU_OP.and, true, a, b) === undefined ? undefined : ((a % HALF) & (b % HALF)) !== 0;
    default:
      return compareUnsigned(operation, a, b);
  }
}

/** The comparison with its operands the other way round. */
export const MIRRORED: Readonly<Record<number, number>> = {
  [JMP_OP.jeq]: JMP_OP.jeq,
  [JMP_OP.jne]: JMP_OP.jne,
  [JMP_OP.jlt]: JMP_OP.jgt,
  [JMP_OP.jgt]: JMP_OP.jlt,
  [JMP_OP.jle]: JMP_OP.jge,
  [JMP_OP.jge]: JMP_OP.jle,
};
