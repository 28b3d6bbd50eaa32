import { describe, expect, test } from 'vitest';
import { assemble, AssembleError, type AssembleOptions } from '../../../codegen/bytecode/assemble.js';
import {
  exit,
  goto,
  jump32,
  jump64,
  lddw,
  mov64,
  PSEUDO,
  R0,
  R1,
  R2,
  reg,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';

const labelled = (label: string, instruction: Instruction): Instruction => ({ ...instruction, label });
const filler = (count: number): Instruction[] => Array.from({ length: count }, () => mov64(R0, 0));
const callLabel = (label: string): Instruction => ({
  opcode: 0x85,
  dst: 0,
  src: PSEUDO.CALL,
  offset: 0,
  imm: -1,
  reference: { kind: 'label', name: label },
});

function failure(instructions: readonly Instruction[], options?: AssembleOptions): string {
  try {
    assemble('f', instructions, options);
  } catch (error) {
    if (error instanceof AssembleError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'assembled';
}

describe('offsets count slots from behind the jump', () => {
  const rows: { name: string; have: Instruction[]; at: number; want: Partial<Instruction> }[] = [
    { name: 'the next instruction', have: [goto('a'), labelled('a', exit())], at: 0, want: { offset: 0 } },
    { name: 'itself', have: [labelled('a', goto('a')), exit()], at: 0, want: { offset: -1 } },
    {
      name: 'over an lddw',
      have: [jump64('jeq', R1, 5, 'a'), lddw(R0, 1n), labelled('a', exit())],
      at: 0,
      want: { offset: 2 },
    },
    { name: 'back over an lddw', have: [labelled('a', lddw(R0, 1n)), goto('a'), exit()], at: 1, want: { offset: -3 } },
    {
      name: 'the largest',
      have: [goto('a'), ...filler(0x7fff), labelled('a', exit())],
      at: 0,
      want: { offset: 0x7fff },
    },
    {
      name: 'the smallest',
      have: [labelled('a', exit()), ...filler(0x7ffe), goto('a')],
      at: 0x7fff,
      want: { offset: -0x8000 },
    },
    { name: 'a local call', have: [callLabel('f'), exit(), labelled('f', exit())], at: 0, want: { imm: 1, offset: 0 } },
    {
      name: 'gotol',
      have: [{ ...goto('a'), opcode: 0x06 }, exit(), labelled('a', exit())],
      at: 0,
      want: { imm: 1, offset: 0 },
    },
  ];
  test.each(rows)('$name', ({ have, at, want }) => {
    expect(assemble('f', have)[at]).toMatchObject(want);
  });
  test('labels and label references are gone, others stay', () => {
    const map = { ...lddw(R1, 0n), reference: { kind: 'map', name: 'm' } as const };
    const out = assemble('f', [goto('a'), labelled('a', map), exit()]);
    expect(out.map((i) => [i.label, i.reference])).toEqual([
      [undefined, undefined],
      [undefined, { kind: 'map', name: 'm' }],
      [undefined, undefined],
    ]);
  });
});

describe('errors name the function', () => {
  const rows: { name: string; have: Instruction[]; options?: AssembleOptions; want: string }[] = [
    { name: 'unknown label', have: [goto('a')], want: 'unknown-label: function f: no label a' },
    {
      name: 'unknown label with long jumps',
      have: [goto('a')],
      options: { longJumps: true },
      want: 'unknown-label: function f: no label a',
    },
    {
      name: 'label twice',
      have: [labelled('a', exit()), labelled('a', exit())],
      want: 'duplicate-label: function f: label a twice',
    },
    {
      name: 'too far',
      have: [goto('a'), ...filler(0x8000), labelled('a', exit())],
      want: 'jump-too-far: function f: jump to a is 32768 slots long',
    },
    {
      name: 'too far back',
      have: [labelled('a', exit()), ...filler(0x7fff), goto('a')],
      want: 'jump-too-far: function f: jump to a is -32769 slots long',
    },
    {
      name: 'no jump',
      have: [labelled('a', { ...mov64(R0, 0), reference: { kind: 'label', name: 'a' } })],
      want: 'not-a-jump: function f: opcode 0xb7 takes no label',
    },
  ];
  test.each(rows)('$name', ({ have, options, want }) => expect(failure(have, options)).toBe(want));
});

describe('long jumps', () => {
  const far = filler(0x8000);
  const rows: { name: string; have: Instruction; want: Partial<Instruction>[] }[] = [
    { name: 'ja', have: goto('a'), want: [{ opcode: 0x06, imm: 0x8000 }] },
    {
      name: 'a condition is inverted',
      have: jump64('jeq', R1, 5, 'a'),
      want: [
        { opcode: 0x55, dst: R1, imm: 5, offset: 1 },
        { opcode: 0x06, imm: 0x8000 },
      ],
    },
    {
      name: '32 bits and a register',
      have: jump32('jslt', R1, reg(R2), 'a'),
      want: [
        { opcode: 0x7e, dst: R1, src: R2, offset: 1 },
        { opcode: 0x06, imm: 0x8000 },
      ],
    },
    {
      name: 'jset has no inverse',
      have: jump64('jset', R1, 5, 'a'),
      want: [
        { opcode: 0x45, dst: R1, imm: 5, offset: 1 },
        { opcode: 0x05, offset: 1 },
        { opcode: 0x06, imm: 0x8000 },
      ],
    },
  ];
  test.each(rows)('$name', ({ have, want }) => {
    const out = assemble('f', [have, ...far, labelled('a', exit())], { longJumps: true });
    expect(out.length).toBe(want.length + far.length + 1);
    expect(out.slice(0, want.length)).toMatchObject(want);
  });
  test('a jump that only grows because another one grew', () => {
    // Slots: jeq far, ja near (exactly 0x7fff), jeq far inside its reach.
    const code = [
      goto('near'),
      jump64('jeq', R1, 5, 'end'),
      ...filler(0x7ffe),
      labelled('near', mov64(R0, 1)),
      ...filler(2),
      labelled('end', exit()),
    ];
    const out = assemble('f', code, { longJumps: true });
    expect(out[0]).toMatchObject({ opcode: 0x06, imm: 0x8000 });
    expect(out[1]).toMatchObject({ opcode: 0x55, offset: 1 });
    expect(out[2]).toMatchObject({ opcode: 0x06, imm: 0x7ffe + 3 });
  });
  test('what fits stays short', () => {
    const code = [jump64('jeq', R1, 5, 'a'), ...filler(0x7fff), labelled('a', exit())];
    expect(assemble('f', code, { longJumps: true })).toEqual(assemble('f', code));
  });
});
