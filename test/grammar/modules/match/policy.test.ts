import { describe, expect, it } from 'vitest';
import { parseRule } from '../../../../grammar/index.js';
import type { BuiltinChain } from '../../../../grammar/model/family.js';
import { policy } from '../../../../grammar/modules/match/policy.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6 } from '../support.js';

const IN = '--dir in --pol ipsec';

testRows(policy, [
  ...rows(
    PLAIN,
    ['--dir in', IN],
    ['--pol none --dir in', '--dir in --pol none'],
    // Of --pol none the first element is forgotten.
    ['--dir in --pol none --reqid 1', '--dir in --pol none'],
    [
      `--strict ! --proto 51 ! --mode transport ! --tunnel-src 1.2.3.4/8 --tunnel-dst 1.2/16 ! --spi 10 --reqid 0x11 --dir in`,
      `${IN} --strict --reqid 17 ! --spi 0xa ! --proto ah ! --mode transport --tunnel-dst 1.0.0.2/16 ! --tunnel-src 1.2.3.4/8`,
    ],
    ['--dir in --reqid 1 --next ! --reqid 1 --spi 2 --strict', `${IN} --strict --reqid 1 --next ! --reqid 1 --spi 0x2`],
    [
      '--dir in --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4',
      `${IN} --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4`,
    ],
    ['--dir in --mode tunnel --proto ipcomp', `${IN} --proto ipcomp --mode tunnel`],
    ['--dir in --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4 --next --reqid 5'],
    ['--dir in --strict'],
    ['--dir in --strict --reqid 1 --next'],
    ['--dir in --strict --next --reqid 1'],
    ['--dir in --reqid 1 --next --reqid 2'],
    ['--dir in --strict --reqid 1 --next --spi 1 --spi 2'],
    ['--dir in --reqid 1 --reqid 2'],
    ['--dir in --pol none --strict'],
    ['--dir in --pol none --strict --reqid 1 --next --reqid 2'],
    ['--dir in --strict --reqid 1 ! --next --reqid 2'],
    ['--dir in --tunnel-src 1.2.3.4'],
    ['--dir in --mode transport --tunnel-src 1.2.3.4'],
    ['--dir in ! --mode tunnel --tunnel-dst 1.2.3.4'],
    ['--dir in --strict --mode tunnel --next --tunnel-dst 1.2.3.4'],
    ['--dir in --proto tcp'],
    ['--dir in --mode other'],
    ['--dir in --spi 4294967296'],
    ['--dir other'],
    ['--pol ipsec'],
    ['--dir in --pol other'],
    ['! --dir in'],
    [''],
  ),
  ...rows(
    PLAIN_V6,
    ['--dir in --mode tunnel --tunnel-src a::1/64', `${IN} --mode tunnel --tunnel-src a::1/64`],
    ['--dir in --mode tunnel --tunnel-src 1.2.3.4'],
  ),
]);

describe('where policy can stand', () => {
  const where = (words: string): readonly BuiltinChain[] =>
    (['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const).filter(
      (chain) => parseRule(`-m policy ${words}`, { family: 'v4', table: 'mangle', chain }).rules.length === 1,
    );

  it.each([
    { words: '--dir in', want: ['PREROUTING', 'INPUT', 'FORWARD'] },
    { words: '--dir out', want: ['FORWARD', 'OUTPUT', 'POSTROUTING'] },
  ])('$words: $want', ({ words, want }) => {
    expect(where(words)).toEqual(want);
  });
});
