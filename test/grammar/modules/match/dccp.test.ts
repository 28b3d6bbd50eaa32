import { describe, expect, it } from 'vitest';
import { payloadTests } from '../../../../grammar/model/condition-parts.js';
import { dccp } from '../../../../grammar/modules/match/dccp.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, withProtocol, type Answer, type FieldValues } from '../support.js';

const DCCP = withProtocol(33);

testRows(
  dccp,
  rows(
    DCCP,
    ['', ''],
    ['--sport : ! --destination-port 1:5', '--sport 0:65535 ! --dport 1:5'],
    ['--dccp-types ack,REQUEST', '--dccp-types REQUEST,ACK'],
    ['! --dccp-types INVALID', '! --dccp-types INVALID'],
    ['--dccp-option 255', '--dccp-option 255'],
    ['--dccp-option 0'],
    ['--dccp-types WRONG'],
  ),
);

describe('condition of dccp', () => {
  const PACKET: FieldValues = { fragoff: 0, l4len: 12, sport: 1, dport: 2 };
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '', fields: {}, want: 'yes' },
    { words: '! --sport 5', fields: { fragoff: 3 }, want: 'no' },
    { words: '', fields: { l4len: 11 }, want: 'hotdrop' },
    { words: '--dport 2', fields: {}, want: 'yes' },
    { words: '! --dport 2 --dccp-types ACK', fields: {}, want: 'no' },
    { words: '--dccp-types ACK', fields: { 'dccp.type': 3 }, want: 'yes' },
    { words: '! --dccp-types ACK,INVALID', fields: { 'dccp.type': 4 }, want: 'yes' },
    { words: '--dccp-types INVALID', fields: { 'dccp.type': 13 }, want: 'yes' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(dccp, words, DCCP), { ...PACKET, ...fields })).toBe(want);
  });

  it('asks for options', () => {
    expect(payloadTests(conditionOf(dccp, '--sport 1 ! --dccp-option 5', DCCP))).toEqual([
      { kind: 'dccp-option', option: 5, inverted: true },
    ]);
  });
});
