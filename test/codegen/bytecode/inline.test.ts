import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { frameBytes, inlineCalls, type InlinedCode } from '../../../codegen/bytecode/inline.js';
import {
  alu64,
  callFunction,
  CLASS,
  exit,
  goto,
  JMP_OP,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { outlined } from '../../../src/prove/outline.js';
import { functionSpec, objectSpec } from '../../bpf-runtime/interpreter/support.js';

const PACKET = new Uint8Array(64);

type Functions = Readonly<Record<string, readonly Instruction[]>>;

/** The entry with its calls as they are. */
function calling(entry: readonly Instruction[], functions: Functions): ObjectSpec {
  const specs = Object.entries(functions).map(([name, code]) => functionSpec(name, code));
  return objectSpec('xdp', entry, { functions: specs });
}

/** All functions in the place of their calls. */
function inlinedCode(code: readonly Instruction[], functions: Functions): InlinedCode {
  const sites = code.flatMap(({ reference }, at) =>
    reference?.kind === 'function'
      ? [{ at, name: reference.name, callee: inlinedCode(functions[reference.name], functions) }]
      : [],
  );
  const result = inlineCalls(code, sites);
  if (result === undefined) throw new Error('a frame whose size is not seen');
  return result;
}

function inlining(entry: readonly Instruction[], functions: Functions): ObjectSpec {
  const { instructions, inlined } = inlinedCode(entry, functions);
  const spec = objectSpec('xdp', []);
  const one = { ...functionSpec('entry', instructions), inlined };
  return { ...spec, program: { ...spec.program, entries: [one] } };
}

const result = (spec: ObjectSpec): number => new Interpreter(spec).run({ packet: PACKET }).result;

const cases: readonly { name: string; entry: readonly Instruction[]; functions: Functions; want: number }[] = [
  {
    name: 'what the caller reads again is kept',
    entry: [mov64(R6, 1), mov64(R7, 2), mov64(R1, 5), callFunction('f'), alu64('add', R0, reg(R6)), exit()],
    functions: { f: [mov64(R6, reg(R1)), mov64(R7, 70), mov64(R0, reg(R6)), alu64('add', R0, reg(R7)), exit()] },
    want: 76,
  },
  {
    name: 'each has a frame of its own',
    entry: [
      storeImm(8, R10, -8, 3),
      mov64(R1, reg(R10)),
      alu64('add', R1, -8),
      callFunction('f'),
      load(8, R1, R10, -8),
      alu64('add', R0, reg(R1)),
      exit(),
    ],
    functions: {
      f: [
        storeImm(8, R10, -8, 40),
        load(8, R2, R1, 0),
        alu64('add', R2, 100),
        store(8, R1, 0, R2),
        mov64(R2, reg(R10)),
        alu64('add', R2, -8),
        load(8, R0, R2, 0),
        exit(),
      ],
    },
    want: 143,
  },
  {
    name: 'exits in the middle and a loop from the start',
    entry: [mov64(R1, 3), callFunction('f'), alu64('add', R0, 1), exit()],
    functions: {
      f: [
        { ...alu64('sub', R1, 1), label: 'again' },
        mov64(R0, 9),
        jump64('jgt', R1, 2, 'again'),
        jump64('jeq', R1, 2, 'two'),
        exit(),
        { ...mov64(R0, 20), label: 'two' },
        jump64('jeq', R1, 1, 'last'),
        mov64(R0, 21),
        { ...exit(), label: 'last' },
      ],
    },
    want: 22,
  },
  {
    name: 'functions within functions, called twice',
    entry: [mov64(R1, 1), callFunction('f'), mov64(R1, reg(R0)), callFunction('f'), exit()],
    functions: {
      f: [mov64(R8, reg(R1)), callFunction('g'), alu64('add', R0, reg(R8)), exit()],
      g: [mov64(R8, reg(R1)), alu64('lsh', R8, 1), store(8, R10, -16, R8), load(8, R0, R10, -16), exit()],
    },
    want: 9,
  },
];

describe('code in the place of calls', () => {
  test.each(cases)('$name', ({ entry, functions, want }) => {
    expect(result(calling(entry, functions))).toBe(want);
    const inlined = inlining(entry, functions);
    expect(inlined.program.functions).toEqual([]);
    expect(result(inlined)).toBe(want);
  });

  test.each(cases)('is seen to be calls again: $name', ({ entry, functions, want }) => {
    const { spec } = outlined(inlining(entry, functions));
    expect(spec.program.functions.map(({ name }) => name).sort()).toEqual(Object.keys(functions).sort());
    expect(result(spec)).toBe(want);
  });

  test('random functions do the same', () => {
    fc.assert(
      fc.property(bodies, bodies, bodies, (entry, f, g) => {
        const functions = { f: functionOf(f, 'g'), g: functionOf(g, undefined) };
        const want = result(calling(functionOf(entry, 'f'), functions));
        const inlined = inlining(functionOf(entry, 'f'), functions);
        expect(result(inlined)).toBe(want);
        expect(result(outlined(inlined).spec)).toBe(want);
      }),
    );
  });

  test('the size of a frame is seen, or not', () => {
    expect(frameBytes([store(4, R10, -12, R1), exit()])).toBe(16);
    expect(frameBytes([mov64(R2, reg(R10)), alu64('add', R2, -40), exit()])).toBe(40);
    expect(frameBytes([mov64(R0, 4), alu64('add', R0, reg(R10)), load(4, R0, R0, -24), exit()])).toBe(24);
    expect(frameBytes([mov64(R2, reg(R10)), mov64(R3, 0), alu64('add', R2, -40), exit()])).toBeUndefined();
    expect(frameBytes([store(8, R1, 0, R10), exit()])).toBeUndefined();
    expect(frameBytes([mov64(R2, reg(R10)), { ...alu64('add', R2, -8), label: 'here' }, goto('here')])).toBeUndefined();
  });
});

const R3 = 3;

/** What a random function does, to registers that are all written at its beginning. */
type Step =
  | { readonly kind: 'number'; readonly to: number; readonly value: number }
  | { readonly kind: 'add'; readonly to: number; readonly from: number }
  | { readonly kind: 'store' | 'load'; readonly register: number; readonly slot: number }
  | { readonly kind: 'call' };

const registers = fc.constantFrom(R0, R6, R7, R8, R9);
const bodies: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('number' as const), to: registers, value: fc.integer({ min: 0, max: 1000 }) }),
    fc.record({ kind: fc.constant('add' as const), to: registers, from: registers }),
    fc.record({
      kind: fc.constantFrom('store' as const, 'load' as const),
      register: registers,
      slot: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ kind: fc.constant('call' as const) }),
  ),
  { maxLength: 12 },
);

