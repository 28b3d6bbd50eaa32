import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { compareSequences, type SequenceReport } from '../../../src/verify/compare-sequences.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

const SYN4 = 'tcp 10.0.0.2:1000 > 203.0.113.9:80';
const SYN6 = 'tcp [2001:db8::2]:1000 > [2001:db8:1::9]:80';
const WAY = 'in eth1 out eth0';
const MSS = '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS';

/** SYNs in whose headers TCPMSS finds an option, finds none and adds it, has no room, or finds them broken. */
function segments(start: string): readonly string[] {
  return [
    'SYN',
    'SYN tcpopt 020405b4',
    'SYN tcpopt 02040064',
    'SYN tcpopt 0101020405b4010101',
    'SYN tcpopt 0300020405b40101',
    'SYN tcpopt 00020405b4000000',
    'SYN tcpopt 08000204ffff0000',
    'SYN tcpopt 0203ff0000000000',
    'SYN payload 0102',
    'SYN tcpopt 01010101 payload 010203',
    `SYN tcpopt ${'01'.repeat(40)}`,
    `SYN tcpopt ${'01'.repeat(36)}`,
    'SYN doff 4',
    'SYN doff 0',
    'SYN doff 15',
    'SYN doff 6 payload 020405b401',
    'SYN,ACK ack 5',
    'ACK',
  ].map((rest) => `${start} ${rest} ${WAY}`);
}

interface Case {
  readonly name: string;
  readonly family?: Family;
  readonly rules: readonly string[];
  /** Other tables, which stay with the kernel. */
  readonly others?: readonly string[];
  readonly packets: readonly string[];
  readonly verdicts: Partial<SequenceReport['verdicts']>;
}

