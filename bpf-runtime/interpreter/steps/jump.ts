import { JMP_OP } from '../../../codegen/bytecode/instruction.js';
import type { Machine, Step } from '../machine.js';
import type { Operands } from './operands.js';

/** Conditional jump on all 64 bits (RFC 9669 section 4.3); undefined for a condition that there is not. */
export function jump64Step({ lo, hi }: Machine, operation: number, operands: Operands): Step | undefined {
  const { dst: d, src: s, target, next } = operands;
  switch (operation) {
    case JMP_OP.jeq:
      return () => (lo[d] === lo[s] && hi[d] === hi[s] ? target : next);
    case JMP_OP.jne:
      return () => (lo[d] !== lo[s] || hi[d] !== hi[s] ? target : next);
    case JMP_OP.jset:
      return () => ((lo[d] & lo[s]) !== 0 || (hi[d] & hi[s]) !== 0 ? target : next);
    case JMP_OP.jgt:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 > lo[s] >>> 0 : hi[d] >>> 0 > hi[s] >>> 0) ? target : next);
    case JMP_OP.jge:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 >= lo[s] >>> 0 : hi[d] >>> 0 > hi[s] >>> 0) ? target : next);
    case JMP_OP.jlt:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 < lo[s] >>> 0 : hi[d] >>> 0 < hi[s] >>> 0) ? target : next);
    case JMP_OP.jle:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 <= lo[s] >>> 0 : hi[d] >>> 0 < hi[s] >>> 0) ? target : next);
    case JMP_OP.jsgt:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 > lo[s] >>> 0 : hi[d] > hi[s]) ? target : next);
    case JMP_OP.jsge:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 >= lo[s] >>> 0 : hi[d] > hi[s]) ? target : next);
    case JMP_OP.jslt:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 < lo[s] >>> 0 : hi[d] < hi[s]) ? target : next);
    case JMP_OP.jsle:
      return () => ((hi[d] === hi[s] ? lo[d] >>> 0 <= lo[s] >>> 0 : hi[d] < hi[s]) ? target : next);
    default:
      return undefined;
  }
}

/** Conditional jump on the low 32 bits. */
export function jump32Step({ lo }: Machine, operation: number, operands: Operands): Step | undefined {
  const { dst: d, src: s, target, next } = operands;
  switch (operation) {
    case JMP_OP.jeq:
      return () => (lo[d] === lo[s] ? target : next);
    case JMP_OP.jne:
      return () => (lo[d] !== lo[s] ? target : next);
    case JMP_OP.jset:
      return () => ((lo[d] & lo[s]) !== 0 ? target : next);
    case JMP_OP.jgt:
      return () => (lo[d] >>> 0 > lo[s] >>> 0 ? target : next);
    case JMP_OP.jge:
      return () => (lo[d] >>> 0 >= lo[s] >>> 0 ? target : next);
    case JMP_OP.jlt:
      return () => (lo[d] >>> 0 < lo[s] >>> 0 ? target : next);
    case JMP_OP.jle:
      return () => (lo[d] >>> 0 <= lo[s] >>> 0 ? target : next);
    case JMP_OP.jsgt:
      return () => (lo[d] > lo[s] ? target : next);
    case JMP_OP.jsge:
      return () => (lo[d] >= lo[s] ? target : next);
    case JMP_OP.jslt:
      return () => (lo[d] < lo[s] ? target : next);
    case JMP_OP.jsle:
      return () => (lo[d] <= lo[s] ? target : next);
    default:
      return undefined;
  }
}
