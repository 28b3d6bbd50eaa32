import { CLASS, CLASS_MASK, JMP_OP, OPERATION_MASK, type Instruction } from '../../../codegen/bytecode/instruction.js';
import type { FunctionSpec, ObjectSpec } from '../../../codegen/object/spec.js';
import type { Random } from '../../../src/verify/random.js';

/** An object with one thing changed, and what. */
export interface Mutant {
  readonly what: string;
  readonly spec: ObjectSpec;
}

/** Changes one instruction somewhere: its immediate, jump, offset, operation or register, or leaves it out. `of`: in functions of these names. */
export function mutate(spec: ObjectSpec, random: Random, of?: RegExp): Mutant {
  const all = [...spec.program.entries, ...spec.program.functions];
  const functions = of === undefined ? all : all.filter(({ name }) => of.test(name));
  const total = functions.reduce((sum, { instructions }) => sum + instructions.length, 0);
  let at = random.below(total);
  for (const fn of functions) {
    if (at < fn.instructions.length) {
      const { what, instruction } = mutateInstruction(fn.instructions[at], random);
      const change = <F extends FunctionSpec>(one: F): F =>
        (one as FunctionSpec) === fn ? { ...one, instructions: one.instructions.with(at, instruction) } : one;
      const program = {
        ...spec.program,
        entries: spec.program.entries.map(change),
        functions: spec.program.functions.map(change),
      };
      return { what: `${fn.name} ${at}: ${what}`, spec: { ...spec, program } };
    }
    at -= fn.instructions.length;
  }
  throw new Error('no instruction');
}

/** Changes one instruction of the functions that take hits of several lists. */
export function mutateTaking(spec: ObjectSpec, random: Random): Mutant {
  return mutate(spec, random, /^next_(rule|entry)_/);
}

/** Changes one word of the constant data: a bit of it, or by one. */
export function mutateTable(spec: ObjectSpec, random: Random): Mutant {
  const { data } = spec;
  if (data === undefined) throw new Error('no table');
  const bytes = data.bytes.slice();
  const view = new DataView(bytes.buffer);
  const at = 4 * random.below(bytes.length >> 2);
  const word = view.getUint32(at, true);
  const changed = random.chance(0.5) ? word ^ (1 << random.below(32)) : word + random.pick([-1, 1, 8]);
  view.setUint32(at, changed >>> 0, true);
  return { what: `table ${at}: ${word} → ${changed >>> 0}`, spec: { ...spec, data: { ...data, bytes } } };
}

/** Of so many instructions one has the line info of another one, or none. */
const LINES_LEFT = 12;

/** Changes one instruction, and what the line info says of some: only a hint, which must prove nothing. */
export function mutateWithLines(spec: ObjectSpec, random: Random): Mutant {
  const { what, spec: changed } = mutate(spec, random);
  const { entries, functions } = changed.program;
  const lines = [...entries, ...functions].flatMap(({ instructions }) =>
    instructions.flatMap(({ line }) => (line === undefined ? [] : [line])),
  );
  const shuffle = <F extends FunctionSpec>(fn: F): F => ({
    ...fn,
    instructions: fn.instructions.map((instruction) => {
      if (random.below(LINES_LEFT) !== 0) return instruction;
      const { line, ...rest } = instruction;
      return line === undefined || random.chance(0.5) ? { ...rest, line: random.pick(lines) } : rest;
    }),
  });
  const program = { ...changed.program, entries: entries.map(shuffle), functions: functions.map(shuffle) };
  return { what: `${what}, and line info`, spec: { ...changed, program } };
}

function mutateInstruction(
  instruction: Instruction,
  random: Random,
): { readonly what: string; readonly instruction: Instruction } {
  const kind = instruction.opcode & CLASS_MASK;
  const isJump = kind === CLASS.JMP || kind === CLASS.JMP32;
  const dice = random.below(6);
  if (isJump && (instruction.opcode & OPERATION_MASK) !== JMP_OP.call && dice < 2) {
    const by = random.pick([-2, -1, 1, 2, 3]);
    return { what: `jump ${by} further`, instruction: { ...instruction, offset: instruction.offset + by } };
  }
  if (dice < 3) {
    const by = random.chance(0.5) ? 1 : 1 << random.below(16);
    const imm = typeof instruction.imm === 'bigint' ? instruction.imm ^ BigInt(by) : instruction.imm ^ by;
    return { what: `immediate ^ ${by}`, instruction: { ...instruction, imm } };
  }
  // Who refers to something else can be nothing but what it is, or there is no object.
  if (dice === 3 && instruction.reference === undefined) {
    const flip = random.pick([0x10, 0x20, 0x40, 0x80]);
    return { what: `operation ^ ${flip}`, instruction: { ...instruction, opcode: instruction.opcode ^ flip } };
  }
  if (dice === 4) {
    const dst = random.below(10);
    return { what: `register r${dst}`, instruction: { ...instruction, dst } };
  }
  const by = random.pick([-4, -1, 1, 4]);
  return { what: `offset ${by} further`, instruction: { ...instruction, offset: instruction.offset + by } };
}
