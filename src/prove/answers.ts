import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  HELPER,
  JMP_OP,
  OPERATION_MASK,
  SOURCE_X,
} from '../../codegen/bytecode/instruction.js';
import type { LinkedInstruction, PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import type { Code } from './object-code.js';
import { successors } from './liveness.js';

/** Results that let no packet through: XDP_DROP, XDP_TX; TC_ACT_SHOT. The helper redirect sends an answer, too. */
const RESULTS: Readonly<Record<'xdp' | 'tc', readonly number[]>> = { xdp: [1, 3], tc: [2] };

/**
 * What speaks against code that answers rejected packets, from a place of the entry function on; undefined if nothing
 * does. The bytes of the answer are not looked at; but whatever comes of it, the packet is not let through, and nothing
 * is counted: no way to the end has another result, and none comes to the counters.
 */
export function answerFault(code: Code, placed: PlacedFunction, from: number, hook: 'xdp' | 'tc'): string | undefined {
  const reached = reachedFrom(code, placed, from);
  for (const at of reached) {
    const linked = code.instructions[at];
    if (countsIn(linked)) return 'an answer that counts';
    const target = calledFunction(linked);
    if (target !== undefined) {
      const fault = functionFault(code, target, new Set());
      if (fault !== undefined) return fault;
    }
    if (isExit(linked)) continue;
    for (const next of successors(linked)) {
      if (isExit(code.instructions[next]) && !endsPacket(linked, hook))
        return 'an answer that may let the packet through';
    }
  }
  return isExit(code.instructions[from]) ? 'an answer that is none' : undefined;
}

function reachedFrom(code: Code, { start, end }: PlacedFunction, from: number): ReadonlySet<number> {
  const reached = new Set<number>([from]);
  for (const at of reached) {
    for (const next of successors(code.instructions[at])) if (next >= start && next < end) reached.add(next);
  }
  return reached;
}

/** A function that is called there may do anything but count. */
function functionFault(code: Code, start: number, seen: Set<number>): string | undefined {
  if (seen.has(start)) return undefined;
  seen.add(start);
  const placed = code.functionAt(start);
  for (let at = placed.start; at < placed.end; at++) {
    if (countsIn(code.instructions[at])) return 'an answer that counts';
    const target = calledFunction(code.instructions[at]);
    const fault = target === undefined ? undefined : functionFault(code, target, seen);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function countsIn({ instruction: { reference } }: LinkedInstruction): boolean {
  return reference?.kind === 'map' && reference.name === 'counters';
}

const isJump = ({ instruction: { opcode } }: LinkedInstruction, operation: number): boolean =>
  (opcode & CLASS_MASK) === CLASS.JMP && (opcode & OPERATION_MASK) === operation;

const isExit = (linked: LinkedInstruction): boolean => isJump(linked, JMP_OP.exit);

function calledFunction(linked: LinkedInstruction): number | undefined {
  return isJump(linked, JMP_OP.call) && linked.operands.target >= 0 ? linked.operands.target : undefined;
}

/** The instruction in front of the end gives a result that lets nothing through. */
function endsPacket(linked: LinkedInstruction, hook: 'xdp' | 'tc'): boolean {
  const { opcode, dst, src, imm, reference } = linked.instruction;
  if (isJump(linked, JMP_OP.call)) {
    return linked.operands.target < 0 && reference === undefined && src === 0 && Number(imm) === HELPER.redirect;
  }
  const kind = opcode & CLASS_MASK;
  const moves = (kind === CLASS.ALU64 || kind === CLASS.ALU) && (opcode & OPERATION_MASK) === ALU_OP.mov;
  return moves && dst === 0 && (opcode & SOURCE_X) === 0 && RESULTS[hook].includes(Number(imm));
}
