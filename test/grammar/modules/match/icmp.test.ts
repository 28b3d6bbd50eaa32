import { describe, expect, it } from 'vitest';
import { icmp } from '../../../../grammar/modules/match/icmp.js';
import { icmp6 } from '../../../../grammar/modules/match/icmp6.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN_V6, withProtocol, type Answer, type FieldValues } from '../support.js';

const ICMP = withProtocol(1);
const ICMPV6 = withProtocol(58, PLAIN_V6);

testRows(icmp, [
  ...rows(
    ICMP,
    ['--icmp-type echo-request', '--icmp-type 8'],
    ['--icmp-type ping', '--icmp-type 8'],
    ['--icmp-type PONG', '--icmp-type 0'],
    ['--icmp-type any', '--icmp-type any'],
    ['--icmp-type 255', '--icmp-type any'],
    ['--icmp-type port-unreachable', '--icmp-type 3/3'],
    ['--icmp-type frag', '--icmp-type 3/4'],
    ['--icmp-type redirect', '--icmp-type 5'],
    ['--icmp-type 3/0x0d', '--icmp-type 3/13'],
    ['--icmp-type 3/0:255', '--icmp-type 3'],
    ['--icmp-type 3/1:5', '--icmp-type 3/1'],
    ['! --icmp-type 8', '! --icmp-type 8'],
    [''],
    ['--icmp-type host-un'],
    ['--icmp-type 256'],
    ['--icmp-type 3/256'],
    ['--icmp-type 3/'],
    ['--icmp-type 3x'],
    ['--icmp-type 3:4'],
    ['--icmp-type nothing'],
    [['--icmp-type', '']],
    ['--icmp-type 3 --icmp-type 4'],
  ),
  { words: '--icmp-type 255/255', want: '--icmp-type 255/255', context: ICMP, newer: true },
]);

testRows(
  icmp6,
  rows(
    ICMPV6,
    ['--icmpv6-type packet-too-big', '--icmpv6-type 2'],
    ['--icmpv6-type neighbor-solicitation', '--icmpv6-type 135'],
    ['--icmpv6-type no-route', '--icmpv6-type 1/0'],
    ['--icmpv6-type 255', '--icmpv6-type 255'],
    ['! --icmpv6-type 128/0', '! --icmpv6-type 128/0'],
    ['--icmpv6-type any'],
    ['--icmpv6-type neigh'],
    [''],
  ),
);

describe('condition of icmp', () => {
  const ECHO: FieldValues = { fragoff: 0, l4len: 8, 'icmp.type': 8, 'icmp.code': 0 };
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '--icmp-type 8', fields: {}, want: 'yes' },
    { words: '--icmp-type 8', fields: { fragoff: 1 }, want: 'no' },
    { words: '! --icmp-type 8', fields: { fragoff: 1 }, want: 'no' },
    { words: '--icmp-type any', fields: { l4len: 7 }, want: 'hotdrop' },
    { words: '! --icmp-type 8', fields: {}, want: 'no' },
    { words: '--icmp-type any', fields: {}, want: 'yes' },
    { words: '! --icmp-type any', fields: {}, want: 'no' },
    { words: '--icmp-type 255/3', fields: {}, want: 'yes' },
    { words: '--icmp-type 8/1', fields: {}, want: 'no' },
    { words: '! --icmp-type 8/1', fields: {}, want: 'yes' },
    { words: '--icmp-type 3/1:5', fields: { 'icmp.type': 3, 'icmp.code': 5 }, want: 'yes' },
    { words: '--icmp-type 3/1:5', fields: { 'icmp.type': 3, 'icmp.code': 6 }, want: 'no' },
    { words: '--icmp-type 3/5:1', fields: { 'icmp.type': 3, 'icmp.code': 3 }, want: 'no' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(icmp, words, ICMP), { ...ECHO, ...fields })).toBe(want);
  });
});

describe('condition of icmp6', () => {
  const ECHO: FieldValues = { fragoff: 0, l4len: 8, 'icmp.type': 128, 'icmp.code': 0 };
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '--icmpv6-type 128', fields: {}, want: 'yes' },
    { words: '--icmpv6-type 255', fields: {}, want: 'no' },
    { words: '--icmpv6-type 255', fields: { 'icmp.type': 255 }, want: 'yes' },
    { words: '! --icmpv6-type 255', fields: {}, want: 'yes' },
    { words: '! --icmpv6-type 255', fields: { fragoff: 8 }, want: 'no' },
    { words: '--icmpv6-type 128', fields: { l4len: 4 }, want: 'hotdrop' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(icmp6, words, ICMPV6), { ...ECHO, ...fields })).toBe(want);
  });
});
