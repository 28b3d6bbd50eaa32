import { describe, expect, test } from 'vitest';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { disassemble, formatInstruction } from '../../../codegen/bytecode/disassemble.js';
import {
  addFieldOffset,
  loadTypeId,
  alu32,
  alu64,
  atomic,
  ATOMIC_OP,
  callFunction,
  callHelper,
  callKfunc,
  exit,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  loadMap,
  mov32,
  mov64,
  reg,
  store,
  storeImm,
  toBigEndian,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';

describe('one instruction', () => {
  const rows: { have: Instruction; want: string }[] = [
    { have: load(4, 1, 6, 4), want: 'r1 = *(u32 *)(r6 + 4)' },
    { have: { ...load(1, 1, 6, 4), opcode: 0x91 }, want: 'r1 = *(s8 *)(r6 + 4)' },
    { have: store(8, 10, -8, 2), want: '*(u64 *)(r10 - 8) = r2' },
    { have: storeImm(2, 10, -8, -1), want: '*(u16 *)(r10 - 8) = -1' },
    { have: lddw(1, 0x1234n), want: 'r1 = 0x1234 ll' },
    { have: loadMap(1, 'counters'), want: 'r1 = map[counters] ll' },
    { have: mov64(1, 5), want: 'r1 = 5' },
    { have: mov32(1, reg(2)), want: 'w1 = w2' },
    { have: { ...mov64(1, reg(2)), offset: 16 }, want: 'r1 = (s16)r2' },
    { have: alu64('add', 1, -14), want: 'r1 += -14' },
    { have: alu32('arsh', 1, 3), want: 'w1 s>>= 3' },
    { have: { ...alu64('div', 1, reg(2)), offset: 1 }, want: 'r1 s/= r2' },
    { have: alu64('mod', 1, reg(2)), want: 'r1 %= r2' },
    { have: alu64('neg', 1, 0), want: 'r1 = -r1' },
    { have: toBigEndian(1, 16), want: 'r1 = be16 r1' },
    { have: { ...toBigEndian(1, 32), opcode: 0xd4 }, want: 'r1 = le32 r1' },
    { have: { ...toBigEndian(1, 64), opcode: 0xd7 }, want: 'r1 = bswap64 r1' },
    { have: loadTypeId(2, 'net_device'), want: 'r2 = typeid(struct net_device)' },
    { have: addFieldOffset(1, 'net_device', 'nd_net.net'), want: 'r1 += offsetof(struct net_device, nd_net.net)' },
    { have: jump32('jne', 1, 5, 'drop'), want: 'if w1 != 0x5 goto <drop>' },
    { have: { ...jump32('jne', 1, 5, ''), reference: undefined, offset: 3 }, want: 'if w1 != 0x5 goto +3' },
    { have: { ...jump64('jsle', 1, -5, ''), reference: undefined, offset: -3 }, want: 'if r1 s<= -0x5 goto -3' },
    { have: jump64('jset', 1, reg(2), 'a'), want: 'if r1 & r2 goto <a>' },
    { have: goto('a'), want: 'goto <a>' },
    { have: { ...goto('a'), opcode: 0x06, reference: undefined, imm: 70000 }, want: 'gotol +70000' },
    { have: callHelper('map_lookup_elem'), want: 'call bpf_map_lookup_elem#1' },
    { have: { ...callHelper('map_lookup_elem'), imm: 9999 }, want: 'call helper#9999' },
    { have: callFunction('chain_0'), want: 'call chain_0' },
    { have: callKfunc('bpf_cast_to_kern_ctx'), want: 'call bpf_cast_to_kern_ctx' },
    { have: atomic(8, ATOMIC_OP.add, 1, 8, 2), want: 'lock *(u64 *)(r1 + 8) += r2' },
    { have: atomic(4, ATOMIC_OP.or | ATOMIC_OP.fetch, 1, 0, 2), want: 'w2 = atomic_fetch_or((u32 *)(r1 + 0), w2)' },
    { have: atomic(8, ATOMIC_OP.cmpxchg, 1, 0, 2), want: 'r0 = atomic64_cmpxchg((u64 *)(r1 + 0), r0, r2)' },
    { have: atomic(4, ATOMIC_OP.xchg, 1, 0, 2), want: 'w2 = atomic_xchg((u32 *)(r1 + 0), w2)' },
    { have: exit(), want: 'exit' },
    {
      have: { opcode: 0xfe, dst: 1, src: 2, offset: 3, imm: 4 },
      want: '.insn 0xfe, dst 1, src 2, offset 3, imm 4',
    },
  ];
  test.each(rows)('$want', ({ have, want }) => expect(formatInstruction(have)).toBe(want));
});

test('a function: slots, targets, source lines over what they became', () => {
  const accept = { text: '-A INPUT -j ACCEPT', line: 3, column: 1 };
  const drop = { text: '-A INPUT -j DROP', line: 4, column: 1 };
  const code: Instruction[] = [
    { ...lddw(1, 5n), line: accept },
    { ...jump32('jeq', 1, 5, 'out'), line: accept },
    { ...mov64(0, 1), line: drop },
    { ...exit(), label: 'out' },
  ];
  expect(disassemble(assemble('f', code))).toBe(
    [
      '; -A INPUT -j ACCEPT',
      '   0: r1 = 0x5 ll',
      '   2: if w1 == 0x5 goto +1 <4>',
      '; -A INPUT -j DROP',
      '   3: r0 = 1',
      '   4: exit',
      '',
    ].join('\n'),
  );
  expect(disassemble(code)).toContain('if w1 == 0x5 goto <out>');
  expect(disassemble(code)).toContain('out:\n   4: exit');
});
