import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  JMP_OP,
  MODE_ATOMIC,
  MODE_MEM,
  MODE_MEMSX,
  OPERATION_MASK,
  SIZE,
  SOURCE_X,
  type Instruction,
} from '../../codegen/bytecode/instruction.js';
import type { FunctionSpec, ObjectSpec } from '../../codegen/object/spec.js';
import { linkProgram, type LinkedInstruction, type PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { liveRegisters } from './liveness.js';
import { outlined } from './outline.js';
import { unsupported } from './unprovable.js';

/** Bytes of a stack (include/linux/filter.h MAX_BPF_STACK). */
const MAX_STACK = 512;

/** An object's code, and what is worked out of it once. */
export class Code {
  readonly instructions: readonly LinkedInstruction[];
  readonly functions: readonly PlacedFunction[];
  private readonly parameters = new Map<number, number>();
  private readonly live = new Map<PlacedFunction, Uint16Array>();
  readonly spec: ObjectSpec;
  private readonly frames: ReadonlyMap<string, number>;

  constructor(object: ObjectSpec) {
    const { spec, frames } = outlined(object);
    this.spec = spec;
    this.frames = frames;
    const { code, functions } = linkProgram(spec);
    this.instructions = code;
    this.functions = functions;
    for (const { instruction } of code) refuseUnknown(instruction);
    const specs = [...spec.program.entries, ...spec.program.functions];
    specs.forEach(({ params }, index) => this.parameters.set(functions[index].start, params.length));
  }

  functionAt(start: number): PlacedFunction {
    const found = this.functions.find((placed) => placed.start === start);
    if (found === undefined) throw unsupported(`no function at ${start}`);
    return found;
  }

  /** The function that an instruction is in. */
  functionAround(at: number): PlacedFunction {
    const found = this.functions.find(({ start, end }) => at >= start && at < end);
    if (found === undefined) throw unsupported(`no function around ${at}`);
    return found;
  }

  /**
   * Bytes of struct flow, as the function's type says that its caller gives it. A function that has stood in its caller has no type:
   * what it may be given is what others are given, undefined where there are none.
   */
  flowBytesOf(placed: PlacedFunction): number | undefined {
    const specs = [...this.spec.program.entries, ...this.spec.program.functions];
    const found = specs.find(({ name }) => name === placed.name);
    const bytes = found === undefined ? undefined : memoryOf(found);
    if (bytes !== undefined) return bytes;
    if (found?.linkage !== 'static') throw unsupported(`function ${placed.name} without struct flow`);
    return specs.map(memoryOf).find((one) => one !== undefined);
  }

  /** Bytes of the stack that a function may reach; what lies below is that of functions that stand in it. */
  frameBytesOf(placed: PlacedFunction): number {
    return this.frames.get(placed.name) ?? MAX_STACK;
  }

  functionNamed(name: string): PlacedFunction | undefined {
    return this.functions.find((placed) => placed.name === name);
  }

  liveOf(placed: PlacedFunction): Uint16Array {
    let live = this.live.get(placed);
    if (live === undefined) {
      live = liveRegisters(this.instructions, placed, {
        function: (start) => this.parameters.get(start) ?? 5,
        kfunc: (name) => this.spec.kfuncs.find((kfunc) => kfunc.name === name)?.params.length ?? 5,
      });
      this.live.set(placed, live);
    }
    return live;
  }
}

/** Bytes of the memory that a function is given first. */
function memoryOf({ params }: FunctionSpec): number | undefined {
  const type = params.at(0)?.type;
  return type?.kind === 'memory' ? type.bytes : undefined;
}

/** Not all code is run on symbols (that of answers is not, nor is what nobody reads): none may hold an instruction that does not exist. */
function refuseUnknown(instruction: Instruction): void {
  const { opcode, imm } = instruction;
  if (!isKnown(opcode)) throw unsupported(`opcode 0x${opcode.toString(16)}`);
  const kind = opcode & CLASS_MASK;
  const isOrder = (kind === CLASS.ALU || kind === CLASS.ALU64) && (opcode & OPERATION_MASK) === ALU_OP.end;
  if (isOrder && imm !== 16 && imm !== 32 && imm !== 64) throw unsupported(`the order of ${imm} bits`);
}

/** Opcodes of RFC 9669, but for those of packets' bytes by a class of their own, which have long been replaced. */
function isKnown(opcode: number): boolean {
  const operation = opcode & OPERATION_MASK;
  const takesRegister = (opcode & SOURCE_X) !== 0;
  switch (opcode & CLASS_MASK) {
    case CLASS.LD:
      return opcode === (CLASS.LD | SIZE[8]);
    case CLASS.LDX:
      return (opcode & 0xe0) === MODE_MEM || ((opcode & 0xe0) === MODE_MEMSX && (opcode & 0x18) !== SIZE[8]);
    case CLASS.ST:
      return (opcode & 0xe0) === MODE_MEM;
    case CLASS.STX: {
      const isWord = (opcode & 0x18) === SIZE[4] || (opcode & 0x18) === SIZE[8];
      return (opcode & 0xe0) === MODE_MEM || ((opcode & 0xe0) === MODE_ATOMIC && isWord);
    }
    case CLASS.ALU:
    case CLASS.ALU64:
      if (operation === ALU_OP.neg) return !takesRegister;
      return operation <= ALU_OP.end && !(opcode === (CLASS.ALU64 | ALU_OP.end | SOURCE_X));
    case CLASS.JMP:
      if (operation === JMP_OP.ja || operation === JMP_OP.call || operation === JMP_OP.exit) return !takesRegister;
      return operation <= JMP_OP.jsle;
    default:
      if (operation === JMP_OP.ja) return !takesRegister;
      return operation <= JMP_OP.jsle && operation !== JMP_OP.call && operation !== JMP_OP.exit;
  }
}
