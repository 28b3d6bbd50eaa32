import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  goto,
  JMP_OP,
  load,
  OPERATION_MASK,
  R10,
  SOURCE_X,
  store,
  type Instruction,
} from './instruction.js';
import { changedBy, isExit, KEPT, liveRegisters, registersOf } from './registers.js';

/** A function whose code stands where it is called. */
export interface InlinedCall {
  readonly name: string;
  /** Its first instruction, and the one that its `exit` leads to, behind its last one. */
  readonly from: number;
  readonly to: number;
}

/** A function's code, with labels, and the calls whose functions stand in it: those within others come before them. */
export interface InlinedCode {
  readonly instructions: readonly Instruction[];
  readonly inlined: readonly InlinedCall[];
}

/** A call of a function of the object: its instruction, and what is called. */
export interface CallSite {
  readonly at: number;
  readonly name: string;
  readonly callee: InlinedCode;
}

const ADD = CLASS.ALU64 | ALU_OP.add;
const STACK_UNIT = 8;

/**
 * Puts the code of functions in the place of their calls, which are in order of place: their frames lie below the caller's, the caller keeps
 * what it reads again of those of r6 to r9 that they change, and their `exit` leads behind their code. Undefined where a frame is reached
 * in a way whose size is not seen.
 */
export function inlineCalls(caller: readonly Instruction[], sites: readonly CallSite[]): InlinedCode | undefined {
  const own = frameBytes(caller);
  if (own === undefined || sites.some(({ callee }) => frameBytes(callee.instructions) === undefined)) return undefined;
  const live = liveRegisters(caller);
  const keptAt = sites.map(({ at, callee }) => registersIn(live[at + 1] & KEPT & changedByAll(callee.instructions)));
  const frame = own + STACK_UNIT * Math.max(0, ...keptAt.map(({ length }) => length));
  const out = new Places();
  const inlined: InlinedCall[] = [];
  let next = 0;
  sites.forEach(({ at, name, callee }, index) => {
    out.add(caller.slice(next, at));
    next = at + 1;
    const { label, line } = caller[at];
    const kept = keptAt[index].map((register, place) => ({ register, offset: -own - STACK_UNIT * (place + 1) }));
    const withLine = (instruction: Instruction): Instruction =>
      line === undefined ? instruction : { ...instruction, line };
    if (label !== undefined) out.place(label);
    out.add(kept.map(({ register, offset }) => withLine(store(STACK_UNIT, R10, offset, register))));
    const unique = `${name}_${at}_`;
    const leave = kept.length === 0 ? caller[next].label : undefined;
    const { instructions, places } = moved(callee.instructions, frame, unique, leave ?? `${unique}end`);
    const from = out.add(instructions);
    for (const one of callee.inlined)
      inlined.push({ ...one, from: from + places[one.from], to: from + places[one.to] });
    inlined.push({ name, from, to: out.length });
    if (leave === undefined) out.place(`${unique}end`);
    out.add(kept.map(({ register, offset }) => withLine(load(STACK_UNIT, register, R10, offset))));
  });
  out.add(caller.slice(next));
  return { instructions: out.instructions, inlined };
}

/** Instructions one behind the other, and labels of the next one. */
class Places {
  readonly instructions: Instruction[] = [];
  private label: string | undefined;

  get length(): number {
    return this.instructions.length;
  }

  /** Where these have come to stand. */
  add(instructions: readonly Instruction[]): number {
    const [first] = instructions;
    if (first?.label !== undefined) this.fill();
    const from = this.instructions.length;
    instructions.forEach((instruction, index) =>
      this.instructions.push(
        index > 0 || this.label === undefined ? instruction : { ...instruction, label: this.label },
      ),
    );
    if (first !== undefined) this.label = undefined;
    return from;
  }

  place(label: string): void {
    this.fill();
    this.label = label;
  }

  /** An instruction has one label: for another one there is a jump to the next instruction, which the kernel takes out. */
  private fill(): void {
    if (this.label !== undefined) this.instructions.push({ ...NEXT, label: this.label });
    this.label = undefined;
  }
}

const NEXT: Instruction = { opcode: CLASS.JMP | JMP_OP.ja, dst: 0, src: 0, offset: 0, imm: 0 };

function changedByAll(instructions: readonly Instruction[]): number {
  return instructions.reduce((all, instruction) => all | changedBy(instruction), 0);
}

