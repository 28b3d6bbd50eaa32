import { describe, expect, test } from 'vitest';
import * as bpf from '../../../codegen/bytecode/instruction.js';
import { R0, R1, mov64, type Instruction } from '../../../codegen/bytecode/instruction.js';
import { ObjectError, type ObjectErrorCode } from '../../../codegen/object/error.js';
import type { FunctionSpec, KernelStruct, MapSpec, ObjectSpec } from '../../../codegen/object/spec.js';
import { writeObject } from '../../../codegen/object/write.js';
import { contextParam, entryFunction, objectSpec } from './specs.js';

const MAP: MapSpec = { name: 'm', type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 };
const STRUCT: KernelStruct = { name: 's', bytes: 8, members: [{ name: 'a', offset: 4, bytes: 4 }] };

function code(...instructions: readonly Instruction[]): ObjectSpec {
  return objectSpec('xdp', instructions, { maps: [MAP], kernelStructs: [STRUCT] });
}

function withStruct(...members: KernelStruct['members']): ObjectSpec {
  return objectSpec('xdp', undefined, { kernelStructs: [{ ...STRUCT, members }] });
}

function withFunction(change: Partial<FunctionSpec>): ObjectSpec {
  const inner: FunctionSpec = { name: 'f', linkage: 'static', params: [], instructions: [bpf.exit()] };
  return objectSpec('xdp', undefined, { maps: [MAP], functions: [{ ...inner, ...change }] });
}

function withSection(section: string): ObjectSpec {
  const spec = objectSpec('xdp');
  return { ...spec, program: { ...spec.program, section } };
}

function withEntry(change: Partial<FunctionSpec>): ObjectSpec {
  const spec = objectSpec('xdp');
  return { ...spec, program: { ...spec.program, entries: [{ ...spec.program.entries[0], ...change }] } };
}

function line(text: string, number: number, column = 1): Instruction {
  return { ...bpf.exit(), line: { text, line: number, column } };
}

