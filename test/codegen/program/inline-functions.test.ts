import { describe, expect, test } from 'vitest';
import { frameBytes } from '../../../codegen/bytecode/inline.js';
import {
  callFunction,
  exit,
  mov64,
  R0,
  R10,
  R6,
  R7,
  reg,
  storeImm,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import type { FunctionCode } from '../../../codegen/program/function-code.js';
import { withInlined } from '../../../codegen/program/output/inline-functions.js';

/** A function with a frame of so many bytes, that calls others in turn. */
function fn(name: string, bytes: number, calls: readonly string[], inline = true): FunctionCode {
  const instructions: readonly Instruction[] = [
    mov64(R6, 1),
    mov64(R7, 2),
    storeImm(8, R10, -bytes, 0),
    ...calls.map((callee) => callFunction(callee)),
    mov64(R0, reg(R6)),
    exit(),
  ];
  return { name, params: [], instructions, ...(inline ? { inline: true } : {}) };
}

const cases: readonly {
  name: string;
  functions: readonly FunctionCode[];
  others?: readonly FunctionCode[];
  want: readonly { name: string; inlined: readonly string[]; calls: readonly string[] }[];
}[] = [
  {
    name: 'all of it stands in the entry',
    functions: [fn('entry', 64, ['f']), fn('f', 32, ['g', 'g']), fn('g', 16, [])],
    want: [{ name: 'entry', inlined: ['g', 'g', 'f'], calls: [] }],
  },
  {
    name: 'what is not to stand elsewhere is called',
    functions: [fn('entry', 64, ['f']), fn('f', 32, ['g'], false), fn('g', 16, [])],
    want: [
      { name: 'entry', inlined: [], calls: ['f'] },
      { name: 'f', inlined: ['g'], calls: [] },
    ],
  },
  {
    name: 'what is called too often is called',
    functions: [fn('entry', 64, ['g', 'g', 'g', 'g', 'g']), fn('g', 16, [])],
    want: [
      { name: 'entry', inlined: [], calls: ['g', 'g', 'g', 'g', 'g'] },
      { name: 'g', inlined: [], calls: [] },
    ],
  },
  {
    name: 'calls stay where frames would be larger than the stack: f keeps the frame of g while it calls h',
    functions: [fn('entry', 128, ['f']), fn('f', 96, ['g', 'h'], false), fn('g', 160, []), fn('h', 200, [], false)],
    want: [
      { name: 'entry', inlined: [], calls: ['f'] },
      { name: 'f', inlined: [], calls: ['g', 'h'] },
      { name: 'g', inlined: [], calls: [] },
      { name: 'h', inlined: [], calls: [] },
    ],
  },
  {
    name: 'what another program calls is kept',
    functions: [fn('entry', 64, ['g']), fn('g', 16, [])],
    others: [fn('other', 8, ['g'], false)],
    want: [
      { name: 'entry', inlined: ['g'], calls: [] },
      { name: 'g', inlined: [], calls: [] },
    ],
  },
];

describe('which functions stand where they are called', () => {
  test.each(cases)('$name', ({ functions, others = [], want }) => {
    const done = withInlined(functions, new Set(['entry']), others);
    const seen = done.map(({ name, inlined, instructions }) => ({
      name,
      inlined: inlined.map((one) => one.name),
      calls: instructions.flatMap(({ reference }) => (reference?.kind === 'function' ? [reference.name] : [])),
    }));
    expect(seen).toEqual(want);
    const [entry] = done;
    expect(frameBytes(entry.instructions)).toBeLessThanOrEqual(512);
  });
});
