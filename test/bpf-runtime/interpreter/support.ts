import { assemble } from '../../../codegen/bytecode/assemble.js';
import type { Instruction } from '../../../codegen/bytecode/instruction.js';
import type { FunctionSpec, ObjectSpec } from '../../../codegen/object/spec.js';
import { BpfFault } from '../../../bpf-runtime/interpreter/index.js';

export function functionSpec(name: string, instructions: readonly Instruction[]): FunctionSpec {
  return { name, linkage: 'global', params: [], instructions: assemble(name, instructions) };
}

/** An object whose program is these instructions. */
export function objectSpec(
  section: 'xdp' | 'tc',
  instructions: readonly Instruction[],
  more: Partial<ObjectSpec> & { readonly functions?: readonly FunctionSpec[] } = {},
): ObjectSpec {
  const { functions = [], ...rest } = more;
  return {
    license: 'GPL',
    program: { section, entries: [functionSpec('entry', instructions)], functions },
    maps: [],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'rules.v4',
    ...rest,
  };
}

/** The fault that `run` ends in. */
export function faultOf(run: () => unknown): BpfFault {
  try {
    run();
  } catch (error) {
    if (error instanceof BpfFault) return error;
    throw error;
  }
  throw new Error('no fault');
}
