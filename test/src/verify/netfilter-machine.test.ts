import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Counters } from '../../../grammar/model/ruleset.js';
import { evaluate, surroundingsOracle } from '../../../src/evaluate/index.js';
import {
  IptablesSequences,
  NetfilterMachine,
  policyKey,
  ruleKey,
  type SequenceJudgement,
  type SequenceMachine,
  type SequencePacket,
} from '../../../src/verify/netfilter-machine.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

interface Conversation {
  readonly name: string;
  readonly family?: Family;
  readonly rules: readonly string[];
  /** Packet texts (`PROTOCOL FROM > TO … in X out Y`), with what becomes of each: `CHAIN STATE verdict`. */
  readonly packets: readonly (readonly [string, string])[];
}

const STATEFUL = [
  '*filter',
  ':INPUT DROP [0:0]',
  ':FORWARD DROP [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  '-A INPUT -m conntrack --ctstate INVALID -j DROP',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -i eth0 -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
  '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT',
  '-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT',
  '-A FORWARD -i eth1 -o eth0 -j ACCEPT',
  '-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT',
  'COMMIT',
];

const CLIENT = '198.51.100.7:4000';
const SERVER = '192.0.2.1:22';

const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'a TCP connection to this host, and what belongs to none',
    rules: STATEFUL,
    packets: [
      [`tcp ${CLIENT} > ${SERVER} ACK seq 7 ack 9 in eth0`, 'INPUT NEW accept'],
      [`tcp ${CLIENT} > 192.0.2.1:23 SYN in eth0`, 'INPUT NEW drop'],
      [`tcp 198.51.100.8:4000 > ${SERVER} SYN seq 100 in eth0`, 'INPUT NEW accept'],
      [`tcp ${SERVER} > 198.51.100.8:4000 SYN,ACK seq 500 ack 101 out eth0`, 'OUTPUT ESTABLISHED accept'],
      [`tcp 198.51.100.8:4000 > ${SERVER} ACK seq 101 ack 501 in eth0`, 'INPUT ESTABLISHED accept'],
      [`tcp 198.51.100.8:4000 > ${SERVER} ACK seq 900000000 ack 501 in eth0`, 'INPUT INVALID drop'],
      [`tcp 198.51.100.9:4000 > ${SERVER} SYN,ACK seq 1 ack 1 in eth0`, 'INPUT INVALID drop'],
      [`tcp 198.51.100.9:4000 > ${SERVER} RST seq 1 in eth0`, 'INPUT INVALID drop'],
      [`tcp 198.51.100.9:4000 > ${SERVER} SYN sum 1 in eth0`, 'INPUT INVALID drop'],
    ],
  },
  {
    name: 'a dropped packet leaves no connection, an accepted one does',
    rules: STATEFUL,
    packets: [
      ['udp 198.51.100.7:53 > 192.0.2.1:1000 in eth0', 'INPUT NEW drop'],
      ['udp 198.51.100.7:53 > 192.0.2.1:1000 in eth0', 'INPUT NEW drop'],
      ['udp 192.0.2.1:1000 > 198.51.100.7:53 out eth0', 'OUTPUT NEW accept'],
      ['udp 198.51.100.7:53 > 192.0.2.1:1000 in eth0', 'INPUT ESTABLISHED accept'],
      ['icmp 203.0.113.1 > 192.0.2.1 in eth0', 'INPUT NEW accept'],
      ['icmp 203.0.113.1 > 192.0.2.1 type 0 in eth0', 'INPUT INVALID drop'],
    ],
  },
  {
    name: 'a router between two networks',
    rules: STATEFUL,
    packets: [
      ['udp 203.0.113.9:53 > 10.0.0.2:1000 in eth0 out eth1', 'FORWARD NEW drop'],
      ['udp 10.0.0.2:1000 > 203.0.113.9:53 in eth1 out eth0', 'FORWARD NEW accept'],
      ['udp 203.0.113.9:53 > 10.0.0.2:1000 in eth0 out eth1', 'FORWARD ESTABLISHED accept'],
      ['udp 203.0.113.9:53 > 10.0.0.2:1001 in eth0 out eth1', 'FORWARD NEW drop'],
      ['tcp 10.0.0.2:1000 > 203.0.113.9:80 SYN ttl 1 in eth1 out eth0', 'stack'],
      ['tcp 10.0.0.2:1000 > 203.0.113.9:80 SYN in eth1 out eth0', 'FORWARD NEW accept'],
      ['tcp 203.0.113.9:80 > 10.0.0.2:1000 RST,ACK seq 0 ack 2 in eth0 out eth1', 'FORWARD ESTABLISHED accept'],
    ],
  },
  {
    name: 'what is not tracked, and mapped addresses',
    rules: [
      '*raw',
      ':PREROUTING ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      '-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack',
      'COMMIT',
      '*nat',
      ':PREROUTING ACCEPT [0:0]',
      ':INPUT ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      ':POSTROUTING ACCEPT [0:0]',
      '-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80',
      'COMMIT',
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD DROP [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      '-A INPUT -m conntrack --ctstate UNTRACKED -j DROP',
      '-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT',
      '-A FORWARD -d 10.0.0.3/32 -m conntrack ! --ctstate NEW -j ACCEPT',
      'COMMIT',
    ],
    packets: [
      ['udp 198.51.100.7:1000 > 192.0.2.1:53 in eth0', 'INPUT UNTRACKED drop'],
      ['udp 198.51.100.7:1000 > 192.0.2.1:54 in eth0', 'INPUT NEW accept'],
      ['tcp 198.51.100.7:1000 > 192.0.2.1:8080 SYN in eth0 out eth1', 'FORWARD NEW,DNAT accept'],
      ['tcp 198.51.100.7:1000 > 192.0.2.1:8081 SYN in eth0 out eth1', 'FORWARD NEW drop'],
      ['udp 198.51.100.7:1000 > 10.0.0.3:53 in eth0 out eth1', 'FORWARD UNTRACKED accept'],
    ],
  },
  {
    name: 'IPv6',
    family: 'v6',
    rules: [
      '*filter',
      ':INPUT DROP [0:0]',
      ':FORWARD DROP [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT',
      '-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
      '-A FORWARD -i eth1 -j ACCEPT',
      'COMMIT',
    ],
    packets: [
      ['tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN seq 100 in eth0', 'INPUT NEW accept'],
      ['tcp [2001:db8::1]:22 > [2001:db8::7]:4000 SYN,ACK seq 5 ack 101 out eth0', 'OUTPUT ESTABLISHED accept'],
      ['tcp [2001:db8::7]:4000 > [2001:db8::1]:22 ACK seq 101 ack 6 in eth0', 'INPUT ESTABLISHED accept'],
      ['udp [2001:db8::7]:4000 > [2001:db8::1]:22 in eth0', 'INPUT NEW drop'],
      ['udp [2001:db8::7]:4000 > [2001:db8:1::1]:22 in eth0 out eth1', 'FORWARD NEW drop'],
      ['udp [2001:db8:1::1]:22 > [2001:db8::7]:4000 in eth1 out eth0', 'FORWARD NEW accept'],
    ],
  },
];

