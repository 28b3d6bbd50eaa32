import {
  CLASS,
  CLASS_MASK,
  JMP_OP,
  OPERATION_MASK,
  PSEUDO,
  slots,
  SOURCE_X,
  type Instruction,
} from '../../codegen/bytecode/instruction.js';
import { findMember } from '../../codegen/object/kernel-struct.js';
import type { FunctionSpec, KernelStruct, ObjectSpec } from '../../codegen/object/spec.js';
import { LoadError } from './fault.js';
import { REGISTERS } from './machine.js';
import type { Operands } from './steps/operands.js';

/** The functions of an object one behind the other, each instruction with its operands found. */
export interface Program {
  readonly code: readonly LinkedInstruction[];
  readonly functions: readonly PlacedFunction[];
  /** What the registers behind r10 hold. Those that stand for map addresses hold 0 until the maps have theirs. */
  readonly constants: readonly bigint[];
  readonly mapConstants: ReadonlyMap<string, number>;
  /** The constant that stands for the address of the object's data; undefined where nothing reads it. */
  readonly dataConstant: number | undefined;
}

export interface PlacedFunction {
  readonly name: string;
  /** Index of its first instruction, and behind its last. */
  readonly start: number;
  readonly end: number;
}

export interface LinkedInstruction {
  readonly instruction: Instruction;
  readonly operands: Operands;
  /** Slots from the function's start. */
  readonly slot: number;
}

const CALL = CLASS.JMP | JMP_OP.call;
const EXIT = CLASS.JMP | JMP_OP.exit;
const GOTO = CLASS.JMP | JMP_OP.ja;
const GOTOL = CLASS.JMP32 | JMP_OP.ja;

/** Puts an object's functions into one index space. Throws {@link LoadError} and `ObjectError` for unknown members. */
export function linkProgram(spec: ObjectSpec): Program {
  const specs = [...spec.program.entries, ...spec.program.functions];
  const functions: PlacedFunction[] = [];
  let start = 0;
  for (const { name, instructions } of specs) {
    functions.push({ name, start, end: (start += instructions.length) });
  }
  const linker = new Linker(
    new Map(functions.map((placed) => [placed.name, placed])),
    new Map(spec.kernelStructs.map((struct) => [struct.name, struct])),
  );
  const code = specs.flatMap((fn, index) => linker.link(fn, functions[index]));
  return { code, functions, constants: linker.constants, mapConstants: linker.mapConstants, dataConstant: linker.data };
}

class Linker {
  readonly constants: bigint[] = [];
  readonly mapConstants = new Map<string, number>();
  data: number | undefined;
  private readonly known = new Map<number | bigint, number>();

  constructor(
    private readonly functions: ReadonlyMap<string, PlacedFunction>,
    private readonly structs: ReadonlyMap<string, KernelStruct>,
  ) {}

  link(fn: FunctionSpec, placed: PlacedFunction): LinkedInstruction[] {
    const last = fn.instructions[fn.instructions.length - 1];
    if (last === undefined || !endsFlow(last)) {
      throw new LoadError('bad-jump', `function ${fn.name} runs over its end`);
    }
    const starts = new Map<number, number>();
    let slot = 0;
    fn.instructions.forEach((instruction, index) => {
      starts.set(slot, placed.start + index);
      slot += slots(instruction);
    });
    slot = 0;
    return fn.instructions.map((instruction, index) => {
      const at = slot;
      slot += slots(instruction);
      const jumpTo = targetSlot(instruction, at);
      const local = jumpTo === undefined ? undefined : starts.get(jumpTo);
      if (jumpTo !== undefined && local === undefined) {
        throw new LoadError('bad-jump', `function ${fn.name}, instruction ${at}: nothing at ${jumpTo}`);
      }
      const target = local ?? this.calledFunction(instruction) ?? -1;
      checkRegisters(fn.name, at, instruction);
      const operands: Operands = {
        dst: instruction.dst,
        src: this.source(instruction),
        offset: instruction.offset,
        imm: Number(instruction.imm) | 0,
        next: placed.start + index + 1,
        target,
      };
      return { instruction, operands, slot: at };
    });
  }

  private calledFunction({ reference }: Instruction): number | undefined {
    if (reference?.kind !== 'function') return undefined;
    const called = this.functions.get(reference.name);
    if (called === undefined) throw new LoadError('unknown-function', `no function ${reference.name}`);
    return called.start;
  }

  /** The register that is read, or the constant that the immediate is. */
  private source(instruction: Instruction): number {
    const { opcode, src, imm, reference } = instruction;
    switch (opcode & CLASS_MASK) {
      case CLASS.LD:
        if (reference?.kind === 'data') return this.dataConstant();
        return reference?.kind === 'map' ? this.mapConstant(reference.name) : this.constant(imm);
      case CLASS.ST:
        return this.constant(imm);
      case CLASS.LDX:
      case CLASS.STX:
        return src;
      default:
        if ((opcode & SOURCE_X) !== 0) return src;
        return this.constant(this.immediate(instruction));
    }
  }

  private immediate({ imm, reference }: Instruction): number | bigint {
    // Types have no numbers here: what is done with one is what the kernel does with any.
    if (reference?.kind === 'type-id') return 0;
    if (reference?.kind !== 'field-offset') return imm;
    const place = findMember(this.structs, reference.struct, reference.member);
    return reference.shift === true ? 64 - 8 * place.bytes : place.offset;
  }

  private constant(value: number | bigint): number {
    let index = this.known.get(value);
    if (index === undefined) {
      index = this.constants.push(BigInt.asUintN(64, BigInt(value))) - 1;
      this.known.set(value, index);
    }
    return REGISTERS + index;
  }

  private dataConstant(): number {
    this.data ??= REGISTERS + this.constants.push(0n) - 1;
    return this.data;
  }

  private mapConstant(name: string): number {
    let register = this.mapConstants.get(name);
    if (register === undefined) {
      register = REGISTERS + this.constants.push(0n) - 1;
      this.mapConstants.set(name, register);
    }
    return register;
  }
}

/** Slot in the same function that a jump or a local call goes to. */
function targetSlot({ opcode, src, offset, imm, reference }: Instruction, slot: number): number | undefined {
  const kind = opcode & CLASS_MASK;
  if ((kind !== CLASS.JMP && kind !== CLASS.JMP32) || opcode === EXIT) return undefined;
  if ((opcode & OPERATION_MASK) === JMP_OP.call) {
    const isLocal = opcode === CALL && src === PSEUDO.CALL && reference === undefined;
    return isLocal ? slot + 1 + Number(imm) : undefined;
  }
  return slot + 1 + (opcode === GOTOL ? Number(imm) : offset);
}

function checkRegisters(name: string, slot: number, { opcode, dst, src }: Instruction): void {
  const kind = opcode & CLASS_MASK;
  const writesDst = kind === CLASS.ALU || kind === CLASS.ALU64 || kind === CLASS.LDX || kind === CLASS.LD;
  if (dst >= REGISTERS || src >= REGISTERS || (writesDst && dst === 10)) {
    throw new LoadError('bad-register', `function ${name}, instruction ${slot}: r${dst} = … r${src}`);
  }
}

/** Whether what stands behind an instruction is never reached from it. */
function endsFlow({ opcode }: Instruction): boolean {
  return opcode === EXIT || opcode === GOTO || opcode === GOTOL;
}