function functionOf(steps: readonly Step[], callee: string | undefined): readonly Instruction[] {
  const first = [R6, R7, R8, R9].map((register) => mov64(register, register));
  const slots = [1, 2, 3, 4].map((slot) => storeImm(8, R10, -8 * slot, slot));
  const body = steps.flatMap((step): readonly Instruction[] => {
    switch (step.kind) {
      case 'number':
        return [mov64(step.to, step.value)];
      case 'add':
        return [alu64('add', step.to, reg(step.from))];
      case 'store':
        return [store(8, R10, -8 * step.slot, step.register)];
      case 'load':
        return [load(8, step.register, R10, -8 * step.slot)];
      case 'call':
        return callee === undefined ? [] : [mov64(R1, reg(R6)), callFunction(callee)];
    }
  });
  return [mov64(R0, 0), ...first, ...slots, ...body, alu64('add', R0, reg(R9)), exit()];
}

/** `gotol` to the next instruction. */
const LONG_JUMP: Instruction = { opcode: CLASS.JMP32 | JMP_OP.ja, dst: 0, src: 0, offset: 0, imm: 0 };

describe('code that is no call', () => {
  const { entry, functions } = cases[1];
  const whole = inlining(entry, functions).program.entries[0];
  const [{ from, to }] = whole.inlined ?? [{ from: 0, to: 0 }];
  const { length } = whole.instructions;
  const withInstruction = (at: number, instruction: Instruction): ObjectSpec =>
    withEntry({ ...whole, instructions: whole.instructions.with(at, instruction) });
  const withEntry = (one: typeof whole): ObjectSpec => {
    const spec = objectSpec('xdp', []);
    return { ...spec, program: { ...spec.program, entries: [one] } };
  };
  const jumpTo = (at: number, target: number): Instruction => ({
    ...jump64('jeq', R1, 0, ''),
    reference: undefined,
    offset: target - at - 1,
  });
  const rows: readonly { name: string; spec: ObjectSpec }[] = [
    { name: 'a jump into it', spec: withInstruction(0, jumpTo(0, from + 1)) },
    { name: 'a jump to its beginning', spec: withInstruction(0, jumpTo(0, from)) },
    { name: 'a jump out of it', spec: withInstruction(from + 2, jumpTo(from + 2, length - 1)) },
    { name: 'a jump to no instruction beside it', spec: withInstruction(0, jumpTo(0, 1000)) },
    { name: 'a long jump beside it', spec: withInstruction(0, LONG_JUMP) },
    { name: 'an exit in it', spec: withInstruction(from + 2, exit()) },
    { name: 'a register that it was not given', spec: withInstruction(from + 2, mov64(R2, reg(R7))) },
    {
      name: 'a register that is read behind it',
      spec: withEntry({
        ...whole,
        instructions: assemble('entry', [
          ...whole.instructions.slice(0, from),
          mov64(R6, 0),
          ...whole.instructions.slice(from + 1, to),
          mov64(R0, reg(R6)),
          ...whole.instructions.slice(to + 1),
        ]),
      }),
    },
    { name: 'a place of its caller’s frame', spec: withInstruction(from, storeImm(8, R10, -8, 40)) },
    { name: 'a place of its frame that its caller reads', spec: withInstruction(to, load(8, R1, R10, -16)) },
    {
      name: 'names of code that overlaps',
      spec: withEntry({
        ...whole,
        inlined: [
          { name: 'f', from, to },
          { name: 'g', from: from + 1, to: to + 1 },
        ],
      }),
    },
  ];

  test('is one as it stands', () => {
    expect(outlined(withEntry(whole)).spec.program.functions.map(({ name }) => name)).toEqual(['f']);
  });

  test.each(rows)('stays where it is: $name', ({ spec }) => {
    expect(outlined(spec).spec.program).toMatchObject({ functions: [] });
  });
});
