/**
 * Rules behind which packets go on, in several diagrams: hits are taken one after the other, each once and in order. IPT2BPF_TAKEN=N
 * takes so many random rulesets.
 */
import { expect, it } from 'vitest';
import { ALU_OP, JMP_OP, OPERATION_MASK, type Instruction } from '../../../../codegen/bytecode/instruction.js';
import type { ObjectSpec } from '../../../../codegen/object/spec.js';
import { firstMismatch } from '../../../../src/prove/counterexample.js';
import { prove } from '../../../../src/prove/prove.js';
import { generatePackets } from '../../../../src/verify/generate.js';
import { goingOnRules } from '../crossing.js';
import { filterDump, jobOf, withObject } from '../support.js';

const COUNT = Number(process.env.IPT2BPF_TAKEN ?? 1);
const SEED = Number(process.env.IPT2BPF_SEED ?? 3);
const PACKETS = 400;
const OPTIONS = { hook: 'xdp', chain: 'INPUT', engine: 'dag' } as const;

const textOf = (count: number, seed: number): string => filterDump(goingOnRules(count, seed), 'DROP', ['web']);

it.each(Array.from({ length: COUNT }, (_, i) => SEED + i))(
  'proves rules that count, log and jump, and the object does what they say (seed %i)',
  (seed) => {
    const job = jobOf(textOf(30, seed), OPTIONS);
    expect(prove(job).kind).toBe('proved');
    const packets = generatePackets(job.ruleset, { table: 'filter', chain: 'INPUT', count: PACKETS, seed });
    expect(
      firstMismatch(
        job,
        packets.map((packet) => ({ packet })),
      ),
    ).toBeUndefined();
  },
  600_000,
);

/** Changes the instructions of a function that are of some kind, or one of them. */
function changed(
  spec: ObjectSpec,
  of: RegExp,
  change: (instruction: Instruction, at: number, all: readonly Instruction[]) => Instruction,
): ObjectSpec {
  const functions = spec.program.functions.map((fn) =>
    of.test(fn.name) ? { ...fn, instructions: fn.instructions.map(change) } : fn,
  );
  return { ...spec, program: { ...spec.program, functions } };
}

const NEXT_RULE = /^next_rule_/;
const operationOf = ({ opcode }: Instruction): number => opcode & OPERATION_MASK;
const isOf = ({ opcode }: Instruction, kind: number): boolean => (opcode & 7) === kind;
const ALU64 = 7;
const STX = 3;

/** The bits of actions. */
const FINAL = 30;
const COUNTED = 31;

function nth(
  wanted: (instruction: Instruction) => boolean,
  number: number,
  change: (instruction: Instruction) => Instruction,
): (instruction: Instruction, at: number, all: readonly Instruction[]) => Instruction {
  return (instruction, at, all) =>
    wanted(instruction) && all.slice(0, at).filter(wanted).length === number ? change(instruction) : instruction;
}

const isShift =
  (bits: number) =>
  (one: Instruction): boolean =>
    isOf(one, ALU64) && operationOf(one) === ALU_OP.rsh && Number(one.imm) === bits;
const isSigned = (one: Instruction): boolean => isOf(one, ALU64) && operationOf(one) === ALU_OP.arsh;
const isXor = (one: Instruction): boolean => isOf(one, ALU64) && operationOf(one) === ALU_OP.xor;
const isBehind = (one: Instruction): boolean =>
  isOf(one, ALU64) && operationOf(one) === ALU_OP.add && one.dst === 3 && Number(one.imm) === 1;
const isPlaced = (one: Instruction): boolean => isOf(one, STX) && one.dst === 7 && one.src === 0;
const isCounted = (one: Instruction): boolean =>
  isOf(one, ALU64) && operationOf(one) === ALU_OP.add && one.dst === 1 && Number(one.imm) === 1;
const isLater = (one: Instruction): boolean => isOf(one, 5) && operationOf(one) === JMP_OP.jgt && one.dst === 3;

