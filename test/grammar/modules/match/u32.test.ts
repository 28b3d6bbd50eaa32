import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { u32 } from '../../../../grammar/modules/match/u32.js';
import { U32_OPERATORS, u32Tests, type U32Test } from '../../../../grammar/modules/value/u32-tests.js';
import { testRows, type Row } from '../rows.js';
import { PLAIN } from '../support.js';

const upTo = (count: number, joint: string): string => Array.from({ length: count }, (_, i) => String(i)).join(joint);

function accepted(text: string, want: string, inverted = ''): Row {
  const flag = `${inverted}--u32`;
  return { words: [...flag.split(' '), text], want: `${flag} ${want}`, saved: `${flag} "${want}"` };
}

testRows(u32, [
  accepted('0=0', '0x0=0x0'),
  accepted('6&0xFF=1', '0x6&0xff=0x1', '! '),
  accepted(
    ' 0 >> 22 & 0x3C @ 0 >> 24 = 0 , 010:0x1F && 4 << 1 = +7 ',
    '0x0>>0x16&0x3c@0x0>>0x18=0x0,0x8:0x1f&&0x4<<0x1=0x7',
  ),
  accepted('0=5:3', '0x0=0x5:0x3'),
  accepted('0=5:5', '0x0=0x5'),
  accepted('0>>31=0:0xffffffff', '0x0>>0x1f=0x0:0xffffffff'),
  accepted(`${upTo(10, '&')}=1`, '0x0&0x1&0x2&0x3&0x4&0x5&0x6&0x7&0x8&0x9=0x1'),
  accepted(`0=${upTo(10, ',')}`, '0x0=0x0,0x1,0x2,0x3,0x4,0x5,0x6,0x7,0x8,0x9'),
  ...[
    '',
    '0',
    '=1',
    '0=',
    '0=1,',
    '0=1&&',
    '0=&&1=2',
    '0=1:2:3',
    '0=1 2',
    '0=1=2',
    '0 1=1',
    '0==1',
    '0< <1=2',
    '0|1=2',
    '0=1&2=3',
    '0=-1',
    '0=4294967296',
    '0x=1',
    `${upTo(11, '&')}=1`,
    `0=${upTo(11, ',')}`,
    Array.from({ length: 11 }, () => '0=0').join('&&'),
  ].map((text) => ({ words: ['--u32', text] })),
  ...['0>>32=0', '0<<32=0'].map((text) => ({ words: ['--u32', text], notAsked: 'older kernels take it' })),
  { words: '' },
]);

describe('tests of u32', () => {
  it('keeps offset, steps and ranges', () => {
    expect(u32Tests.parse(['0>>22&0x3C@0=1,5:9&&4=0'], PLAIN)).toEqual({
      value: [
        {
          offset: 0,
          steps: [
            { operator: '>>', number: 22 },
            { operator: '&', number: 0x3c },
            { operator: '@', number: 0 },
          ],
          ranges: [
            { lo: 1, hi: 1 },
            { lo: 5, hi: 9 },
          ],
        },
        { offset: 4, steps: [], ranges: [{ lo: 0, hi: 0 }] },
      ],
    });
  });

  it('reads back what it prints', () => {
    const number = fc.nat(0xffffffff);
    const step = fc.oneof(
      fc.record({ operator: fc.constantFrom('&' as const, '@' as const), number }),
      fc.record({ operator: fc.constantFrom('<<' as const, '>>' as const), number: fc.nat(31) }),
    );
    const test: fc.Arbitrary<U32Test> = fc.record({
      offset: number,
      steps: fc.array(step, { maxLength: 9 }),
      ranges: fc.array(fc.record({ lo: number, hi: number }), { minLength: 1, maxLength: 10 }),
    });
    fc.assert(
      fc.property(fc.array(test, { minLength: 1, maxLength: 10 }), (tests) => {
        expect(u32Tests.parse(u32Tests.print(tests, PLAIN), PLAIN)).toEqual({ value: tests });
      }),
    );
  });

  it('never throws', () => {
    const piece = fc.constantFrom(...U32_OPERATORS, '=', ',', ':', '&&', ' ', '0', '7', '0x1f', '-', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const parsed = u32Tests.parse([pieces.join('')], PLAIN);
        if ('value' in parsed) expect(parsed.value.length).toBeGreaterThan(0);
        else expect(parsed.error).toContain('"');
      }),
    );
  });
});
