import { ALU_OP, CLASS, CLASS_MASK, OPERATION_MASK, type Instruction } from '../../codegen/bytecode/instruction.js';
import type { ObjectSpec } from '../../codegen/object/spec.js';
import { linkProgram, type LinkedInstruction, type PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { liveRegisters } from './liveness.js';
import { unsupported } from './unprovable.js';

/** An object's code, and what is worked out of it once. */
export class Code {
  readonly instructions: readonly LinkedInstruction[];
  readonly functions: readonly PlacedFunction[];
  private readonly parameters = new Map<number, number>();
  private readonly live = new Map<PlacedFunction, Uint16Array>();

  constructor(readonly spec: ObjectSpec) {
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

  /** Bytes of struct flow, as the function's type says that its caller gives it. */
  flowBytesOf(placed: PlacedFunction): number {
    const specs = [...this.spec.program.entries, ...this.spec.program.functions];
    const type = specs.find(({ name }) => name === placed.name)?.params[0]?.type;
    if (type?.kind !== 'memory') throw unsupported(`function ${placed.name} without struct flow`);
    return type.bytes;
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

/** Some code is not run on symbols (that of answers): an instruction that does not exist must not be in it, either. */
function refuseUnknownOrder({ opcode, imm }: Instruction): void {
  const kind = opcode & CLASS_MASK;
  const isOrder = (kind === CLASS.ALU || kind === CLASS.ALU64) && (opcode & OPERATION_MASK) === ALU_OP.end;
  if (isOrder && imm !== 16 && imm !== 32 && imm !== 64) throw unsupported(`the order of ${imm} bits`);
}