const faults: readonly { readonly name: string; readonly change: (spec: ObjectSpec) => ObjectSpec }[] = [
  {
    name: 'the greater hit of two',
    change: (spec) =>
      changed(
        spec,
        NEXT_RULE,
        nth(isXor, 1, (one) => ({ ...one, src: 1 })),
      ),
  },
  {
    name: 'the first hit, whatever the second one is',
    change: (spec) =>
      changed(
        spec,
        NEXT_RULE,
        nth(isSigned, 0, (one) => ({ ...one, imm: 62 })),
      ),
  },
  {
    name: 'a packet that is counted as two',
    change: (spec) =>
      changed(
        spec,
        NEXT_RULE,
        nth(isCounted, 0, (one) => ({ ...one, imm: 2 })),
      ),
  },
  {
    name: 'what decides is counted, and nothing else',
    change: (spec) =>
      changed(
        spec,
        NEXT_RULE,
        nth(isShift(COUNTED), 0, (one) => ({ ...one, imm: FINAL })),
      ),
  },
  {
    name: 'what decides taken for what goes on',
    change: (spec) =>
      changed(
        spec,
        NEXT_RULE,
        nth(isShift(FINAL), 0, (one) => ({ ...one, imm: 29 })),
      ),
  },
  {
    name: 'what counts taken for what decides',
    change: (spec) =>
      changed(
        spec,
        NEXT_RULE,
        nth(isShift(FINAL), 0, (one) => ({ ...one, imm: COUNTED })),
      ),
  },
  ...[0, 1].flatMap((place) => [
    {
      name: `a hit of list ${place} that is taken twice`,
      change: (spec: ObjectSpec) =>
        changed(
          spec,
          NEXT_RULE,
          nth(isBehind, place, (one) => ({ ...one, imm: 0 })),
        ),
    },
    {
      name: `a hit of list ${place} behind which one is left out`,
      change: (spec: ObjectSpec) =>
        changed(
          spec,
          NEXT_RULE,
          nth(isBehind, place, (one) => ({ ...one, imm: 2 })),
        ),
    },
    {
      name: `the place in list ${place} not moved on`,
      change: (spec: ObjectSpec) =>
        changed(
          spec,
          NEXT_RULE,
          nth(isPlaced, place, (one) => ({ ...one, src: 2 })),
        ),
    },
    {
      name: `the place in list ${place} moved on in the other one`,
      change: (spec: ObjectSpec) =>
        changed(
          spec,
          NEXT_RULE,
          nth(isPlaced, place, (one) => ({ ...one, offset: 16 - one.offset })),
        ),
    },
    {
      name: `the place in list ${place} moved on where the hit is of the other one`,
      change: (spec: ObjectSpec) =>
        changed(
          spec,
          NEXT_RULE,
          nth(isLater, place, (one) => ({ ...one, opcode: one.opcode ^ JMP_OP.jgt ^ JMP_OP.jlt })),
        ),
    },
  ]),
  {
    name: 'the hit of a list that is behind it',
    change: (spec) => {
      const isRule = (one: Instruction): boolean => isOf(one, 5) && operationOf(one) === JMP_OP.jlt;
      const later = (one: Instruction): Instruction => ({ ...one, opcode: one.opcode ^ JMP_OP.jlt ^ JMP_OP.jle });
      return changed(spec, /^next_entry_/, nth(isRule, 0, later));
    },
  },
];

it('has two lists to take hits from', () => {
  const { object } = jobOf(textOf(30, 3), OPTIONS);
  expect(Buffer.from(object).includes('next_rule_0_of_2')).toBe(true);
});

const JOB = jobOf(textOf(30, 3), OPTIONS);

it.each(faults)('does not prove $name', ({ change }) => {
  let isChanged = false;
  const job = withObject(JOB, (spec) => {
    const other = change(spec);
    isChanged = JSON.stringify(other, plain) !== JSON.stringify(spec, plain);
    return other;
  });
  expect(isChanged).toBe(true);
  expect(prove(job).kind).not.toBe('proved');
});

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);

/** The words of a block's number, of which the program asks by halves. */
const OWN_CODE = 0x1_0000;
const isBlockTest = (one: Instruction): boolean =>
  isOf(one, 5) && operationOf(one) === JMP_OP.jge && Number(one.imm) > OWN_CODE && Number(one.imm) < 2 * OWN_CODE;

it.each([0, 1, 2, 3])('does not prove another way to a block (test %i)', (number) => {
  const job = withObject(JOB, (spec) =>
    changed(
      spec,
      /./,
      nth(isBlockTest, number, (one) => ({ ...one, imm: Number(one.imm) - 1 })),
    ),
  );
  expect(prove(job).kind).not.toBe('proved');
});

it.each(['FINAL', 'COUNTED', 'rule'] as const)('does not prove a record with another %s', (what) => {
  const job = withObject(JOB, (spec) => {
    const { data } = spec;
    if (data === undefined) throw new Error('no table');
    const bytes = data.bytes.slice();
    const view = new DataView(bytes.buffer);
    // Actions of rules that only count, and of those that drop or accept.
    const wanted =
      what === 'FINAL' ? (action: number) => action >>> FINAL === 3 : (action: number) => action === 2 ** COUNTED;
    let at = 0;
    while (!wanted(view.getUint32(at, true))) at += 8;
    if (what === 'rule') view.setUint32(at + 4, view.getUint32(at + 4, true) + 1, true);
    else view.setUint32(at, view.getUint32(at, true) ^ (2 ** (what === 'FINAL' ? FINAL : COUNTED)), true);
    return { ...spec, data: { ...data, bytes } };
  });
  expect(prove(job).kind).not.toBe('proved');
});
