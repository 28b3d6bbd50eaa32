import { expect, it } from 'vitest';
import { parseRule } from '../../../../grammar/index.js';
import { hashlimit } from '../../../../grammar/modules/match/hashlimit.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6 } from '../support.js';

testRows(hashlimit, [
  ...rows(
    PLAIN,
    ['--hashlimit 1/s --hashlimit-name a', '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name a'],
    ['! --hashlimit-upto 1/m --hashlimit-name b', '--hashlimit-above 1/min --hashlimit-burst 5 --hashlimit-name b'],
    ['! --hashlimit-above 7/hour --hashlimit-name c', '--hashlimit-upto 7/hour --hashlimit-burst 5 --hashlimit-name c'],
    [
      '--hashlimit-above 1/day --hashlimit-burst 1 --hashlimit-name d',
      '--hashlimit-above 1/day --hashlimit-burst 1 --hashlimit-name d',
    ],
    ['--hashlimit-upto 90/min --hashlimit-name e', '--hashlimit-upto 90/min --hashlimit-burst 5 --hashlimit-name e'],
    [
      '--hashlimit-upto 60/min --hashlimit-name e2',
      '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name e2 --hashlimit-htable-expire 60000',
    ],
    [
      '--hashlimit-upto 4kb/s --hashlimit-burst 400kb --hashlimit-name f',
      '--hashlimit-upto 4kb/s --hashlimit-burst 400kb --hashlimit-name f',
    ],
    ['--hashlimit-upto 10mb/s --hashlimit-name g', '--hashlimit-upto 10mb/s --hashlimit-name g'],
    [
      '--hashlimit-upto 123456b/s --hashlimit-burst 1mb --hashlimit-name h',
      '--hashlimit-upto 123456b/s --hashlimit-burst 1mb --hashlimit-name h',
    ],
    [
      '--hashlimit-upto 1000b/s --hashlimit-burst 1001 --hashlimit-name h2',
      '--hashlimit-upto 992b/s --hashlimit-burst 1kb --hashlimit-name h2',
    ],
    [
      '--hashlimit-upto 1/s --hashlimit-mode dstport|srcip,dstip --hashlimit-name i',
      '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-mode srcip,dstip,dstport --hashlimit-name i',
    ],
    [
      '--hashlimit-upto 1/s --hashlimit-name j --hashlimit-htable-size 7 --hashlimit-htable-max 8 --hashlimit-htable-gcinterval 9 --hashlimit-htable-expire 10 --hashlimit-srcmask 24 --hashlimit-dstmask 255.255.0.0',
      '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name j --hashlimit-htable-size 7 --hashlimit-htable-max 8 --hashlimit-htable-gcinterval 9 --hashlimit-htable-expire 10 --hashlimit-srcmask 24 --hashlimit-dstmask 16',
    ],
    [
      '--hashlimit-upto 1/s --hashlimit-name k --hashlimit-htable-expire 1000 --hashlimit-srcmask 32',
      '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name k',
    ],
    [
      '--hashlimit-upto 40/min --hashlimit-name l --hashlimit-rate-match',
      '--hashlimit-upto 40/sec --hashlimit-burst 5 --hashlimit-name l --hashlimit-htable-expire 60000 --hashlimit-rate-match --hashlimit-rate-interval 60',
    ],
    [
      '--hashlimit-upto 40mb/s --hashlimit-name m --hashlimit-rate-match --hashlimit-rate-interval 10x',
      '--hashlimit-upto 40mb/s --hashlimit-name m --hashlimit-rate-match --hashlimit-rate-interval 10',
    ],
    [
      '--hashlimit-upto 40/s --hashlimit-name n --hashlimit-rate-interval 10',
      '--hashlimit-upto 40/sec --hashlimit-burst 5 --hashlimit-name n',
    ],
    [
      '--hashlimit-upto 1/s --hashlimit-burst 1000000 --hashlimit-name o',
      '--hashlimit-upto 1/sec --hashlimit-burst 1000000 --hashlimit-name o',
    ],
    [
      '--hashlimit-upto 1/s --hashlimit-burst 2k --hashlimit-name o2',
      '--hashlimit-upto 1/sec --hashlimit-burst 2048 --hashlimit-name o2',
    ],
    // The kernel multiplies in 64 bits and looks whether it got less: some bursts that are too large go through.
    ['--hashlimit-upto 1/day --hashlimit-burst 2 --hashlimit-name o3'],
    [
      '--hashlimit-upto 1/day --hashlimit-burst 3 --hashlimit-name o4',
      '--hashlimit-upto 1/day --hashlimit-burst 3 --hashlimit-name o4',
    ],
    ['--hashlimit-upto 1/day --hashlimit-burst 100 --hashlimit-name o5'],
    [
      '--hashlimit-upto 1/day --hashlimit-burst 200 --hashlimit-name o6',
      '--hashlimit-upto 1/day --hashlimit-burst 200 --hashlimit-name o6',
    ],
    ['--hashlimit-upto 64000mb/s --hashlimit-name o7'],
    ['--hashlimit-upto 1/s --hashlimit-burst 1000001 --hashlimit-name p'],
    ['--hashlimit-upto 1/s --hashlimit-burst 1m --hashlimit-name p2'],
    ['--hashlimit-upto 1/s --hashlimit-burst 0 --hashlimit-name p3'],
    ['--hashlimit-upto 1mb/s --hashlimit-burst 5 --hashlimit-name q'],
    ['--hashlimit-upto 0/s --hashlimit-name r'],
    ['--hashlimit-upto 1000001/s --hashlimit-name r2'],
    ['--hashlimit-upto 1/week --hashlimit-name r3'],
    ['--hashlimit-upto 1/s --hashlimit-above 1/s --hashlimit-name s'],
    ['--hashlimit-upto 1/s --hashlimit-mode src --hashlimit-name t'],
    ['--hashlimit-upto 1/s --hashlimit-name u --hashlimit-srcmask 33'],
    ['--hashlimit-upto 1/s --hashlimit-name u2 --hashlimit-htable-gcinterval 0'],
    ['--hashlimit-upto 1/s --hashlimit-name u3 --hashlimit-htable-expire 0'],
    [
      '--hashlimit-upto 1/s --hashlimit-name w --hashlimit-htable-size 2000000 --hashlimit-htable-max 1048577',
      '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name w --hashlimit-htable-size 1048576 --hashlimit-htable-max 1048576',
    ],
    [
      '--hashlimit-upto 1/s --hashlimit-name w2 --hashlimit-rate-match --hashlimit-rate-interval 5000000000',
      '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name w2 --hashlimit-rate-match --hashlimit-rate-interval 705032704',
    ],
    [
      '--hashlimit-upto -2086184/b/s --hashlimit-name w3 --hashlimit-rate-match',
      '--hashlimit-upto 68719476704b/s --hashlimit-name w3 --hashlimit-rate-match',
    ],
    ['--hashlimit-upto 5000000000b/s --hashlimit-name w4', '--hashlimit-upto 5286113568b/s --hashlimit-name w4'],
    ['--hashlimit-upto -5/s --hashlimit-name u6'],
    ['--hashlimit-upto 1/s --hashlimit-name u5 --hashlimit-rate-interval 4294967295'],
    ['--hashlimit-upto 1/s --hashlimit-name u4 --hashlimit-rate-interval 0'],
    ['--hashlimit-upto 1/s'],
    ['--hashlimit-upto 1/s --hashlimit-name a/b'],
    ['--hashlimit-name v'],
    [''],
  ),
  ...rows(PLAIN_V6, [
    '--hashlimit-upto 1/s --hashlimit-name w --hashlimit-srcmask 64 --hashlimit-dstmask 128',
    '--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name w --hashlimit-srcmask 64',
  ]),
]);

it('means the same in another unit, where nothing else depends on it', () => {
  const conditionOf = (rate: string): unknown => {
    const text = `-m hashlimit --hashlimit-upto ${rate} --hashlimit-name a --hashlimit-htable-expire 5000`;
    const { rules, diagnostics } = parseRule(text, { family: 'v4', table: 'filter', chain: 'INPUT' });
    expect(diagnostics).toEqual([]);
    return rules[0].matches[0].condition;
  };
  expect(conditionOf('60/min')).toEqual(conditionOf('1/sec'));
  expect(conditionOf('60/min --hashlimit-rate-match')).not.toEqual(conditionOf('1/sec --hashlimit-rate-match'));
});
