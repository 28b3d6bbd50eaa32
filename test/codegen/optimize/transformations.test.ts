import { describe, expect, it } from 'vitest';
import { optimizedLines, type Case } from './optimized-text.js';

interface Row extends Case {
  readonly name: string;
  readonly want: readonly string[];
}

const TCP = 'drop if fragoff 1, fragoff 0, drop if not (l4len 20-65535)';

const SIMPLIFY: readonly Row[] = [
  {
    name: 'two tests of one number are one',
    rules: ['-A INPUT -s 0.0.0.0/30 -m iprange --src-range 0.0.0.2-0.0.0.9 -j DROP'],
    want: ['INPUT 1: saddr 2-3'],
  },
  {
    name: 'a test that cannot hold',
    rules: ['-A INPUT -s 0.0.0.1/32 -m iprange --src-range 0.0.0.2-0.0.0.9 -j DROP', '-A INPUT -j ACCEPT'],
    want: ['INPUT 2: always', 'INPUT 1: contradictory'],
  },
  {
    name: 'what drops cut packets stays, though the rule matches none',
    rules: ['-A INPUT -p tcp -m tcp --dport 1 -m multiport --dports 2,3 -j ACCEPT'],
    want: [`INPUT 1: proto 6, ${TCP}, never`],
  },
  {
    name: 'a test behind one with memory makes none before it narrower',
    rules: ['-A INPUT -s 0.0.0.0/30 -m limit --limit 1/sec -m iprange --src-range 0.0.0.2-0.0.0.9 -j DROP'],
    want: ['INPUT 1: saddr 0-3, limit, saddr 2-9'],
  },
  {
    name: 'a mark that a rule changes is asked again',
    rules: [
      '-A INPUT -m mark --mark 1 -j M',
      '-A M -m mark --mark 1 -j MARK --set-mark 2',
      '-A M -m mark --mark 1 -j DROP',
    ],
    userChains: ['M'],
    want: ['INPUT 1: mark 1', 'M 1: mark 1', 'M 2: mark 1', 'M: inlined'],
  },
];

