import { describe, expect, it } from 'vitest';
import { multiport } from '../../../../grammar/modules/match/multiport.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN, PLAIN_V6, withProtocol, type Answer, type FieldValues } from '../support.js';

const TCP = withProtocol(6);
const FIFTEEN = '1,2,3,4,5,6,7,8,9,10,11,12,13,14,15';

testRows(multiport, [
  ...rows(
    TCP,
    ['--dports 53,1024:65535', '--dports 53,1024:65535'],
    ['--source-ports ssh,http', '--sports 22,80'],
    ['--destination-ports 0x10', '--dports 16'],
    ['! --ports 3,1,2', '! --ports 3,1,2'],
    [`--ports ${FIFTEEN}`, `--ports ${FIFTEEN}`],
    [`--ports ${FIFTEEN},16`],
    ['--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15', '--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15'],
    ['--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16'],
    ['--dports 4:4'],
    ['--dports 5:4'],
    ['--dports 4:'],
    ['--dports 1,'],
    ['--dports 65536'],
    ['--dports 1 --sports 2'],
    [''],
  ),
  ...rows(PLAIN, ['--dports 1']),
  ...rows(withProtocol(1), ['--dports 1']),
  ...rows(withProtocol(6, PLAIN, true), ['--dports 1']),
  ...rows(withProtocol(17), ['--dports snmp,ntp', '--dports 161,123']),
  ...rows(withProtocol(132, PLAIN_V6), ['--dports 1:2', '--dports 1:2']),
]);

const SEGMENT: FieldValues = { fragoff: 0, l4len: 4, sport: 4000, dport: 80 };

describe('condition of multiport', () => {
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '--dports 79,80', fields: {}, want: 'yes' },
    { words: '--dports 79,80', fields: { fragoff: 1 }, want: 'no' },
    { words: '! --dports 79', fields: { fragoff: 1 }, want: 'no' },
    { words: '! --dports 79', fields: { l4len: 3 }, want: 'hotdrop' },
    { words: '--sports 80', fields: {}, want: 'no' },
    { words: '--ports 80', fields: {}, want: 'yes' },
    { words: '--ports 3999:4001', fields: {}, want: 'yes' },
    { words: '! --ports 80,1', fields: {}, want: 'no' },
    { words: '! --ports 1,2', fields: {}, want: 'yes' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(multiport, words, TCP), { ...SEGMENT, ...fields })).toBe(want);
  });
});
