import { describe, expect, it } from 'vitest';
import { payloadTests } from '../../../../grammar/model/condition-parts.js';
import { sctp } from '../../../../grammar/modules/match/sctp.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, withProtocol, type Answer, type FieldValues } from '../support.js';

const SCTP = withProtocol(132);

testRows(
  sctp,
  rows(
    SCTP,
    ['', ''],
    ['--sport 1:65535 ! --dport 7', '--sport 1:65535 ! --dport 7'],
    ['--source-port : --destination-port 5:', '--sport 0:65535 --dport 5:65535'],
    ['--sport 2:1'],
    ['--sport 65536'],
    ['--chunk-types any init,sack', '--chunk-types any INIT,SACK'],
    ['! --chunk-types ONLY SACK,DATA:iUb', '! --chunk-types only DATA:iUb,SACK'],
    ['--chunk-types all ABORT:T,SHUTDOWN_COMPLETE:t', '--chunk-types all ABORT:T,SHUTDOWN_COMPLETE:t'],
    ['--chunk-types all I_FORWARD_TSN,ASCONF_ACK,I_DATA:U', '--chunk-types all I_DATA,ASCONF_ACK,I_FORWARD_TSN'],
    ['--chunk-types all ALL', '--chunk-types all ALL'],
    ['--chunk-types any NONE', '--chunk-types any NONE'],
    ['--chunk-types any ,', '--chunk-types any NONE'],
    ['--chunk-types some INIT'],
    ['--chunk-types any WRONG'],
    ['--chunk-types any INIT:T'],
    ['--chunk-types any'],
    ['--chunk-types any -j'],
  ),
);

describe('condition of sctp', () => {
  const PACKET: FieldValues = { fragoff: 0, l4len: 12, sport: 1, dport: 2 };
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '', fields: {}, want: 'yes' },
    { words: '', fields: { fragoff: 1 }, want: 'no' },
    { words: '', fields: { l4len: 11 }, want: 'hotdrop' },
    { words: '! --sport 1', fields: {}, want: 'no' },
    { words: '--sport 1 --dport 2:3', fields: {}, want: 'yes' },
    { words: '--dport 3 --chunk-types any INIT', fields: {}, want: 'no' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(sctp, words, SCTP), { ...PACKET, ...fields })).toBe(want);
  });

  it('asks for chunks and their flags', () => {
    expect(payloadTests(conditionOf(sctp, '! --chunk-types any INIT,DATA:Bu', SCTP))).toEqual([
      {
        kind: 'sctp-chunks',
        match: 'any',
        types: [0, 1],
        flags: [{ type: 0, mask: 0x06, set: 0x02 }],
        inverted: true,
      },
    ]);
  });

  it('gives the kernel the place of a chunk in the list where it has flags, as iptables does', () => {
    expect(payloadTests(conditionOf(sctp, '--chunk-types all I_DATA:U', SCTP))).toMatchObject([
      { types: [64], flags: [{ type: 15, mask: 0x04, set: 0x04 }] },
    ]);
  });
});