const refused: readonly { readonly name: string; readonly have: ObjectSpec; readonly want: ObjectErrorCode }[] = [
  { name: 'a label that is not resolved', have: code(bpf.goto('there')), want: 'bad-reference' },
  { name: 'a map that is not there', have: code(bpf.loadMap(R1, 'other')), want: 'bad-reference' },
  { name: 'a function that is not there', have: code(bpf.callFunction('f')), want: 'bad-reference' },
  { name: 'a kfunc that is not there', have: code(bpf.callKfunc('k')), want: 'bad-reference' },
  { name: 'a map called like a function', have: code(bpf.callFunction('m')), want: 'bad-reference' },
  { name: 'the entry called like a function', have: code(bpf.callFunction('filter')), want: 'bad-reference' },
  { name: 'a struct that is not there', have: code(bpf.addFieldOffset(R0, 't', 'a')), want: 'bad-reference' },
  { name: 'a member that is not there', have: code(bpf.addFieldOffset(R0, 's', 'b')), want: 'bad-reference' },
  { name: 'a member of a number', have: code(bpf.addFieldOffset(R0, 's', 'a.b')), want: 'bad-reference' },
  {
    name: 'an offset in a register operand',
    have: code({ ...mov64(R0, bpf.reg(R1)), reference: { kind: 'field-offset', struct: 's', member: 'a' } }),
    want: 'bad-reference',
  },
  { name: 'the number of a struct that is not there', have: code(bpf.loadTypeId(R0, 't')), want: 'bad-reference' },
  {
    name: 'the number of a struct in a register operand',
    have: code({ ...mov64(R0, bpf.reg(R1)), reference: { kind: 'type-id', struct: 's' } }),
    want: 'bad-reference',
  },
  {
    name: 'a map in a call',
    have: code({ ...bpf.callFunction('m'), reference: { kind: 'map', name: 'm' } }),
    want: 'bad-reference',
  },
  {
    name: 'a member that is a struct that is not there',
    have: withStruct({ name: 'a', offset: 0, bytes: 8, type: { struct: 't' } }),
    want: 'bad-reference',
  },
  { name: 'a name that is no identifier', have: withFunction({ name: 'a-b' }), want: 'bad-name' },
  { name: 'a name that is too long', have: withFunction({ name: 'a'.repeat(128) }), want: 'bad-name' },
  { name: 'a function named like the entry', have: withFunction({ name: 'filter' }), want: 'bad-name' },
  { name: 'a function named like a map', have: withFunction({ name: 'm' }), want: 'bad-name' },
  {
    name: 'two parameters of one name',
    have: withFunction({ params: [contextParam('xdp'), contextParam('xdp')] }),
    want: 'bad-name',
  },
  {
    name: 'two kernel structs of one name',
    have: objectSpec('xdp', undefined, { kernelStructs: [STRUCT, STRUCT] }),
    want: 'bad-name',
  },
  { name: 'two members of one name', have: withStruct(STRUCT.members[0], STRUCT.members[0]), want: 'bad-name' },
  { name: 'the section of functions for the entry', have: withSection('.text'), want: 'bad-name' },
  { name: 'a section that libbpf takes for the license', have: withSection('license'), want: 'bad-name' },
  {
    name: 'code with a name that is none',
    have: withEntry({ inlined: [{ name: 'a b', from: 0, to: 1 }] }),
    want: 'bad-name',
  },
  { name: 'code of no instructions', have: withEntry({ inlined: [{ name: 'a', from: 1, to: 1 }] }), want: 'bad-value' },
  {
    name: 'code beyond its function',
    have: withEntry({ inlined: [{ name: 'a', from: 0, to: 3 }] }),
    want: 'bad-value',
  },
  { name: 'a static entry', have: withEntry({ linkage: 'static' }), want: 'bad-value' },
  { name: 'a function without instructions', have: withFunction({ instructions: [] }), want: 'bad-value' },
  {
    name: 'memory of no bytes',
    have: withFunction({ params: [{ name: 'p', type: { kind: 'memory', struct: 's', bytes: 0 } }] }),
    want: 'bad-value',
  },
  { name: 'a member beyond its struct', have: withStruct({ name: 'a', offset: 5, bytes: 4 }), want: 'bad-value' },
  { name: 'an integer of 3 bytes', have: withStruct({ name: 'a', offset: 0, bytes: 3 }), want: 'bad-value' },
  {
    name: 'a pointer of 4 bytes',
    have: withStruct({ name: 'a', offset: 0, bytes: 4, type: 'pointer' }),
    want: 'bad-value',
  },
  {
    name: 'members out of order',
    have: withStruct({ name: 'a', offset: 4, bytes: 4 }, { name: 'b', offset: 0, bytes: 4 }),
    want: 'bad-value',
  },
  {
    name: 'a ring buffer with values',
    have: objectSpec('xdp', undefined, { maps: [{ ...MAP, type: 'ringbuf', keySize: 0 }] }),
    want: 'bad-value',
  },
  {
    name: 'a map of 2^32 entries',
    have: objectSpec('xdp', undefined, { maps: [{ ...MAP, maxEntries: 2 ** 32 }] }),
    want: 'bad-value',
  },
  { name: 'line 0', have: code(line('x', 0)), want: 'bad-value' },
  { name: 'a line with a NUL', have: code(line('a\0b', 1)), want: 'bad-value' },
  { name: 'a license with a NUL', have: objectSpec('xdp', undefined, { license: 'GPL\0' }), want: 'bad-value' },
  { name: 'lines of more than 16 MiB', have: code(line('x'.repeat(1 << 24), 1)), want: 'too-large' },
];

describe('writeObject refuses', () => {
  test.each(refused)('$name', ({ have, want }) => {
    let thrown: unknown;
    try {
      writeObject(have);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ObjectError);
    expect(thrown).toMatchObject({ code: want });
  });
});

test('equal lines are kept once', () => {
  const lines = (count: number): number =>
    writeObject(
      objectSpec(
        'xdp',
        Array.from({ length: count }, (_, i) => line(`-A INPUT ${'x'.repeat(1000)}`, i + 1)),
      ),
    ).length;
  // 8 bytes of code and 16 of line info each.
  expect(lines(11) - lines(1)).toBeLessThanOrEqual(10 * 24 + 8);
});

test('the entry function stays as it was given', () => {
  const entry = entryFunction('xdp', [mov64(R0, 2), bpf.exit()]);
  const before = JSON.stringify(entry);
  writeObject(objectSpec('xdp', entry.instructions));
  expect(JSON.stringify(entry)).toBe(before);
});