function judgementText(judgement: SequenceJudgement): string {
  if (!judgement.reached) return judgement.reason;
  return `${judgement.chain} ${judgement.ctstate.join(',')} ${judgement.verdict}`;
}

function counterText(all: ReadonlyMap<string, Counters>, keys: Iterable<string>): Readonly<Record<string, string>> {
  const text = (key: string): string => {
    const { packets, bytes } = all.get(key) ?? { packets: -1n, bytes: -1n };
    return `${packets} packets, ${bytes} bytes`;
  };
  return Object.fromEntries([...keys].sort().map((key) => [key, text(key)]));
}

function withMachine<T>(machine: SequenceMachine, body: (machine: SequenceMachine) => T): T {
  try {
    return body(machine);
  } finally {
    machine.close();
  }
}

function netfilterMachine(family: Family, rules: readonly string[]): NetfilterMachine {
  const result = compile(rulesetOf(family, rules), { hook: 'netfilter' });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return new NetfilterMachine(result, { family, ruleset: `${rules.join('\n')}\n` });
}

describe.skipIf(!able)('sequences of packets with connection tracking (skipped without root, nft or iptables)', () => {
  it.each(CONVERSATIONS)('iptables and the object do the same, as the reference says: $name', (conversation) => {
    const { family = 'v4', rules } = conversation;
    const packets = conversation.packets.map(([text]): SequencePacket => packetOf(text).packet);
    const want = conversation.packets.map(([, what]) => what);
    const ruleset = rulesetOf(family, rules);
    const iptables = new IptablesSequences({ family, ruleset: `${rules.join('\n')}\n` });
    const counters = withMachine(iptables, (machine) => {
      const judgements = machine.judgeSequence(packets);
      expect(judgements.map(judgementText)).toEqual(want);
      // Mapped addresses are those of the packet at the chain, which is not the packet that was sent.
      judgements.forEach((judgement, i) => {
        if (!judgement.reached || judgement.ctstate.includes('DNAT')) return;
        const { chain, ctstate, verdict } = judgement;
        const oracle = surroundingsOracle({ ...machine.surroundings(), ctstate }, packets[i], family);
        expect(evaluate({ ruleset, table: 'filter', chain, packet: packets[i], oracle })).toMatchObject({ verdict });
      });
      return machine.counters();
    });
    withMachine(netfilterMachine(family, rules), (machine) => {
      expect(machine.judgeSequence(packets).map(judgementText)).toEqual(want);
      const have = machine.counters();
      expect(counterText(have, have.keys())).toEqual(counterText(counters, have.keys()));
      expect(have.has(ruleKey('INPUT', 1)) && have.has(policyKey('FORWARD'))).toBe(true);
    });
  });

  const rejecting = [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
    '-A FORWARD -p udp -j REJECT --reject-with icmp-port-unreachable',
    '-A OUTPUT -p udp -m limit --limit 20/second --limit-burst 1 -j ACCEPT',
    '-A OUTPUT -p udp -j DROP',
    'COMMIT',
  ];
  const iptables = (rules: readonly string[]): SequenceMachine =>
    new IptablesSequences({ family: 'v4', ruleset: `${rules.join('\n')}\n` });

  it('keeps the answers of REJECT, which count nowhere', () => {
    withMachine(iptables(rejecting), (machine) => {
      const packets = [
        packetOf(`tcp ${CLIENT} > ${SERVER} SYN in eth0`).packet,
        packetOf('udp 10.0.0.2:1000 > 203.0.113.9:53 in eth1 out eth0').packet,
      ];
      const judgements = machine.judgeSequence(packets);
      expect(judgements.map(judgementText)).toEqual(['INPUT NEW reject', 'FORWARD NEW reject']);
      const replies = judgements.map((judgement) => (judgement.reached ? judgement.reply : undefined));
      expect(replies.map((reply) => reply?.[9])).toEqual([6, 1]);
      const counters = machine.counters();
      expect(counters.get('INPUT 1')?.packets).toBe(1n);
      expect(counters.get('OUTPUT policy')?.packets).toBe(0n);
    });
  });

  it('forgets connections between sequences, not what rules remember; time passes where it is asked to', () => {
    withMachine(iptables(rejecting), (machine) => {
      const packet: SequencePacket = packetOf('udp 192.0.2.1:1000 > 198.51.100.7:53 out eth0').packet;
      const judge = (waitMs: number): string => judgementText(machine.judgeSequence([{ ...packet, waitMs }])[0]);
      expect([judge(0), judge(0), judge(200), judge(0)]).toEqual([
        'OUTPUT NEW accept',
        'OUTPUT NEW drop',
        'OUTPUT NEW accept',
        'OUTPUT NEW drop',
      ]);
    });
  });

  it('says what cannot be sent', () => {
    withMachine(iptables(rejecting), (machine) => {
      const packet = packetOf('udp 192.0.2.1:1 > 198.51.100.7:53 totlen 19 out eth0').packet;
      expect(machine.judgeSequence([packet])).toEqual([{ reached: false, reason: 'unsendable' }]);
    });
  });
});
