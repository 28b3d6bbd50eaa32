import {
  CLASS,
  CLASS_MASK,
  JMP_OP,
  HELPER,
  OPERATION_MASK,
  type Instruction,
} from '../../codegen/bytecode/instruction.js';
import { registersOf } from '../../codegen/bytecode/registers.js';
import type { LinkedInstruction, PlacedFunction } from '../../bpf-runtime/interpreter/program.js';

/** How many arguments helpers take (include/uapi/linux/bpf.h); five where not listed. */
const ARGUMENTS: Readonly<Record<number, number>> = {
  [HELPER.map_lookup_elem]: 2,
  [HELPER.map_update_elem]: 4,
  [HELPER.map_delete_elem]: 2,
  [HELPER.ktime_get_ns]: 0,
  [HELPER.get_prandom_u32]: 0,
  [HELPER.get_smp_processor_id]: 0,
  [HELPER.skb_pull_data]: 2,
  [HELPER.fib_lookup]: 4,
  [HELPER.probe_read_kernel]: 3,
  [HELPER.jiffies64]: 0,
  [HELPER.ringbuf_output]: 4,
};

interface Effect {
  readonly reads: number;
  readonly writes: number;
}

/** Registers that are read at each instruction of a function or later, before they are written; bit n = register n. */
export function liveRegisters(
  code: readonly LinkedInstruction[],
  { start, end }: PlacedFunction,
  argumentsOf: ArgumentCounts,
): Uint16Array {
  const live = new Uint16Array(end - start + 1);
  const effects = Array.from({ length: end - start }, (_, i) => effectOf(code[start + i], argumentsOf));
  for (let changed = true; changed;) {
    changed = false;
    for (let i = end - start - 1; i >= 0; i--) {
      let after = 0;
      for (const next of successors(code[start + i])) if (next >= start && next < end) after |= live[next - start];
      const { reads, writes } = effects[i];
      const now = reads | (after & ~writes);
      if (now !== live[i]) changed = true;
      live[i] = now;
    }
  }
  return live;
}

export function successors({
  instruction: { opcode },
  operands: { next, target },
}: LinkedInstruction): readonly number[] {
  const kind = opcode & CLASS_MASK;
  if (kind !== CLASS.JMP && kind !== CLASS.JMP32) return [next];
  const operation = opcode & OPERATION_MASK;
  if (operation === JMP_OP.exit && kind === CLASS.JMP) return [];
  if (operation === JMP_OP.call && kind === CLASS.JMP) return [next];
  return operation === JMP_OP.ja ? [target] : [next, target];
}

/** How many arguments a call reads is known here; else an instruction says by itself what it reads and writes. */
function effectOf({ instruction, operands }: LinkedInstruction, argumentsOf: ArgumentCounts): Effect {
  const { reads, writes } = registersOf(instruction);
  if (instruction.opcode !== (CLASS.JMP | JMP_OP.call)) return { reads, writes };
  return { reads: ((1 << countOf(instruction, operands.target, argumentsOf)) - 1) << 1, writes };
}

function countOf({ reference, imm }: Instruction, target: number, argumentsOf: ArgumentCounts): number {
  if (target >= 0) return argumentsOf.function(target);
  return reference?.kind === 'kfunc' ? argumentsOf.kfunc(reference.name) : (ARGUMENTS[Number(imm)] ?? 5);
}

/** How many arguments a function takes. */
export interface ArgumentCounts {
  /** The function of the object that begins at this instruction. */
  function(start: number): number;
  /** A function of the kernel. */
  kfunc(name: string): number;
}
