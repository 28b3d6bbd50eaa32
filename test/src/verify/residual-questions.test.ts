import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { compareSequences, type SequenceReport } from '../../../src/verify/compare-sequences.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy', 'ipset'].every((tool) => hasCommand(tool));

interface Case {
  readonly name: string;
  readonly family?: Family;
  readonly ipset?: string;
  readonly before?: readonly string[];
  readonly rules: readonly string[];
  readonly packets: readonly string[];
  readonly verdicts: SequenceReport['verdicts'];
}

const SETS = `create nets hash:net
add nets 10.0.0.0/8
add nets 10.1.0.0/16 nomatch
create pairs hash:ip,port,net
add pairs 10.0.0.2,udp:53,203.0.113.0/24
create cards hash:net,iface
add cards 11.0.0.0/8,eth2
`;

const CASES: readonly Case[] = [
  {
    name: 'sets of any type stay with the kernel, with and without exceptions',
    ipset: SETS,
    rules: [
      '-A INPUT -m set --match-set nets src --return-nomatch',
      '-A INPUT -m set --match-set nets src -j REJECT',
      '-A INPUT -m set --match-set cards src,src -j ACCEPT',
      '-A INPUT -m set ! --match-set nets src -j DROP',
      '-A FORWARD -p udp -m set --match-set pairs src,dst,dst -j ACCEPT',
      '-A FORWARD -j DROP',
    ],
    packets: [
      'udp 10.0.0.2:53 > 192.0.2.1:1000 in eth0',
      'udp 10.1.0.2:53 > 192.0.2.1:1000 in eth0',
      'udp 11.0.0.2:53 > 192.0.2.1:1000 in eth0',
      'udp 11.0.0.2:53 > 192.0.2.1:1000 in eth2',
      'udp 10.0.0.2:1000 > 203.0.113.9:53 in eth1 out eth0',
      'udp 10.0.0.2:1000 > 203.0.113.9:54 in eth1 out eth0',
    ],
    verdicts: { accept: 2, drop: 3, reject: 1 },
  },
  {
    name: 'table mangle goes on in its own way, and drops first',
    ipset: SETS,
    before: [
      '*mangle',
      ':PREROUTING ACCEPT [0:0]',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      ':POSTROUTING ACCEPT [0:0]',
      '-A INPUT -p tcp -j DROP',
      '-A INPUT -p udp -j ACCEPT',
      'COMMIT',
    ],
    rules: ['-A INPUT -m set --match-set nets src -j DROP', '-A INPUT -j ACCEPT'],
    packets: [
      'udp 10.0.0.2:53 > 192.0.2.1:1000 in eth0',
      'udp 10.1.0.2:53 > 192.0.2.1:1000 in eth0',
      'icmp 10.0.0.2 > 192.0.2.1 in eth0',
    ],
    verdicts: { accept: 1, drop: 2, reject: 0 },
  },
  {
    name: 'IPsec, bridges, helpers and control groups, IPv6',
    family: 'v6',
    rules: [
      '-A INPUT -m policy --dir in --pol ipsec -j DROP',
      '-A INPUT -m policy --dir in --pol none -p udp -j ACCEPT',
      '-A INPUT -m physdev ! --physdev-is-bridged -p tcp -j REJECT',
      '-A INPUT -m physdev --physdev-in tap0 -j DROP',
      '-A INPUT -m helper --helper ftp -j DROP',
      '-A INPUT -m devgroup --src-group 0x7 -j DROP',
    ],
    packets: [
      'udp [2001:db8::7]:4000 > [2001:db8::1]:22 in eth0',
      'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN in eth0',
      'icmp6 2001:db8::7 > 2001:db8::1 echo-request in eth0',
    ],
    verdicts: { accept: 2, drop: 0, reject: 1 },
  },
  {
    name: 'groups of devices, realms of routes, nodes of a cluster, labels, sockets',
    rules: [
      '-A INPUT -m devgroup --src-group 0x0 -p icmp -j ACCEPT',
      '-A INPUT -m devgroup ! --src-group 0x0 -j DROP',
      '-A INPUT -m realm --realm 0x7 -j DROP',
      '-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-nodemask 0x1 --cluster-hash-seed 0xdeadbeef -j ACCEPT',
      '-A INPUT -m connlabel --label 1 -j DROP',
      '-A INPUT -m socket --nowildcard -j ACCEPT',
      '-A INPUT -m socket --transparent -j REJECT',
      '-A INPUT -p udp -j REJECT',
      '-A OUTPUT -m cgroup --cgroup 7 -j DROP',
      '-A OUTPUT -m cgroup ! --cgroup 0 -j DROP',
      '-A OUTPUT -m realm ! --realm 0x0 -j DROP',
    ],
    packets: [
      ...Array.from({ length: 12 }, (_, i) => `udp 198.51.100.${i + 1}:4000 > 192.0.2.1:22 in eth0`),
      'icmp 198.51.100.7 > 192.0.2.1 in eth0',
      'udp 192.0.2.1:22 > 198.51.100.7:4000 out eth0',
    ],
    verdicts: { accept: 7, drop: 0, reject: 7 },
  },
  {
    name: 'names that iptables looks up: hosts and users',
    rules: [
      '-A OUTPUT -d localhost -j DROP',
      '-A OUTPUT ! -s localhost -p udp -j DROP',
      '-A OUTPUT -m owner --uid-owner root -p icmp -j REJECT',
      '-A OUTPUT -m owner --uid-owner daemon -j DROP',
    ],
    packets: [
      'tcp 192.0.2.1:22 > 198.51.100.7:4000 SYN out eth0',
      'udp 192.0.2.1:22 > 198.51.100.7:4000 out eth0',
      'icmp 192.0.2.1 > 198.51.100.7 out eth0',
    ],
    verdicts: { accept: 1, drop: 1, reject: 1 },
  },
];

describe.skipIf(!able)(
  'questions that iptables answers for an object (skipped without root, nft, iptables or ipset)',
  () => {
    it.each(CASES)('verdicts, answers and counters are those of iptables: $name', (one) => {
      const { family = 'v4', rules, before = [], packets, verdicts, ipset } = one;
      const chains = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`);
      const lines = [...before, '*filter', ...chains, ...rules, 'COMMIT'];
      const bound = rulesetOf(family, lines);
      const judge = compile(bound, { hook: 'netfilter' });
      if (!judge.ok) throw new Error(judge.diagnostics.map(({ message }) => message).join('; '));
      expect(judge.manifest.asks?.questions.length).toBeGreaterThan(0);
      const report = compareSequences({
        family,
        ruleset: `${lines.join('\n')}\n`,
        bound,
        judge,
        packets: packets.map((text) => packetOf(text).packet),
        ...(family === 'v4' ? { local: ['192.0.2.0/24'] } : {}),
        ...(ipset === undefined ? {} : { ipset }),
      });
      expect(report.mismatches).toEqual([]);
      expect(report.counters).toBe(judge.manifest.counters.length);
      expect(report.verdicts).toEqual(verdicts);
    });
  },
);
