import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, DecodeError, encode } from '../../../codegen/bytecode/encode.js';
import {
  exit,
  jump64,
  lddw,
  load,
  mov64,
  R1,
  R2,
  reg,
  store,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('encode', () => {
  const rows: { name: string; have: Instruction; want: string }[] = [
    { name: 'immediate', have: mov64(R1, -2), want: 'b7010000feffffff' },
    { name: 'registers', have: mov64(R1, reg(R2)), want: 'bf21000000000000' },
    { name: 'negative offset', have: store(8, 10, -8, R1), want: '7b1af8ff00000000' },
    { name: 'load', have: load(2, R2, R1, 12), want: '69120c0000000000' },
    { name: 'jump', have: { ...jump64('jeq', R1, 5, ''), offset: -1 }, want: '1501ffff05000000' },
    { name: 'lddw', have: lddw(R1, 0x1122334455667788n), want: '18010000887766550000000044332211' },
    { name: 'exit', have: exit(), want: '9500000000000000' },
  ];
  test.each(rows)('$name', ({ have, want }) => expect(hex(encode([have]))).toBe(want));
});

const instruction: fc.Arbitrary<Instruction> = fc
  .record({
    opcode: fc.integer({ min: 0, max: 255 }),
    dst: fc.integer({ min: 0, max: 15 }),
    src: fc.integer({ min: 0, max: 15 }),
    offset: fc.integer({ min: -0x8000, max: 0x7fff }),
    imm: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
    wide: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  })
  .map(({ wide, ...rest }) => (rest.opcode === 0x18 ? { ...rest, imm: wide } : rest));

test('decode is the inverse of encode', () => {
  fc.assert(
    fc.property(fc.array(instruction), (code) => {
      expect(decode(encode(code))).toEqual(code);
    }),
    { numRuns: 500 },
  );
});

describe('truncated code is refused', () => {
  test.each([
    { name: 'half a slot', have: encode([exit(), exit()]).subarray(0, 12), want: 8 },
    { name: 'half an lddw', have: encode([exit(), lddw(R1, 1n)]).subarray(0, 16), want: 8 },
  ])('$name', ({ have, want }) => {
    expect(() => decode(have)).toThrow(DecodeError);
    expect(() => decode(have)).toThrow(new RegExp(`^byte ${want}: `));
  });
});
