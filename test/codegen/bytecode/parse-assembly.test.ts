import { describe, expect, test } from 'vitest';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { disassemble, formatInstruction } from '../../../codegen/bytecode/disassemble.js';
import { AssemblyError, parseAssembly } from '../../../codegen/bytecode/parse-assembly.js';

describe('one instruction', () => {
  const rows: readonly { readonly have: string; readonly want: string }[] = [
    { have: 'mov %r1, -1', want: 'r1 = -1' },
    { have: 'mov32 %r1, 0xffffffff', want: 'w1 = -1' },
    { have: 'add64 %r1, %r2', want: 'r1 += r2' },
    { have: 'neg32 %r1', want: 'w1 = -w1' },
    { have: 'sdiv %r1, %r2', want: 'r1 s/= r2' },
    { have: 'smod32 %r1, 3', want: 'w1 s%= 3' },
    { have: 'movsx1664 %r1, %r2', want: 'r1 = (s16)r2' },
    { have: 'be16 %r1', want: 'r1 = be16 r1' },
    { have: 'le64 %r1', want: 'r1 = le64 r1' },
    { have: 'swap32 %r1', want: 'r1 = bswap32 r1' },
    { have: 'lddw %r1, 0x1122334455667788', want: 'r1 = 0x1122334455667788 ll' },
    { have: 'ldxh %r1, [%r2+4]', want: 'r1 = *(u16 *)(r2 + 4)' },
    { have: 'ldxsb %r1, [%r2 - 4]', want: 'r1 = *(s8 *)(r2 - 4)' },
    { have: 'stdw [%r10-8], -1', want: '*(u64 *)(r10 - 8) = -1' },
    { have: 'stxb [%r1], %r2', want: '*(u8 *)(r1 + 0) = r2' },
    { have: 'lock fetch add32 [%r1+4], %r2', want: 'w2 = atomic_fetch_add((u32 *)(r1 + 4), w2)' },
    { have: 'lock cmpxchg [%r1], %r2', want: 'r0 = atomic64_cmpxchg((u64 *)(r1 + 0), r0, r2)' },
    { have: 'jne32 %r1, 5, +2', want: 'if w1 != 0x5 goto +2' },
    { have: 'jsle %r1, %r2, somewhere', want: 'if r1 s<= r2 goto <somewhere>' },
    { have: 'ja -1', want: 'goto -1' },
    { have: 'ja32 +70000', want: 'gotol +70000' },
    { have: 'call 1', want: 'call bpf_map_lookup_elem#1' },
    { have: 'call %r3', want: 'callx r3' },
    { have: 'exit # the end', want: 'exit' },
  ];
  test.each(rows)('$have', ({ have, want }) => {
    expect(parseAssembly(have).map((instruction) => formatInstruction(instruction))).toEqual([want]);
  });
});

test('labels, comments, local calls, and the label exit', () => {
  const text = `
    # a comment
    call local f
    jeq %r0, 1, exit
  f:
    mov %r0, 1   # one
    exit`;
  expect(disassemble(assemble('entry', parseAssembly(text)))).toBe(
    ['call pc+1 <2>', 'if r0 == 0x1 goto +1 <3>', 'r0 = 1', 'exit'].map((line, at) => `   ${at}: ${line}\n`).join(''),
  );
});

test('the label exit where the last instruction has a label of its own', () => {
  const code = assemble('entry', parseAssembly('ja exit\nmov %r0, 0\nend:\nexit'));
  expect(code[0].offset).toBe(1);
});

describe('errors name the line', () => {
  test.each([
    { name: 'unknown operation', have: 'exit\nfrob %r1', want: 'line 2: no instruction: frob %r1' },
    { name: 'register 11', have: 'mov %r11, 0', want: 'line 1: no instruction' },
    { name: 'immediate of 33 bits', have: 'mov %r1, 0x100000000', want: 'line 1: no instruction' },
    { name: 'no target', have: 'jeq %r1, 5', want: 'line 1: no instruction' },
    { name: 'label at the end', have: 'exit\nend:', want: 'line 2: label end names nothing' },
    { name: 'two labels', have: 'a:\nb:\nexit', want: 'line 2: label a names nothing' },
  ])('$name', ({ have, want }) => {
    expect(() => parseAssembly(have)).toThrow(AssemblyError);
    expect(() => parseAssembly(have)).toThrow(want);
  });
});