const CASES: readonly Case[] = [
  {
    name: 'marks, also where rules ask for them and other tables have set them',
    rules: [
      '-A INPUT -p tcp -j MARK --set-xmark 0x5/0xff',
      '-A INPUT -m mark --mark 0x5/0xff -j MARK --or-mark 0x80000000',
      '-A INPUT -p udp -j MARK --and-mark 0xfffffff0',
      '-A INPUT -m mark --mark 0x70 -j DROP',
      '-A INPUT -p icmp -j MARK --xor-mark 0x1',
      '-A INPUT -p icmp -j MARK --xor-mark 0x1',
    ],
    packets: [
      'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0',
      'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0 mark 255',
      'udp 198.51.100.7:4000 > 192.0.2.1:22 in eth0 mark 31',
      'udp 198.51.100.7:4000 > 192.0.2.1:22 in eth0 mark 127',
      'icmp 198.51.100.7 > 192.0.2.1 in eth0',
      'icmp 198.51.100.7 > 192.0.2.1 in eth0 mark 3',
    ],
    verdicts: { accept: 5, drop: 1 },
  },
  {
    name: 'a mark of a packet that is rejected',
    rules: ['-A INPUT -p tcp -j MARK --set-mark 7', '-A INPUT -p tcp -j REJECT --reject-with tcp-reset'],
    packets: ['tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0'],
    verdicts: { reject: 1 },
  },
  {
    name: 'TCPMSS, IPv4',
    rules: [`-A FORWARD ${MSS} --set-mss 1000`, '-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT', '-A FORWARD -j DROP'],
    packets: segments(SYN4),
    verdicts: {},
  },
  {
    name: 'TCPMSS that asks the path, in two rules, IPv4',
    rules: [
      `-A FORWARD -o eth0 ${MSS} --clamp-mss-to-pmtu`,
      `-A FORWARD -i eth1 ${MSS} --clamp-mss-to-pmtu`,
      '-A FORWARD -p tcp -m tcp --dport 80',
    ],
    packets: segments(SYN4),
    verdicts: {},
  },
  {
    name: 'TCPMSS, IPv6, behind REJECT for others',
    family: 'v6',
    rules: ['-A FORWARD -p udp -j REJECT', `-A FORWARD ${MSS} --set-mss 700`, '-A FORWARD -p tcp -m tcp --sport 1000'],
    packets: [...segments(SYN6), `udp [2001:db8::2]:1000 > [2001:db8:1::9]:80 ${WAY}`],
    verdicts: {},
  },
  {
    name: 'a queue that nobody listens to, with and without a way round',
    rules: ['-A INPUT -p udp -j NFQUEUE --queue-num 7', '-A INPUT -p tcp -j NFQUEUE --queue-num 8 --queue-bypass'],
    packets: ['udp 198.51.100.7:4000 > 192.0.2.1:22 in eth0', 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0'],
    verdicts: { accept: 1, drop: 1 },
  },
  {
    name: 'what does not show in a packet, in front of every verdict',
    rules: [
      '-A INPUT -p tcp -j AUDIT --type accept',
      '-A INPUT -p tcp -m tcp --dport 22 -j CLASSIFY --set-class 0001:0002',
      '-A INPUT -p udp -j IDLETIMER --timeout 60 --label ipt2bpf',
      '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      '-A INPUT -p tcp -m tcp --dport 23 -j REJECT',
      '-A INPUT -p tcp -j DROP',
    ].map((rule) => rule.replace('-A INPUT', '-A OUTPUT')),
    packets: [22, 23, 24].map((port) => `tcp 192.0.2.1:4000 > 198.51.100.7:${port} SYN out eth0`),
    verdicts: { accept: 1, drop: 1 },
  },
  {
    name: 'marks of connections, which later packets get back',
    others: ['*mangle', '-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff', 'COMMIT'],
    rules: [
      '-A INPUT -p tcp -j CONNMARK --set-xmark 0x9/0xff',
      '-A INPUT -p udp -m udp --dport 53 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
      '-A INPUT -p tcp -m tcp --dport 23 -j DROP',
    ],
    packets: [
      'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0',
      'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0',
      'tcp 198.51.100.7:4000 > 192.0.2.1:23 SYN in eth0',
      'tcp 198.51.100.7:4000 > 192.0.2.1:23 SYN in eth0',
      'udp 198.51.100.7:4000 > 192.0.2.1:53 in eth0 mark 6',
      'udp 198.51.100.7:4000 > 192.0.2.1:53 in eth0',
      'udp 198.51.100.7:4000 > 192.0.2.1:54 in eth0 mark 6',
    ],
    verdicts: { accept: 5, drop: 2 },
  },
  {
    name: 'table nat, and the marks and connections of the other tables, beside the object',
    others: [
      '*raw',
      '-A PREROUTING -p udp -m udp --dport 99 -j CT --notrack',
      'COMMIT',
      '*mangle',
      '-A PREROUTING -p tcp -m tcp --dport 81 -j CONNMARK --set-xmark 0x9/0xffffffff',
      '-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff',
      '-A PREROUTING -p udp -m udp --dport 98 -j TTL --ttl-set 9',
      'COMMIT',
      '*nat',
      '-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 198.51.100.80:8080',
      '-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353',
      '-A POSTROUTING -o eth0 -p tcp -j SNAT --to-source 192.0.2.77',
      '-A POSTROUTING -o eth0 -p udp -j MASQUERADE',
      'COMMIT',
    ],
    rules: [
      '-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT',
      '-A FORWARD -p tcp -d 198.51.100.80/32 -m tcp --dport 8080 -j DROP',
      '-A FORWARD -m mark --mark 0x9 -j REJECT',
      '-A FORWARD -m ttl --ttl-eq 8 -j DROP',
      '-A FORWARD -m state --state UNTRACKED -j DROP',
      '-A INPUT -p udp -m udp --dport 5353 -j ACCEPT',
      '-A INPUT -j DROP',
    ],
    packets: [
      ...[80, 81, 82, 80].map((port, i) => `tcp 10.0.0.2:${1000 + i} > 203.0.113.9:${port} SYN ${WAY}`),
      ...[97, 98, 99].map((port) => `udp 10.0.0.2:1000 > 203.0.113.9:${port} ${WAY}`),
      'udp 198.51.100.7:4000 > 192.0.2.1:54 in eth0',
    ],
    verdicts: { accept: 4, drop: 3, reject: 1 },
  },
];

describe.skipIf(!able)('targets that iptables performs for an object (skipped without root, nft or iptables)', () => {
  it.each(CASES)('verdicts, answers, packets, marks and counters are those of iptables: $name', (one) => {
    const { family = 'v4', rules, others = [], packets, verdicts } = one;
    const chains = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`);
    const lines = [...others, '*filter', ...chains, ...rules, 'COMMIT'];
    const bound = rulesetOf(family, lines);
    const judge = compile(bound, { hook: 'netfilter' });
    if (!judge.ok) throw new Error(judge.diagnostics.map(({ message }) => message).join('; '));
    const report = compareSequences({
      family,
      ruleset: `${lines.join('\n')}\n`,
      bound,
      judge,
      packets: packets.map((text) => packetOf(text).packet),
    });
    expect(report.mismatches).toEqual([]);
    expect(report.counters).toBe(judge.manifest.counters.length);
    expect(report.reached).toBe(packets.length);
    expect(report.verdicts).toMatchObject(verdicts);
  });
});
