import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { lint } from '../../../src/lint/lint.js';
import { lintScan } from '../../../src/lint/print.js';

function read(rules: string, family: 'v4' | 'v6' = 'v4'): Ruleset {
  const chains = ['X', 'Y'].map((name) => `:${name} - [0:0]`).join('\n');
  const text = `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${chains}\n${rules}\nCOMMIT\n`;
  const { ruleset, diagnostics } = parseDump(text, { family });
  expect(diagnostics).toEqual([]);
  return ruleset;
}

/** The line of the first rule. */
const FIRST = 7;

interface Case {
  readonly name: string;
  readonly have: readonly string[];
  /** `code CHAIN number <- CHAIN number, …`. */
  readonly want: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: 'a mark of the connection before and behind the rule that sets it',
    have: [
      '-A INPUT -m connmark --mark 1 -j ACCEPT',
      '-A INPUT -j CONNMARK --set-mark 1',
      '-A INPUT -m connmark --mark 1 -j DROP',
    ],
    want: [],
  },
  {
    name: 'a state before and behind a target that is not known',
    have: [
      '-A INPUT -m conntrack --ctstate NEW -j ACCEPT',
      '-A INPUT -p tcp -j SYNPROXY',
      '-A INPUT -m conntrack --ctstate NEW -j DROP',
    ],
    want: [],
  },
  {
    name: 'what remembers every packet lets none by',
    have: [
      '-A INPUT -p tcp -m recent --name x --set -j X',
      '-A INPUT -m recent --name x --set -j DROP',
      '-A INPUT -p tcp -j ACCEPT',
    ],
    want: ['unreachable INPUT 3 <- INPUT 2'],
  },
  { name: 'nothing', have: ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -s 11.0.0.0/8 -j DROP'], want: [] },
  {
    name: 'a wider rule with another verdict',
    have: ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -s 10.1.0.0/16 -p tcp -j ACCEPT'],
    want: ['shadowed INPUT 2 <- INPUT 1'],
  },
  {
    name: 'a wider rule with the same verdict',
    have: ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -s 10.1.0.0/16 -j DROP'],
    want: ['redundant INPUT 2 <- INPUT 1'],
  },
  {
    name: 'two rules together',
    have: ['-A INPUT -s 10.0.0.0/9 -j DROP', '-A INPUT -s 10.128.0.0/9 -j ACCEPT', '-A INPUT -s 10.0.0.0/8 -j DROP'],
    want: ['shadowed INPUT 3 <- INPUT 1, INPUT 2'],
  },
  {
    name: 'rules that only count do not take packets',
    have: ['-A INPUT -s 10.0.0.0/8', '-A INPUT -s 10.0.0.0/8 -j LOG', '-A INPUT -s 10.0.0.0/8 -j DROP'],
    want: [],
  },
  {
    name: 'tests with memory may answer otherwise',
    have: [
      '-A INPUT -s 10.0.0.0/8 -m limit --limit 1/sec -j DROP',
      '-A INPUT -s 10.0.0.0/8 -m limit --limit 1/sec -j DROP',
      '-A INPUT -s 10.0.0.0/8 -m statistic --mode random --probability 0.5 -j DROP',
      '-A INPUT -s 10.0.0.0/8 -m time --timestart 10:00:00 --timestop 11:00:00 -j DROP',
      '-A INPUT -s 10.0.0.0/8 -m time --timestart 10:00:00 --timestop 11:00:00 -j DROP',
    ],
    want: [],
  },
  {
    name: 'states of a connection',
    have: [
      '-A INPUT -m conntrack --ctstate NEW,INVALID -j DROP',
      '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,UNTRACKED -j ACCEPT',
      '-A INPUT -p tcp -j ACCEPT',
    ],
    want: ['shadowed INPUT 3 <- INPUT 1, INPUT 2'],
  },
  {
    name: 'behind a rule for every packet',
    have: ['-A INPUT -j ACCEPT', '-A INPUT -s 10.0.0.0/8 -j DROP'],
    want: ['unreachable INPUT 2 <- INPUT 1'],
  },
  {
    name: 'ports that exclude each other',
    have: ['-A INPUT -p tcp -m tcp --dport 22 -m multiport --dports 80,443 -j DROP'],
    want: ['contradictory INPUT 1 <- '],
  },
  {
    name: 'a chain that nothing jumps to',
    have: ['-A X -j DROP', '-A X -j ACCEPT'],
    want: ['unreachable X chain <- '],
  },
  {
    name: 'a chain that only dead rules jump to',
    have: ['-A INPUT -j DROP', '-A INPUT -p tcp -j X', '-A X -j ACCEPT'],
    want: ['unreachable X chain <- INPUT 2', 'unreachable INPUT 2 <- INPUT 1'],
  },
  {
    name: 'what the jump excludes',
    have: ['-A INPUT -p tcp -j X', '-A X -p udp -j DROP'],
    want: ['unreachable X 1 <- INPUT 1'],
  },
  {
    name: 'a chain that two chains share is alive if one of them needs it',
    have: ['-A INPUT -p tcp -j X', '-A FORWARD -p udp -j X', '-A X -p udp -j DROP', '-A X -p tcp -j DROP'],
    want: [],
  },
  {
    name: 'RETURN takes packets from its own chain alone',
    have: [
      '-A INPUT -j X',
      '-A INPUT -s 10.0.0.0/8 -j DROP',
      '-A X -s 10.0.0.0/8 -j RETURN',
      '-A X -s 10.1.0.0/16 -j DROP',
    ],
    want: ['shadowed X 2 <- X 1'],
  },
  {
    name: 'goto does not come back',
    have: ['-A INPUT -p tcp -g X', '-A INPUT -p tcp -j DROP', '-A X -s 10.0.0.0/8 -j ACCEPT'],
    want: ['shadowed INPUT 2 <- INPUT 1'],
  },
  {
    name: 'a called chain takes them',
    have: ['-A INPUT -p tcp -j X', '-A INPUT -p tcp -j DROP', '-A X -s 10.0.0.0/8 -j ACCEPT', '-A X -j DROP'],
    want: ['shadowed INPUT 2 <- X 1, X 2'],
  },
  {
    name: 'a mark that an earlier rule has set',
    have: [
      '-A INPUT -p tcp -j MARK --set-xmark 0x1/0xffffffff',
      '-A INPUT -m mark --mark 0x1 -j DROP',
      '-A INPUT -p tcp -j ACCEPT',
    ],
    want: ['shadowed INPUT 3 <- INPUT 2'],
  },
  {
    name: 'a mark that is not the one that a rule before has set',
    have: ['-A INPUT -j MARK --set-xmark 0x1/0xffffffff', '-A INPUT -m mark --mark 0x2 -j DROP'],
    want: ['unreachable INPUT 2 <- INPUT 1'],
  },
  {
    name: 'RETURN by a mark that every packet has there',
    have: [
      '-A INPUT -j MARK --set-xmark 0x1/0xffffffff',
      '-A INPUT -m mark --mark 0x1 -j RETURN',
      '-A INPUT -p tcp -j DROP',
    ],
    want: ['unreachable INPUT 3 <- INPUT 2'],
  },
  {
    name: 'behind a jump to a chain that no packet comes back from',
    have: [
      '-A INPUT -p udp -j ACCEPT',
      '-A INPUT -j X',
      '-A INPUT -p tcp -j ACCEPT',
      '-A X -s 10.0.0.0/8 -j Y',
      '-A X -g Y',
      '-A Y -p icmp -j ACCEPT',
      '-A Y -m recent --name y --set -j DROP',
    ],
    want: ['unreachable INPUT 3 <- INPUT 2'],
  },
  {
    name: 'behind a jump to a chain that some packets come back from',
    have: [
      '-A INPUT -j X',
      '-A INPUT -p tcp -j ACCEPT',
      '-A INPUT -p udp -j ACCEPT',
      '-A X -p udp -j RETURN',
      '-A X -j DROP',
    ],
    want: ['shadowed INPUT 2 <- X 2'],
  },
  {
    name: 'a target that is not understood, but decides',
    have: ['-A INPUT -p tcp -j NFQUEUE --queue-num 0', '-A INPUT -p tcp -m tcp --dport 22 -j DROP'],
    want: ['shadowed INPUT 2 <- INPUT 1'],
  },
  {
    name: 'a wider rule behind it does the same',
    have: [
      '-A INPUT -s 10.0.0.0/24 -j DROP',
      '-A INPUT -s 11.0.0.0/24 -j ACCEPT',
      '-A INPUT -s 10.0.0.0/8 -j DROP',
      '-A INPUT -s 11.0.0.0/24 -p tcp',
    ],
    want: ['redundant INPUT 1 <- INPUT 3', 'shadowed INPUT 4 <- INPUT 2'],
  },
  {
    name: 'two rules behind it do the same together',
    have: [
      '-A INPUT -s 10.0.0.0/8 -p tcp -j DROP',
      '-A INPUT -s 10.0.0.0/9 -j DROP',
      '-A INPUT -s 10.128.0.0/9 -j DROP',
    ],
    want: ['redundant INPUT 1 <- INPUT 2, INPUT 3'],
  },
  {
    name: 'of the same rule twice the second one',
    have: ['-A INPUT -s 10.0.0.0/24 -j DROP', '-A INPUT -s 10.0.0.0/24 -j DROP'],
    want: ['redundant INPUT 2 <- INPUT 1'],
  },
  {
    name: 'between it and a wider one stands what does something else, counts, logs, remembers, or may send packets elsewhere',
    have: ['ACCEPT', 'LOG', 'RETURN', 'X', 'MARK --set-xmark 0x1/0x1', 'NFQUEUE --queue-num 0'].flatMap((target, i) => [
      `-A INPUT -s 10.${i}.0.0/24 -j DROP`,
      `-A INPUT -s 10.${i}.0.0/20 -p tcp -j ${target}`,
      `-A INPUT -s 10.${i}.0.0/16 -j DROP`,
      ...(target === 'X' ? ['-A X -p tcp -m tcp --dport 1 -j ACCEPT'] : []),
    ]),
    want: [],
  },
  {
    name: 'a limit is asked less often, a rule counts less, where it was left out',
    have: [
      '-A INPUT -s 10.0.0.0/24 -j DROP',
      '-A INPUT -s 10.0.0.0/16 -m limit --limit 1/sec -j DROP',
      '-A INPUT -s 10.0.0.0/8 -j DROP',
      '-A INPUT -s 11.0.0.0/24 -j DROP',
      '-A INPUT -m limit --limit 1/sec -p tcp -m tcp --dport 22 -j DROP',
      '-A INPUT -s 11.0.0.0/8 -j DROP',
      '-A INPUT -s 12.0.0.0/24 -j DROP',
      '-A INPUT -p tcp',
      '-A INPUT -s 12.0.0.0/8 -j DROP',
    ],
    want: [],
  },
  {
    name: 'a rule with memory is never left out, one that a wider rule without covers is',
    have: [
      '-A INPUT -s 10.0.0.0/24 -m recent --name r --update --seconds 5 -j DROP',
      '-A INPUT -s 10.0.0.0/8 -m conntrack --ctstate NEW -j DROP',
      '-A INPUT -s 10.0.0.0/8 -j DROP',
    ],
    want: ['redundant INPUT 2 <- INPUT 3'],
  },
  {
    name: 'a rule that accepts also drops what has no ports',
    have: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p tcp -j ACCEPT'],
    want: [],
  },
  {
    name: 'a rule that drops may be left out with them',
    have: ['-A INPUT -p tcp -m tcp --dport 22 -j DROP', '-A INPUT -p tcp -j DROP'],
    want: ['redundant INPUT 1 <- INPUT 2'],
  },
  {
    name: 'the policy is no rule',
    have: ['-A INPUT -s 10.0.0.0/24 -j ACCEPT', '-A INPUT -p tcp -j ACCEPT'],
    want: [],
  },
  {
    name: 'in a chain that both lead to, it must hold for both',
    have: [
      '-A INPUT -j X',
      '-A OUTPUT -j X',
      '-A X -s 10.0.0.0/24 -j DROP',
      '-A X -i eth0 -j ACCEPT',
      '-A X -s 10.0.0.0/8 -j DROP',
    ],
    want: [],
  },
  {
    name: 'two visits of a chain with memory may end differently',
    have: [
      '-A INPUT -j X',
      '-A INPUT -j X',
      '-A INPUT -m mark --mark 0x1/0x1 -j DROP',
      '-A X -m statistic --mode random --probability 0.5 -j MARK --set-xmark 0x1/0x0',
    ],
    want: [],
  },
];

