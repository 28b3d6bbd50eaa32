import { describe, expect, it } from 'vitest';
import { tcp } from '../../../../grammar/modules/match/tcp.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN_V6, withProtocol, type Answer, type FieldValues } from '../support.js';

const TCP = withProtocol(6);

testRows(tcp, [
  ...rows(
    TCP,
    ['', ''],
    ['--sport 1', '--sport 1'],
    ['--source-port 1', '--sport 1'],
    ['--destination-port http', '--dport 80'],
    ['--dport 0x50', '--dport 80'],
    ['--dport 010', '--dport 8'],
    ['--dport ssh:https', '--dport 22:443'],
    ['--dport 1024:', '--dport 1024:65535'],
    ['--dport :1023', '--dport 0:1023'],
    ['--dport :', ''],
    ['--dport 0:65535 --sport 7', '--sport 7'],
    ['--dport 7:7', '--dport 7'],
    ['! --sport 1:2 ! --dport 3', '! --sport 1:2 ! --dport 3'],
    ['--dport 20:10'],
    ['--dport 65536'],
    ['--dport -1'],
    ['--dport 1:2:3'],
    ['--dport 1,2'],
    ['--dport 1x'],
    ['--dport nothing'],
    ['--dport SSH'],
    [['--dport', '']],
    ['--dport 1 --dport 2'],
    ['--syn', '--tcp-flags FIN,SYN,RST,ACK SYN'],
    ['! --syn', '! --tcp-flags FIN,SYN,RST,ACK SYN'],
    ['--tcp-flags ALL NONE', '--tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE'],
    ['--tcp-flags ack,SYN syn', '--tcp-flags SYN,ACK SYN'],
    ['--tcp-flags ,SYN, SYN', '--tcp-flags SYN SYN'],
    ['--tcp-flags NONE NONE', ''],
    ['! --tcp-flags NONE NONE', '! --tcp-flags NONE NONE'],
    ['--tcp-flags SYN ACK', '--tcp-flags SYN ACK'],
    ['--tcp-flags SYN'],
    ['--tcp-flags SYN -x'],
    ['--tcp-flags ECE SYN'],
    ['--syn --tcp-flags SYN SYN'],
    ['--tcp-option 2', '--tcp-option 2'],
    ['--tcp-flags SYN SYN --tcp-option 0x02', '--tcp-option 2 --tcp-flags SYN SYN'],
    ['! --tcp-option 255 --dport 1', '--dport 1 ! --tcp-option 255'],
    ['--tcp-option 0'],
    ['--tcp-option 256'],
  ),
  { words: '! --dport :', want: '! --dport 0:65535', context: TCP, newer: true },
  { words: '--dport 22', want: '--dport 22', context: withProtocol(6, PLAIN_V6) },
]);

const SEGMENT: FieldValues = {
  fragoff: 0,
  l4len: 40,
  sport: 4000,
  dport: 80,
  'tcp.flags': 0x02,
  'tcp.doff': 10,
  'tcp.whole': 1,
  'tcp.options': (1n << 2n) | (1n << 1n),
};

describe('condition of tcp', () => {
  it.each<{ words: string; fields: FieldValues; want: Answer }>([
    { words: '', fields: {}, want: 'yes' },
    { words: '', fields: { fragoff: 2 }, want: 'no' },
    { words: '', fields: { fragoff: 1 }, want: 'hotdrop' },
    { words: '! --dport 443', fields: { fragoff: 2 }, want: 'no' },
    { words: '', fields: { l4len: 19 }, want: 'hotdrop' },
    { words: '', fields: { l4len: 20, 'tcp.doff': 15, 'tcp.whole': 0 }, want: 'yes' },
    { words: '! --dport 80', fields: { l4len: 0, dport: 0, sport: 0 }, want: 'hotdrop' },
    { words: '--dport 80', fields: {}, want: 'yes' },
    { words: '--dport 81', fields: {}, want: 'no' },
    { words: '! --dport 80', fields: {}, want: 'no' },
    { words: '--dport 79:81 --sport 4000:', fields: {}, want: 'yes' },
    { words: '--dport 79:81 ! --sport 4000:', fields: {}, want: 'no' },
    { words: '! --dport :', fields: {}, want: 'no' },
    { words: '--syn', fields: {}, want: 'yes' },
    { words: '--syn', fields: { 'tcp.flags': 0xc2 }, want: 'yes' },
    { words: '--syn', fields: { 'tcp.flags': 0x12 }, want: 'no' },
    { words: '! --syn', fields: { 'tcp.flags': 0x12 }, want: 'yes' },
    { words: '--tcp-flags SYN NONE', fields: {}, want: 'no' },
    { words: '--tcp-flags SYN NONE', fields: { 'tcp.flags': 0x10 }, want: 'yes' },
    { words: '--tcp-flags SYN SYN,ACK', fields: { 'tcp.flags': 0x12 }, want: 'no' },
    { words: '--tcp-option 2', fields: {}, want: 'yes' },
    { words: '! --tcp-option 2', fields: {}, want: 'no' },
    { words: '--tcp-option 8', fields: {}, want: 'no' },
    { words: '! --tcp-option 8', fields: {}, want: 'yes' },
    { words: '--tcp-option 2', fields: { 'tcp.doff': 4 }, want: 'hotdrop' },
    { words: '! --tcp-option 8', fields: { 'tcp.whole': 0, 'tcp.options': 0 }, want: 'hotdrop' },
    { words: '! --tcp-option 8', fields: { 'tcp.doff': 5, 'tcp.options': 0 }, want: 'yes' },
    // Ports are asked before options: a port that does not fit keeps a bad header from being dropped.
    { words: '--dport 81 --tcp-option 2', fields: { 'tcp.doff': 4 }, want: 'no' },
    { words: '! --syn --tcp-option 2', fields: { 'tcp.doff': 4 }, want: 'no' },
  ])('$words on $fields: $want', ({ words, fields, want }) => {
    expect(evaluate(conditionOf(tcp, words, TCP), { ...SEGMENT, ...fields })).toBe(want);
  });
});
