import { describe, expect, it } from 'vitest';
import { bpf } from '../../../../grammar/modules/match/bpf.js';
import { classicProgram, programFault } from '../../../../grammar/modules/value/classic-bpf.js';
import { testRows, type Row } from '../rows.js';
import { PLAIN } from '../support.js';

const TCP = '4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0';

function accepted(text: string, want = text): Row {
  return { words: ['--bytecode', text], want: `--bytecode ${want}`, saved: `--bytecode "${want}"` };
}

testRows(bpf, [
  accepted(TCP),
  accepted(`${TCP},`, TCP),
  accepted(`${TCP} and more`, TCP),
  accepted(' +4, 48 0 0 9,\t21 0 1 6,6 0 0 1,6 0 0 0', TCP),
  // Low bits of numbers that are too great, and numbers that need no blank between.
  accepted('65537,65542 256 0 -1', '1,6 0 0 4294967295'),
  accepted('1,+6 +0-0 5x', '1,6 0 0 5'),
  accepted('1,22 0 0 0'),
  accepted('3,2 0 0 15,96 0 0 15,6 0 0 0'),
  accepted('2,32 0 0 4294963260,6 0 0 0'),
  accepted('2,64 0 0 4294963201,6 0 0 0'),
  ...[
    '',
    '1',
    '1,',
    '0,',
    '1 ,6 0 0 0',
    '65,6 0 0 0',
    '2,6 0 0 0',
    '1,6 0 0 0,6 0 0 1',
    '1,6 0 0',
    '1,6 0 0 x',
    '1,14 0 0 0',
    '1,0 0 0 0',
    '2,5 0 0 1,6 0 0 0',
    '2,21 1 0 0,6 0 0 0',
    '2,21 0 1 0,6 0 0 0',
    '2,52 0 0 0,6 0 0 0',
    '2,148 0 0 0,6 0 0 0',
    '2,100 0 0 32,6 0 0 0',
    '2,96 0 0 1,6 0 0 0',
    '2,2 0 0 16,6 0 0 0',
    '2,192 0 0 0,6 0 0 0',
    '2,32 0 0 4294963201,6 0 0 0',
    '2,32 0 0 4294967295,6 0 0 0',
    '1,6 256 0 dport',
  ].map((text) => ({ words: ['--bytecode', text] })),
  { words: '' },
  { words: ['!', '--bytecode', TCP] },
  { words: ['--bytecode', TCP, '--object-pinned', '/x'] },
  {
    words: '--object-pinned /sys/fs/bpf/yes',
    want: '--object-pinned /sys/fs/bpf/yes',
    notAsked: 'the object exists on another machine',
  },
]);

describe('programs of classic BPF', () => {
  it('keeps the fields of each instruction', () => {
    expect(classicProgram.parse(['2,21 1 2 3,6 0 0 4294967295'], PLAIN)).toEqual({
      error: expect.stringContaining('jumps behind the end'),
    });
    expect(classicProgram.parse(['2,21 0 0 3,6 0 0 4294967295'], PLAIN)).toEqual({
      value: [
        { code: 21, jt: 0, jf: 0, k: 3 },
        { code: 6, jt: 0, jf: 0, k: 0xffffffff },
      ],
    });
  });

  it('follows what memory each way wrote', () => {
    const store = { code: 2, jt: 0, jf: 0, k: 1 };
    const load = { code: 96, jt: 0, jf: 0, k: 1 };
    const end = { code: 6, jt: 0, jf: 0, k: 0 };
    const skipIfZero = { code: 21, jt: 1, jf: 0, k: 0 };
    expect(programFault([store, load, end])).toBeUndefined();
    expect(programFault([skipIfZero, store, load, end])).toBe('instruction 2 reads memory that nothing wrote');
    expect(programFault([store, skipIfZero, store, load, end])).toBeUndefined();
  });
});