describe('lint', () => {
  it.each(CASES)('$name', ({ have, want }) => {
    const ruleset = read(have.join('\n'));
    const name = (line: number | undefined): string => {
      const rule = have[(line ?? 0) - FIRST] ?? 'policy';
      const chain = rule.split(' ')[1];
      return `${chain} ${have.slice(0, (line ?? 0) - FIRST + 1).filter((one) => one.startsWith(`-A ${chain} `)).length}`;
    };
    const { findings, gaps } = lint(ruleset);
    expect(gaps).toEqual([]);
    expect(
      findings.map(
        ({ code, chain, rule, by }) =>
          `${code} ${chain} ${rule ?? 'chain'} <- ${by.map(({ line }) => name(line)).join(', ')}`,
      ),
    ).toEqual(want);
    for (const { example, by, code, rule, text } of findings) {
      if (code === 'contradictory' || rule === undefined) continue;
      expect(example, text).toBeDefined();
      expect(by.length, text).toBeGreaterThan(0);
    }
  });

  it.each([
    {
      name: 'the rule that is named decides the packet, where there is such a packet',
      have: ['-A INPUT -p tcp -j ACCEPT', '-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT -j ACCEPT', '-A INPUT -j DROP'],
      want: 'accept by 3, assumed ',
    },
    {
      name: 'an answer that only the rule before asks for is told',
      have: [
        '-A INPUT -m conntrack ! --ctstate INVALID -j ACCEPT',
        '-A INPUT -m conntrack --ctstate INVALID,NEW -j DROP',
        '-A INPUT -p tcp -j DROP',
      ],
      want: 'accept by 1, assumed state NEW',
    },
    {
      name: 'a type that hangs on the device is told so',
      have: [
        '-A INPUT -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT',
        '-A INPUT -p tcp -m addrtype --dst-type LOCAL --limit-iface-in -j DROP',
      ],
      want: 'accept by 1, assumed type of the destination at the device that the packet came in by LOCAL',
    },
    {
      name: 'the same answer at several places is told once',
      have: [
        '-A INPUT -m limit --limit 1/sec -j DROP',
        '-A INPUT -m limit --limit 1/sec -j LOG',
        '-A INPUT -p tcp -j ACCEPT',
        '-A INPUT -p tcp -m tcp --dport 22 -j DROP',
      ],
      want: 'accept by 3, assumed "within limit, burst 5" no',
    },
    {
      name: 'a target that decides',
      have: ['-A INPUT -p tcp -j NFQUEUE --queue-num 0', '-A INPUT -p tcp -m tcp --dport 22 -j DROP'],
      want: 'target NFQUEUE by 1, assumed ',
    },
  ])('example: $name', ({ have, want }) => {
    const example = lint(read(have.join('\n'))).findings.at(-1)?.example;
    const { verdict, decidedBy, assumed } = example ?? expect.fail('no example');
    expect(`${verdict} by ${decidedBy.number}, assumed ${assumed.join(', ')}`).toBe(want);
  });

  it('tells code scanning what takes the packets, and the example', () => {
    const { findings } = lint(read('-A INPUT -p tcp -j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'));
    const { message, related } = lintScan(findings[0], 'rules.v4');
    expect(message).toBe(
      'all its packets are taken by line 7; example: tcp 198.51.100.7:40000 > 192.0.2.1:22 SYN seq 0 in eth0: ' +
        'DROP in INPUT by line 7: -A INPUT -p tcp -j DROP',
    );
    expect(related).toEqual([{ line: 7, text: '-A INPUT -p tcp -j DROP' }]);
  });
});
