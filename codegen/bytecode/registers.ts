import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  JMP_OP,
  MODE_ATOMIC,
  OPERATION_MASK,
  SOURCE_X,
  type Instruction,
} from './instruction.js';

/** Registers as a set: bit n is register n. */
export type Registers = number;

/** r6 to r9, which a function gives back as it found them. */
export const KEPT: Registers = 0b11_1100_0000;
/** r0 to r5, of which a call leaves nothing but its result. */
const CALLER_SAVED: Registers = 0b11_1111;
const ARGUMENTS: Registers = 0b11_1110;
const RESULT: Registers = 1;

const bit = (register: number): Registers => 1 << register;

/** Registers that an instruction reads and writes. A call is taken to read all its arguments. */
export function registersOf({ opcode, dst, src }: Instruction): {
  readonly reads: Registers;
  readonly writes: Registers;
} {
  const source = (opcode & SOURCE_X) !== 0 ? bit(src) : 0;
  const operation = opcode & OPERATION_MASK;
  switch (opcode & CLASS_MASK) {
    case CLASS.LD:
      return { reads: 0, writes: bit(dst) };
    case CLASS.LDX:
      return { reads: bit(src), writes: bit(dst) };
    case CLASS.ST:
      return { reads: bit(dst), writes: 0 };
    case CLASS.STX:
      // An exchange compares with r0. What an atomic operation brings back may be in r0 or in its source: neither is overwritten for sure.
      return { reads: bit(dst) | bit(src) | (isAtomic(opcode) ? RESULT : 0), writes: 0 };
    case CLASS.ALU:
    case CLASS.ALU64:
      if (operation === ALU_OP.mov) return { reads: source, writes: bit(dst) };
      return { reads: bit(dst) | (operation === ALU_OP.end ? 0 : source), writes: bit(dst) };
    default:
      if (operation === JMP_OP.ja) return { reads: 0, writes: 0 };
      if (isExit(opcode)) return { reads: RESULT, writes: 0 };
      if (isCallOpcode(opcode)) return { reads: ARGUMENTS, writes: CALLER_SAVED };
      return { reads: bit(dst) | source, writes: 0 };
  }
}

/** Registers that may hold something else behind an instruction. */
export function changedBy(instruction: Instruction): Registers {
  const { opcode, src } = instruction;
  const isExchange = (opcode & CLASS_MASK) === CLASS.STX && isAtomic(opcode);
  return isExchange ? bit(src) | RESULT : registersOf(instruction).writes;
}

const isAtomic = (opcode: number): boolean => (opcode & 0xe0) === MODE_ATOMIC;
export const isExit = (opcode: number): boolean => opcode === (CLASS.JMP | JMP_OP.exit);
const isCallOpcode = (opcode: number): boolean => opcode === (CLASS.JMP | JMP_OP.call);

/** Registers that are read at each instruction of a function or behind it, before they are written. Jumps name labels. */
export function liveRegisters(instructions: readonly Instruction[]): Uint16Array {
  const places = new Map<string, number>();
  instructions.forEach(({ label }, at) => {
    if (label !== undefined) places.set(label, at);
  });
  const live = new Uint16Array(instructions.length + 1);
  for (let changed = true; changed;) {
    changed = false;
    for (let at = instructions.length - 1; at >= 0; at--) {
      const { opcode, reference } = instructions[at];
      const goesOn = !isExit(opcode) && opcode !== (CLASS.JMP | JMP_OP.ja);
      let behind = goesOn ? live[at + 1] : 0;
      if (reference?.kind === 'label') behind |= live[places.get(reference.name) ?? at + 1];
      const { reads, writes } = registersOf(instructions[at]);
      const now = reads | (behind & ~writes);
      if (now !== live[at]) changed = true;
      live[at] = now;
    }
  }
  return live;
}