const SPECIALISE: readonly Row[] = [
  {
    name: 'headers are looked at once a chain, where every packet of the protocol comes there',
    rules: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
    want: [`INPUT 1: proto 6, ${TCP}, dport 22`, 'INPUT 2: dport 80, proto 6, fragoff 0'],
  },
  {
    name: 'but not where only some packets came to the first',
    rules: ['-A INPUT -s 0.0.0.1/32 -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
    want: [`INPUT 1: saddr 1, proto 6, ${TCP}, dport 22`, `INPUT 2: proto 6, ${TCP}, dport 80`],
  },
  {
    name: 'a chain knows what leads to it',
    rules: ['-A INPUT -p tcp -j T', '-A T -p tcp -m tcp --dport 22 -j ACCEPT', '-A T -p udp -j DROP'],
    userChains: ['T'],
    want: ['INPUT 1: proto 6', `T 1: ${TCP}, dport 22`, 'T: inlined', 'T 2: contradictory'],
  },
  {
    name: 'of two ways, what both know',
    rules: [
      '-A INPUT -s 0.0.0.1/32 -p tcp -j T',
      '-A INPUT -p udp -j T',
      '-A T -p icmp -j DROP',
      '-A T -p tcp -j DROP',
    ],
    userChains: ['T'],
    want: ['INPUT 1: saddr 1, proto 6', 'INPUT 2: proto 17', 'T 2: proto 6', 'T 1: contradictory'],
  },
  {
    name: 'a chain that only rules lead to that match nothing',
    rules: ['-A INPUT -p tcp -j T', '-A T -p udp -j U', '-A U -j DROP'],
    userChains: ['T', 'U'],
    want: ['INPUT 1: proto 6', 'T: inlined', 'T 1: contradictory', 'U 1: unreachable'],
  },
];

const COVERED: readonly Row[] = [
  {
    name: 'a block of addresses takes those in it',
    rules: [
      '-A INPUT -s 0.0.0.0/8 -j ACCEPT',
      '-A INPUT -s 0.1.0.0/16 -p udp -j DROP',
      '-A INPUT -s 1.0.0.0/8 -j DROP',
    ],
    want: ['INPUT 1: saddr 0-16777215', 'INPUT 3: saddr 16777216-33554431', 'INPUT 2: covered'],
  },
  {
    name: 'with the same headers looked at',
    rules: [
      '-A INPUT -s 0.0.0.1/32 -p tcp -m tcp --dport 22 -j ACCEPT',
      '-A INPUT -s 0.0.0.1/32 -p tcp -m tcp --sport 5 --dport 22 -j DROP',
    ],
    want: [`INPUT 1: saddr 1, proto 6, ${TCP}, dport 22`, 'INPUT 2: covered'],
  },
  {
    name: 'behind one for all packets',
    rules: ['-A INPUT -j ACCEPT', '-A INPUT -m limit --limit 1/sec -j DROP', '-A INPUT -j LOG'],
    want: ['INPUT 1: always', 'INPUT 2: covered', 'INPUT 3: covered'],
  },
  {
    name: 'a rule with memory takes none for certain, one that goes on takes none',
    rules: ['-A INPUT -m limit --limit 1/sec -j ACCEPT', '-A INPUT', '-A INPUT -j T', '-A INPUT -s 0.0.0.1/32 -j DROP'],
    userChains: ['T'],
    want: ['INPUT 1: limit', 'INPUT 2: always', 'INPUT 3: always', 'INPUT 4: saddr 1', 'T: inlined'],
  },
  {
    name: 'a rule with memory is not come to either',
    rules: ['-A INPUT -s 0.0.0.1/32 -j ACCEPT', '-A INPUT -s 0.0.0.1/32 -m limit --limit 1/sec -j DROP'],
    want: ['INPUT 1: saddr 1', 'INPUT 2: covered'],
  },
  {
    name: 'a rule that would drop cut packets before it asks for the address is come to',
    rules: [
      '-A INPUT -s 0.0.0.1/32 -j ACCEPT',
      '-A INPUT -p tcp -m tcp --dport 1 -m iprange --src-range 0.0.0.1-0.0.0.1 -j DROP',
    ],
    want: ['INPUT 1: saddr 1', `INPUT 2: proto 6, ${TCP}, saddr 1, dport 1`],
  },
  {
    name: 'an address between negations',
    rules: ['-A INPUT ! -s 0.0.0.1/32 -j ACCEPT', '-A INPUT ! -s 0.0.0.0/30 -j DROP'],
    want: ['INPUT 1: saddr 0|2-4294967295', 'INPUT 2: covered'],
  },
  {
    name: 'RETURN and goto end a way through the chain',
    rules: [
      '-A INPUT -j T',
      '-A T -s 0.0.0.0/8 -j RETURN',
      '-A T -s 1.0.0.0/8 -g U',
      '-A T -s 0.0.0.1/32 -j DROP',
      '-A T -s 1.0.0.1/32 -j DROP',
      '-A U -p tcp -j DROP',
    ],
    userChains: ['T', 'U'],
    want: [
      'INPUT 1: always',
      'T 1: saddr 0-16777215',
      'T 2: saddr 16777216-33554431',
      'U 1: proto 6',
      'U: inlined',
      'T: inlined',
      'T 3: covered',
      'T 4: covered',
    ],
  },
  {
    name: 'IPv6',
    rules: ['-A INPUT -s ::/64 -j ACCEPT', '-A INPUT -s ::1/128 -j DROP', '-A INPUT -s 1::/64 -j DROP'],
    place: { family: 'v6' },
    want: [
      'INPUT 1: saddr 0-18446744073709551615',
      'INPUT 3: saddr 5192296858534827628530496329220096-5192296858534846075274570038771711',
      'INPUT 2: covered',
    ],
  },
];

const ORDER: readonly Row[] = [
  {
    name: 'devices behind addresses',
    rules: ['-A INPUT -i eth0 -d 0.0.0.1/32 -j ACCEPT'],
    want: ['INPUT 1: daddr 1, iif 134856447183417123626606345666747695104'],
  },
  {
    name: 'nothing passes what remembers or drops',
    rules: [
      '-A INPUT -m length --length 1:100 -m limit --limit 1/sec -m ttl --ttl-eq 1 -p tcp -m tcp --dport 1 -j ACCEPT',
    ],
    want: [`INPUT 1: length 1-100, proto 6, limit, ttl 1, ${TCP}, dport 1`],
  },
];

const INLINE: readonly Row[] = [
  {
    name: 'a chain that two rules jump to is called',
    rules: ['-A INPUT -p tcp -j T', '-A INPUT -p udp -j T', '-A T -j DROP'],
    userChains: ['T'],
    want: ['INPUT 1: proto 6', 'INPUT 2: proto 17', 'T 1: always'],
  },
  {
    name: 'a long chain is called, and what jumps to it',
    rules: ['-A INPUT -p tcp -j T', '-A T -j U', ...Array.from({ length: 8 }, (_, i) => `-A U -s 0.0.0.${i}/32`)],
    userChains: ['T', 'U'],
    want: ['INPUT 1: proto 6', 'T 1: always', ...Array.from({ length: 8 }, (_, i) => `U ${i + 1}: saddr ${i}`)],
  },
];

const FOLD: readonly Row[] = [
  {
    name: 'a list of addresses',
    rules: [
      '-A INPUT -p tcp -j LOG',
      ...Array.from({ length: 5 }, (_, i) => `-A INPUT -s 0.0.0.${i}/32 -p tcp -j DROP`),
      '-A INPUT -s 0.0.0.9/32 -p udp -j DROP',
    ],
    want: ['INPUT 1: proto 6', 'INPUT 2 to 5: proto 6, by saddr', 'INPUT 7: saddr 9, proto 17'],
  },
  {
    name: 'ports, behind the rule that looks at the headers',
    rules: Array.from(
      { length: 6 },
      (_, i) => `-A INPUT -p tcp -m tcp --dport ${i + 20} -j ${i % 2 ? 'DROP' : 'ACCEPT'}`,
    ),
    want: [`INPUT 1: proto 6, ${TCP}, dport 20`, 'INPUT 2 to 5: proto 6, fragoff 0, by dport'],
  },
  {
    name: 'not rules that go on, or remember',
    rules: Array.from(
      { length: 4 },
      (_, i) => `-A INPUT -s 0.0.0.${i}/32 ${i === 2 ? '-m limit --limit 1/sec -j DROP' : '-j LOG'}`,
    ),
    want: ['INPUT 1: saddr 0', 'INPUT 2: saddr 1', 'INPUT 3: saddr 2, limit', 'INPUT 4: saddr 3'],
  },
];

describe.each([
  { file: 'simplify', rows: SIMPLIFY },
  { file: 'specialise-chains', rows: SPECIALISE },
  { file: 'covered-rules', rows: COVERED },
  { file: 'order-tests', rows: ORDER },
  { file: 'inline-chains', rows: INLINE },
  { file: 'fold-lists', rows: FOLD },
])('$file', ({ rows }) => {
  it.each(rows)('$name', ({ want, ...one }) => {
    expect(optimizedLines(one)).toEqual(want);
  });
});
