import { R0, exit, mov64, type Instruction } from '../../../codegen/bytecode/instruction.js';
import type { FunctionSpec, ObjectSpec, ParamSpec } from '../../../codegen/object/spec.js';

export type Hook = 'xdp' | 'tc';
export const ACCEPT: Readonly<Record<Hook, number>> = { xdp: 2, tc: 0 };

export function contextParam(hook: Hook): ParamSpec {
  return { name: 'ctx', type: { kind: 'context', struct: hook === 'xdp' ? 'xdp_md' : '__sk_buff' } };
}

export function entryFunction(hook: Hook, instructions: readonly Instruction[]): FunctionSpec {
  return { name: 'filter', linkage: 'global', params: [contextParam(hook)], instructions };
}

/** A program that accepts everything, or does what it is told. */
export function objectSpec(
  hook: Hook,
  instructions: readonly Instruction[] = [mov64(R0, ACCEPT[hook]), exit()],
  rest: Partial<Omit<ObjectSpec, 'program'>> & { readonly functions?: readonly FunctionSpec[] } = {},
): ObjectSpec {
  const { functions = [], ...others } = rest;
  return {
    license: 'GPL',
    program: { section: hook, entries: [entryFunction(hook, instructions)], functions },
    maps: [],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'rules.v4',
    ...others,
  };
}
