import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { loadPrograms } from '../../../bpf-runtime/kernel/raw-load.js';
import { SequenceHost } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { analyse, compile } from '../../../codegen/program/index.js';
import { readObject } from '../../../codegen/object/read.js';
import type { Family } from '../../../grammar/model/family.js';
import { evaluate } from '../../../src/evaluate/index.js';
import { packetOf, rulesetOf } from '../../src/evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

const table = (rules: readonly string[]): readonly string[] => [
  '*mangle',
  ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((chain) => `:${chain} ACCEPT [0:0]`),
  ':u - [0:0]',
  ...rules.map((rule) => (rule.startsWith('-A') ? rule : `-A PREROUTING ${rule}`)),
  'COMMIT',
];

const CASES: readonly { readonly name: string; readonly family: Family; readonly rules: readonly string[] }[] = [
  { name: 'DSCP', family: 'v4', rules: ['-p tcp -j DSCP --set-dscp 46', '-p udp -j DSCP --set-dscp-class AF21'] },
  { name: 'TOS', family: 'v4', rules: ['-p tcp -j TOS --set-tos 0x1c/0x1e', '-p udp -j TOS --xor-tos 0xff'] },
  {
    name: 'TTL',
    family: 'v4',
    rules: ['-p tcp -j TTL --ttl-set 77', '-p udp -j TTL --ttl-dec 64', '-p icmp -j TTL --ttl-inc 250'],
  },
  { name: 'ECN', family: 'v4', rules: ['-j ECN --ecn-ip-ect 2'] },
  {
    name: 'changes that later rules see, in other chains too',
    family: 'v4',
    rules: [
      '-j u',
      '-m ttl --ttl-eq 9 -j TOS --set-tos 0x08',
      '-m dscp --dscp 2 -j TTL --ttl-inc 1',
      '-A u -p udp -j TTL --ttl-set 9',
      '-A u -m tos --tos 0x10 -j RETURN',
    ],
  },
  { name: 'DSCP, IPv6', family: 'v6', rules: ['-p tcp -j DSCP --set-dscp 46', '-p udp -j TOS --and-tos 0x3c'] },
  {
    name: 'HL',
    family: 'v6',
    rules: ['-p tcp -j HL --hl-set 3', '-p udp -j HL --hl-dec 1', '-p ipv6-icmp -j HL --hl-inc 5'],
  },
];

const PACKETS = {
  v4: [
    'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN tos 17',
    'udp 198.51.100.7:4000 > 192.0.2.1:53 ttl 60 tos 255',
    'udp 198.51.100.7:4000 > 192.0.2.1:53 ipopt 01010101 payload 0102',
    'icmp 198.51.100.7 > 192.0.2.1 ttl 9 tos 3',
  ],
  v6: [
    'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN flow 1048575 tos 17',
    'udp [2001:db8::7]:4000 > [2001:db8::1]:53 ttl 1 tos 255 ext hop',
    'icmp6 2001:db8::7 > 2001:db8::1 ttl 253 flow 4660',
  ],
} as const;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.skipIf(!able)('targets that change packets at tc (skipped without root, nft or iptables)', () => {
  it.each(CASES)('the packet comes out byte for byte as from iptables: $name', ({ family, rules }) => {
    const lines = table(rules);
    const ruleset = rulesetOf(family, lines);
    const packets = PACKETS[family].map((text) => packetOf(`${text} in eth0`).packet);
    const host = SequenceHost.create({ family, ruleset: `${lines.join('\n')}\n` });
    const want = host
      .judgeSequence(packets)
      .map((judgement) => (judgement.reached ? judgement.passed?.bytes : undefined));
    const result = compile(ruleset, { hook: 'tc', chain: 'PREROUTING', table: 'mangle' });
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    const interpreter = new Interpreter(readObject(result.object), {});
    const loaded = loadPrograms(result.object);
    const [program] = loaded.programs.values();
    try {
      packets.forEach((packet, i) => {
        const bytes = want[i];
        if (bytes === undefined) throw new Error('the packet did not come out of iptables');
        const { frame } = packet;
        const evaluated = evaluate({ ruleset, table: 'mangle', chain: 'PREROUTING', packet });
        expect(hex(evaluated.frame.subarray(14, 14 + bytes.length)), 'reference').toBe(hex(bytes));
        expect(hex(interpreter.run({ packet: frame }).packet.subarray(14)), 'interpreter').toBe(hex(bytes));
        const ran = host.testbed.run(() => program.testRun({ data: frame }));
        expect(hex(ran.data.subarray(14)), 'kernel').toBe(hex(bytes));
      });
      const changed = want.filter(
        (bytes, i) => bytes !== undefined && hex(bytes) !== hex(packets[i].frame.subarray(14)),
      );
      expect(changed.length).toBeGreaterThan(1);
    } finally {
      loaded.close();
      host.close();
    }
  });
});

describe('targets that change packets elsewhere', () => {
  it.each([
    ['tc', 'FORWARD', 'put the rule into PREROUTING, or keep iptables for this chain'],
    ['xdp', 'PREROUTING', 'use --hook tc'],
  ] as const)('are refused: %s, %s', (hook, chain, advice) => {
    const ruleset = rulesetOf('v4', table([`-A ${chain} -j TTL --ttl-set 9`]));
    const result = analyse(ruleset, { hook, chain, table: 'mangle' });
    if (!result.ok) throw new Error('nothing to analyse');
    expect(result.analysis.rules.flatMap(({ undecided }) => undecided.map((why) => why.advice))).toEqual([advice]);
  });
});
