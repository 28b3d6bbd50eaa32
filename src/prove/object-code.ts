import { ALU_OP, CLASS, CLASS_MASK, OPERATION_MASK, type Instruction } from '../../codegen/bytecode/instruction.js';
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
    for (const { instruction } of code) refuseUnknownOrder(instruction);
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

/** Some code is not run on symbols (that of answers): an instruction that does not exist must not be in it, either. */
function refuseUnknownOrder({ opcode, imm }: Instruction): void {
  const kind = opcode & CLASS_MASK;
  const isOrder = (kind === CLASS.ALU || kind === CLASS.ALU64) && (opcode & OPERATION_MASK) === ALU_OP.end;
  if (isOrder && imm !== 16 && imm !== 32 && imm !== 64) throw unsupported(`the order of ${imm} bits`);
}