/** The function's code with its frame so many bytes lower and its `exit` as a jump; where each of its instructions has gone. */
function moved(
  instructions: readonly Instruction[],
  frame: number,
  unique: string,
  end: string,
): { readonly instructions: readonly Instruction[]; readonly places: readonly number[] } {
  const last = instructions[instructions.length - 1];
  const nameOf = (label: string): string => (isExit(last.opcode) && label === last.label ? end : unique + label);
  const out: Instruction[] = [];
  const places: number[] = [];
  instructions.forEach((instruction, at) => {
    places.push(out.length);
    if (isExit(instruction.opcode)) {
      if (instruction !== last) out.push({ ...relabelled(instruction, nameOf), ...goto(end) });
      return;
    }
    const own = relabelled(instruction, nameOf);
    const before = at > 0 ? instructions[at - 1] : undefined;
    out.push(isFrameAccess(instruction) || (before !== undefined && takesFrame(before)) ? lowered(own, frame) : own);
  });
  places.push(out.length);
  return { instructions: out, places };
}

/** A place of the frame that lies so many bytes lower: the offset of an access, or the number that is added to an address. */
export function lowered(instruction: Instruction, bytes: number): Instruction {
  return addedTo(instruction, instruction.dst) === undefined
    ? { ...instruction, offset: instruction.offset - bytes }
    : { ...instruction, imm: Number(instruction.imm) - bytes };
}

function relabelled(instruction: Instruction, nameOf: (label: string) => string): Instruction {
  const { label, reference } = instruction;
  const isJump = reference?.kind === 'label';
  if (label === undefined && !isJump) return instruction;
  return {
    ...instruction,
    ...(label === undefined ? {} : { label: nameOf(label) }),
    ...(isJump ? { reference: { kind: 'label', name: nameOf(reference.name) } } : {}),
  };
}

function registersIn(set: number): readonly number[] {
  return Array.from({ length: 10 }, (_, register) => register).filter((register) => (set & (1 << register)) !== 0);
}

/**
 * Bytes of the stack that a function's own instructions reach: loads and stores at r10, and at addresses that r10 is put into or added to
 * just before a number is added or the load is made. Undefined where r10 is used in another way.
 */
export function frameBytes(instructions: readonly Instruction[]): number | undefined {
  let lowest = 0;
  for (let at = 0; at < instructions.length; at++) {
    const instruction = instructions[at];
    if (isFrameAccess(instruction)) {
      lowest = Math.min(lowest, instruction.offset);
    } else if (takesFrame(instruction)) {
      const next = instructions.at(at + 1);
      const distance = next === undefined ? undefined : distanceBehind(next, instruction.dst);
      if (distance === undefined || next?.label !== undefined) return undefined;
      lowest = Math.min(lowest, distance);
    } else if (readsFrame(instruction)) {
      return undefined;
    }
  }
  return STACK_UNIT * Math.ceil(-lowest / STACK_UNIT);
}

/** A load or store at r10. */
export function isFrameAccess({ opcode, dst, src }: Instruction): boolean {
  const kind = opcode & CLASS_MASK;
  if (kind === CLASS.LDX) return src === R10;
  return kind === CLASS.ST ? dst === R10 : kind === CLASS.STX && dst === R10 && src !== R10;
}

/** r10, or the sum with it, in another register: the next instruction says which place of the frame is meant. */
export function takesFrame({ opcode, src, dst }: Instruction): boolean {
  const operation = opcode & OPERATION_MASK;
  const isSum = operation === ALU_OP.mov || operation === ALU_OP.add;
  return (opcode & CLASS_MASK) === CLASS.ALU64 && isSum && (opcode & SOURCE_X) !== 0 && src === R10 && dst !== R10;
}

/** How far from the address in a register an instruction goes: the number that it adds to it, or the offset from which it loads into it. */
export function distanceBehind(instruction: Instruction, register: number): number | undefined {
  const { opcode, src, dst, offset } = instruction;
  if ((opcode & CLASS_MASK) === CLASS.LDX) return src === register && dst === register ? offset : undefined;
  return addedTo(instruction, register);
}

export function addedTo({ opcode, dst, imm }: Instruction, register: number): number | undefined {
  return opcode === ADD && dst === register ? Number(imm) : undefined;
}

function readsFrame(instruction: Instruction): boolean {
  return (registersOf(instruction).reads & (1 << R10)) !== 0;
}
