import type { FunctionSpec, ObjectSpec } from '../../../codegen/object/spec.js';

/** The object with a function of that name changed. */
export function withFunction(spec: ObjectSpec, name: string, change: (fn: FunctionSpec) => FunctionSpec): ObjectSpec {
  let changed = false;
  const one = <F extends FunctionSpec>(fn: F): F => {
    if (fn.name !== name) return fn;
    changed = true;
    return { ...fn, ...change(fn) };
  };
  const { entries, functions } = spec.program;
  const program = { ...spec.program, entries: entries.map(one), functions: functions.map(one) };
  if (!changed) throw new Error(`no function ${name}`);
  return { ...spec, program };
}

/** The first instruction with that immediate has another one. */
export function withImmediate(fn: FunctionSpec, from: bigint, to: bigint): FunctionSpec {
  const at = fn.instructions.findIndex(({ imm }) => BigInt(imm) === from);
  return replaced(fn, at, { imm: to });
}

/** One instruction changed. */
export function replaced(
  fn: FunctionSpec,
  at: number,
  change: Partial<FunctionSpec['instructions'][number]>,
): FunctionSpec {
  if (at < 0) throw new Error('nothing to be changed');
  return { ...fn, instructions: fn.instructions.with(at, { ...fn.instructions[at], ...change }) };
}
