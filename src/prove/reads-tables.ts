import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { isChainFunction } from './flat-chain.js';
import type { Code } from './object-code.js';

/** Whether a function reads constant data, itself or by functions that are no chains. */
export function readsTables(code: Code, placed: PlacedFunction): boolean {
  const seen = new Set([placed]);
  for (const one of seen) {
    for (let at = one.start; at < one.end; at++) {
      const { instruction, operands } = code.instructions[at];
      if (instruction.reference?.kind === 'data') return true;
      if (instruction.reference?.kind !== 'function' || operands.target < 0) continue;
      const called = code.functionAt(operands.target);
      if (!isChainFunction(called.name)) seen.add(called);
    }
  }
  return false;
}
