import { describe, expect, it } from 'vitest';
import { payloadTests } from '../../../../grammar/model/condition-parts.js';
import { ecn } from '../../../../grammar/modules/match/ecn.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN, PLAIN_V6, withProtocol, type Answer, type FieldValues } from '../support.js';

const TCP = withProtocol(6);

testRows(ecn, [
  ...rows(
    TCP,
    ['--ecn-ip-ect 2 ! --ecn-tcp-cwr --ecn-tcp-ece', '--ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 2'],
    ['! --ecn-ip-ect 0', '! --ecn-ip-ect 0'],
    ['--ecn-ip-ect 4'],
    [''],
  ),
  ...rows(PLAIN, ['--ecn-ip-ect 1', '--ecn-ip-ect 1'], ['--ecn-tcp-cwr'], ['! --ecn-tcp-ece']),
  ...rows(withProtocol(6, PLAIN_V6), ['! --ecn-tcp-ece', '! --ecn-tcp-ece']),
]);

describe('condition of ecn', () => {
  const SEGMENT: FieldValues = { tos: 0x02 };
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '--ecn-ip-ect 2', fields: {}, want: 'yes' },
    { words: '--ecn-ip-ect 2', fields: { tos: 0xfe }, want: 'yes' },
    { words: '! --ecn-ip-ect 2', fields: {}, want: 'no' },
    { words: '--ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 1', fields: {}, want: 'no' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(ecn, words, TCP), { ...SEGMENT, ...fields })).toBe(want);
  });

  it('asks for TCP flags wherever the transport header is said to be', () => {
    expect(payloadTests(conditionOf(ecn, '--ecn-tcp-ece ! --ecn-tcp-cwr', TCP))).toEqual([
      { kind: 'tcp-ecn', echo: true, reduced: false },
    ]);
  });
});
