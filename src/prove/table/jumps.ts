import { CLASS, CLASS_MASK, JMP_OP, OPERATION_MASK } from '../../../codegen/bytecode/instruction.js';
import type { Code } from '../object-code.js';

/** Instructions that a jump leads back to. */
export function loopsOf(code: Code): ReadonlySet<number> {
  const loops = new Set<number>();
  eachJump(code, (target, at) => {
    if (target <= at) loops.add(target);
  });
  return loops;
}

/** Instructions where several decisions lead: in turn, as the entries of a list, they would make many ways of few. */
export function meetingsOf(code: Code): ReadonlySet<number> {
  const once = new Set<number>();
  const meetings = new Set<number>();
  eachJump(code, (target, _, conditional) => {
    if (!conditional) return;
    if (once.has(target)) meetings.add(target);
    once.add(target);
  });
  return meetings;
}

function eachJump({ instructions }: Code, jump: (target: number, at: number, conditional: boolean) => void): void {
  instructions.forEach(({ instruction, operands }, at) => {
    const kind = instruction.opcode & CLASS_MASK;
    if (kind !== CLASS.JMP && kind !== CLASS.JMP32) return;
    const operation = instruction.opcode & OPERATION_MASK;
    if (kind === CLASS.JMP && (operation === JMP_OP.exit || operation === JMP_OP.call)) return;
    jump(operands.target, at, operation !== JMP_OP.ja);
  });
}
