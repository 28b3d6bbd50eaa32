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
function meetingsOf(code: Code): ReadonlySet<number> {
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

/** What may begin at an instruction. */
const LOOP = 1;
const CUT = 2;
const MEETING = 4;

/** Where a walk has places, by instruction. */
export class Marks {
  private readonly marks: Uint8Array;

  /** `cuts`: where it has some in the chain itself. */
  constructor(code: Code, cuts: ReadonlySet<number>) {
    this.marks = new Uint8Array(code.instructions.length);
    const mark = (where: ReadonlySet<number>, as: number): void => where.forEach((at) => (this.marks[at] |= as));
    mark(loopsOf(code), LOOP);
    mark(meetingsOf(code), MEETING);
    mark(cuts, CUT);
  }

  /** Whether a place begins there; `inChain`: in the chain itself, and not in a function that it calls. */
  isPlace(at: number, inChain: boolean): boolean {
    const mark = this.marks[at];
    return mark !== 0 && (mark & (LOOP | (inChain ? CUT : MEETING))) !== 0;
  }
}
