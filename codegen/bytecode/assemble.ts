import { CLASS, CLASS_MASK, JMP_OP, OPERATION_MASK, isCall, PSEUDO, slots, type Instruction } from './instruction.js';

/** Why a function cannot be assembled. */
export class AssembleError extends Error {
  constructor(
    readonly code: 'unknown-label' | 'duplicate-label' | 'jump-too-far' | 'not-a-jump',
    readonly functionName: string,
    detail: string,
  ) {
    super(`function ${functionName}: ${detail}`);
    this.name = 'AssembleError';
  }
}

export interface AssembleOptions {
  /**
   * Writes jumps that 16 bits cannot hold with `gotol` (ISA v4, Linux 6.6 and newer): a conditional one becomes its
   * inverse over a `gotol`. Without it such a jump is an error.
   */
  readonly longJumps?: boolean;
}

/**
 * Resolves the `label` references of one function to offsets in slots of 8 bytes, counted from the instruction behind
 * the jump. The label of a local call or of a `gotol` goes into the immediate, as RFC 9669 section 4.3 has it.
 * Throws {@link AssembleError}.
 */
export function assemble(
  name: string,
  instructions: readonly Instruction[],
  options: AssembleOptions = {},
): readonly Instruction[] {
  const places = findLabels(name, instructions);
  return options.longJumps === true ? resolveLong(name, instructions, places) : resolve(name, instructions, places);
}

/** Index of the instruction behind each label. */
function findLabels(name: string, instructions: readonly Instruction[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  instructions.forEach(({ label }, index) => {
    if (label === undefined) return;
    if (places.has(label)) throw new AssembleError('duplicate-label', name, `label ${label} twice`);
    places.set(label, index);
  });
  return places;
}

function targetOf(name: string, label: string, places: ReadonlyMap<string, number>): number {
  const target = places.get(label);
  if (target === undefined) throw new AssembleError('unknown-label', name, `no label ${label}`);
  return target;
}

/** Slots before each instruction, and at the end the number of all. */
function startSlots(instructions: readonly Instruction[], extra: (index: number) => number): Int32Array {
  const starts = new Int32Array(instructions.length + 1);
  instructions.forEach((instruction, index) => {
    starts[index + 1] = starts[index] + slots(instruction) + extra(index);
  });
  return starts;
}

function resolve(
  name: string,
  instructions: readonly Instruction[],
  places: ReadonlyMap<string, number>,
): readonly Instruction[] {
  const starts = startSlots(instructions, () => 0);
  return instructions.map((instruction, index): Instruction => {
    const { reference } = instruction;
    if (reference === undefined) return instruction.label === undefined ? instruction : withoutSymbols(instruction);
    if (reference.kind !== 'label') {
      return instruction.label === undefined ? instruction : { ...withoutSymbols(instruction), reference };
    }
    const offset = starts[targetOf(name, reference.name, places)] - starts[index] - 1;
    const jump = withDistance(name, instruction, offset);
    if (jump === undefined) {
      throw new AssembleError('jump-too-far', name, `jump to ${reference.name} is ${offset} slots long`);
    }
    return jump;
  });
}

function withoutSymbols({ opcode, dst, src, offset, imm, line }: Instruction): Instruction {
  return line === undefined ? { opcode, dst, src, offset, imm } : { opcode, dst, src, offset, imm, line };
}

const JA = CLASS.JMP | JMP_OP.ja;
const GOTOL = CLASS.JMP32 | JMP_OP.ja;

/** The jump or local call with its distance; undefined where 16 bits do not hold it. */
function withDistance(name: string, instruction: Instruction, distance: number): Instruction | undefined {
  const kind = instruction.opcode & CLASS_MASK;
  if (kind !== CLASS.JMP && kind !== CLASS.JMP32) {
    throw new AssembleError('not-a-jump', name, `opcode 0x${instruction.opcode.toString(16)} takes no label`);
  }
  if (instruction.opcode === GOTOL || isCall(instruction, PSEUDO.CALL)) {
    return { ...withoutSymbols(instruction), imm: distance };
  }
  if (distance < -0x8000 || distance > 0x7fff) return undefined;
  const { opcode, dst, src, imm, line } = instruction;
  return line === undefined
    ? { opcode, dst, src, offset: distance, imm }
    : { opcode, dst, src, offset: distance, imm, line };
}

/** Grows jumps until all fit: a longer jump moves what lies behind it, so others may then need to grow too. */
function resolveLong(
  name: string,
  instructions: readonly Instruction[],
  places: ReadonlyMap<string, number>,
): readonly Instruction[] {
  const grown = new Map<number, number>();
  for (;;) {
    const starts = startSlots(instructions, (index) => grown.get(index) ?? 0);
    const before = grown.size;
    const out: Instruction[] = [];
    instructions.forEach((instruction, index) => {
      const { reference } = instruction;
      const rest = withoutSymbols(instruction);
      if (reference?.kind !== 'label') {
        out.push(reference === undefined ? rest : { ...rest, reference });
        return;
      }
      const distance = starts[targetOf(name, reference.name, places)] - starts[index] - 1;
      const jump = grown.has(index) ? undefined : withDistance(name, rest, distance);
      const replacement = jump === undefined ? longJump(rest, distance) : [jump];
      if (jump === undefined) grown.set(index, replacement.length - 1);
      out.push(...replacement);
    });
    if (grown.size === before) return out;
  }
}

/** What jumps over one `gotol` where the condition does not hold. `jset` has no inverse: it jumps over a `ja`. */
const INVERSE: Partial<Record<number, number>> = {
  [JMP_OP.jeq]: JMP_OP.jne,
  [JMP_OP.jne]: JMP_OP.jeq,
  [JMP_OP.jgt]: JMP_OP.jle,
  [JMP_OP.jle]: JMP_OP.jgt,
  [JMP_OP.jge]: JMP_OP.jlt,
  [JMP_OP.jlt]: JMP_OP.jge,
  [JMP_OP.jsgt]: JMP_OP.jsle,
  [JMP_OP.jsle]: JMP_OP.jsgt,
  [JMP_OP.jsge]: JMP_OP.jslt,
  [JMP_OP.jslt]: JMP_OP.jsge,
};

/** `distance` counts from behind the first instruction of the replacement. */
function longJump(jump: Instruction, distance: number): readonly Instruction[] {
  const far = (before: number): Instruction => ({
    opcode: GOTOL,
    dst: 0,
    src: 0,
    offset: 0,
    imm: distance - before,
    ...(jump.line === undefined ? {} : { line: jump.line }),
  });
  if (jump.opcode === JA) return [far(0)];
  const inverse = INVERSE[jump.opcode & OPERATION_MASK];
  if (inverse !== undefined) {
    return [{ ...jump, opcode: (jump.opcode & ~OPERATION_MASK) | inverse, offset: 1 }, far(1)];
  }
  const over: Instruction = { ...jump, opcode: JA, dst: 0, src: 0, imm: 0, offset: 1 };
  return [{ ...jump, offset: 1 }, over, far(2)];
}
