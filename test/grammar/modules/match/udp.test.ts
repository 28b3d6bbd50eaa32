import { describe, expect, it } from 'vitest';
import { udp } from '../../../../grammar/modules/match/udp.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN_V6, withProtocol, type Answer, type FieldValues } from '../support.js';

const UDP = withProtocol(17);

testRows(udp, [
  ...rows(
    UDP,
    ['', ''],
    ['--sport 1 --destination-port 65535', '--sport 1 --dport 65535'],
    ['--dport 53:', '--dport 53:65535'],
    ['--dport domain:snmp', '--dport 53:161'],
    ['--dport http', '--dport 80'],
    ['--dport :', ''],
    [['--dport', ''], '--dport 0'],
    // Resolved by getaddrinfo: decimal alone, and 16 bits of it are kept.
    ['--dport 010', '--dport 10'],
    ['--dport 0x50'],
    ['--dport 65537', '--dport 1'],
    ['--dport 4294967297', '--dport 1'],
    ['--dport 2147483648'],
    ['--dport 1:2:3'],
    ['--sport 1 --source-port 2'],
    ['--dport nothing'],
  ),
  ...[
    { words: '--dport 4:3', context: UDP },
    { words: '! --sport 0:65535', want: '! --sport 0:65535', context: UDP },
  ].map((row) => ({ ...row, newer: true as const })),
  { words: '! --dport 53', want: '! --dport 53', context: withProtocol(17, PLAIN_V6) },
]);

const OLDER = { ...UDP, takesReversedRanges: true };

testRows(udp, [
  {
    words: '--dport 4:3',
    want: '--dport 4:3',
    context: OLDER,
    notAsked: 'newer iptables refuses it',
  },
]);

const DATAGRAM: FieldValues = { fragoff: 0, l4len: 8, sport: 4000, dport: 53 };

describe('condition of udp', () => {
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '', fields: {}, want: 'yes' },
    { words: '', fields: { fragoff: 1 }, want: 'no' },
    { words: '! --dport 1', fields: { fragoff: 8 }, want: 'no' },
    { words: '', fields: { l4len: 7 }, want: 'hotdrop' },
    { words: '--dport 53', fields: {}, want: 'yes' },
    { words: '--dport 54:52', fields: {}, want: 'no' },
    { words: '! --dport 54:52', fields: {}, want: 'yes' },
    { words: '! --dport 53', fields: {}, want: 'no' },
    { words: '! --dport 54 --sport 4000', fields: {}, want: 'yes' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(udp, words, OLDER), { ...DATAGRAM, ...fields })).toBe(want);
  });
});
