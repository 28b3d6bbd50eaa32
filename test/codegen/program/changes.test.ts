import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { loadPrograms, type LoadedObject } from '../../../bpf-runtime/kernel/raw-load.js';
import { SequenceHost } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { analyse, compile } from '../../../codegen/program/index.js';
import { readObject } from '../../../codegen/object/read.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { InterpreterCounters } from '../../../src/verify/interpreter-counters.js';
import { asOwnPacket } from '../../../src/verify/kernel-machine.js';
import { evaluate } from '../../../src/evaluate/index.js';
import { packetOf, rulesetOf } from '../../src/evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

const table = (
  rules: readonly string[],
  chain: Chain = 'PREROUTING',
  chains: readonly string[] = [],
): readonly string[] => [
  '*mangle',
  ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((chain) => `:${chain} ACCEPT [0:0]`),
  ':u - [0:0]',
  ...chains.map((name) => `:${name} - [0:0]`),
  ...rules.map((rule) => (rule.startsWith('-A') ? rule : `-A ${chain} ${rule}`)),
  'COMMIT',
];

type Chain = 'PREROUTING' | 'OUTPUT' | 'POSTROUTING';

const SYN = '-p tcp --syn';

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
    name: 'ECN of the TCP header, which later rules see',
    family: 'v4',
    rules: [
      '-p tcp --dport 22 -j ECN --ecn-tcp-remove',
      '-p tcp --dport 23 -j ECN --ecn-tcp-ece 1 --ecn-ip-ect 1',
      '-p tcp -m ecn --ecn-tcp-cwr -j TTL --ttl-set 1',
      '-p tcp -m ecn --ecn-tcp-ece -j TTL --ttl-set 2',
      '-p tcp -m ecn ! --ecn-tcp-ece -j TTL --ttl-inc 3',
    ],
  },
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
  { name: 'TCPMSS', family: 'v4', rules: [`${SYN} -j TCPMSS --set-mss 1000`] },
  { name: 'TCPMSS, small', family: 'v4', rules: [`${SYN} -j TCPMSS --set-mss 300`] },
  {
    name: 'TCPMSS, whose option later rules see',
    family: 'v4',
    rules: [
      '-p tcp --tcp-option 2 -j TTL --ttl-set 40',
      `${SYN} -j TCPMSS --set-mss 1000`,
      '-p tcp --tcp-option 2 -j TOS --set-tos 0x08',
      '-p tcp --syn -m tcpmss --mss 536 -j TTL --ttl-inc 1',
      '-m length --length 44:48 -j TTL --ttl-dec 7',
      '-m length --length 80:90 -j TTL --ttl-dec 9',
    ],
  },
  {
    name: 'TCPOPTSTRIP, whose padding later rules see',
    family: 'v4',
    rules: [
      '-p tcp -j TCPOPTSTRIP --strip-options 3,8,254',
      '-p tcp --tcp-option 8 -j TTL --ttl-set 40',
      '-p tcp ! --tcp-option 8 -j TOS --set-tos 0x08',
      '-p tcp -m tcp ! --tcp-option 4 -j TTL --ttl-inc 2',
    ],
  },
  {
    name: 'TCPOPTSTRIP, then TCPMSS',
    family: 'v4',
    rules: ['-p tcp -j TCPOPTSTRIP --strip-options 2,4,5,19', `${SYN} -j TCPMSS --set-mss 1460`],
  },
  { name: 'DSCP, IPv6', family: 'v6', rules: ['-p tcp -j DSCP --set-dscp 46', '-p udp -j TOS --and-tos 0x3c'] },
  {
    name: 'HL',
    family: 'v6',
    rules: ['-p tcp -j HL --hl-set 3', '-p udp -j HL --hl-dec 1', '-p ipv6-icmp -j HL --hl-inc 5'],
  },
  { name: 'TCPMSS, IPv6', family: 'v6', rules: [`${SYN} -j TCPMSS --set-mss 1400`] },
  {
    name: 'TCPOPTSTRIP, IPv6',
    family: 'v6',
    rules: ['-p tcp -j TCPOPTSTRIP --strip-options 2,3,8', '-p tcp --tcp-option 2 -j HL --hl-set 9'],
  },
];

const SYNS = [
  'SYN',
  'SYN tos 17 tcpopt 020405b4',
  'SYN tcpopt 020403e8',
  'SYN tcpopt 02040200',
  'SYN,ECE,CWR tcpopt 020405b40402080a0102030405060708010303 07',
  'SYN tcpopt 01020405b4010101',
  'SYN tcpopt 0402080affeeddccbbaa99880103030a',
  'SYN payload 0102',
  'SYN tcpopt 0402 payload 010203',
  'SYN tcpopt 03030708',
  'SYN tcpopt 0800030701010101',
  'SYN tcpopt fe0401020204ffff',
  'SYN tcpopt 0204',
  `SYN tcpopt ${'01'.repeat(40)}`,
  `SYN tcpopt ${'01'.repeat(36)}`,
  `SYN tcpopt ${'03'.repeat(40)}`,
  'SYN sum 0',
  'SYN sum 65535',
  'SYN doff 3',
  'SYN doff 9',
  'SYN cut 18',
  'ACK,ECE',
  'ACK,CWR tcpopt 0101080a0102030405060708 payload 0a0b0c',
].map((words) => words.replaceAll(/(?<=tcpopt [0-9a-f]+) (?=[0-9a-f]{2}( |$))/g, ''));

const PACKETS = {
  v4: [
    'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN tos 17',
    'udp 198.51.100.7:4000 > 192.0.2.1:53 ttl 60 tos 255',
    'udp 198.51.100.7:4000 > 192.0.2.1:53 ipopt 01010101 payload 0102',
    'icmp 198.51.100.7 > 192.0.2.1 ttl 9 tos 3',
    'tcp 198.51.100.7:4000 > 192.0.2.1:23 SYN,ECE,CWR ipopt 01010101',
    'tcp 198.51.100.7:4000 > 192.0.2.1:23 SYN ipopt 01010101 pad 3',
    'tcp 198.51.100.7:4000 > 192.0.2.1:23 SYN pad 6 vlan 0',
    ...SYNS.map((words, i) => `tcp 198.51.100.7:${4000 + i} > 192.0.2.1:22 ttl 64 ${words}`),
  ],
  v6: [
    'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN flow 1048575 tos 17',
    'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN ext hop,dst',
    'tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN ext rt,ah',
    'udp [2001:db8::7]:4000 > [2001:db8::1]:53 ttl 1 tos 255 ext hop',
    'icmp6 2001:db8::7 > 2001:db8::1 ttl 253 flow 4660',
    ...SYNS.map((words, i) => `tcp [2001:db8::7]:${4000 + i} > [2001:db8::1]:22 ttl 64 ${words}`),
  ],
} as const;

/** TC_ACT_SHOT. */
const SHOT = 2;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.skipIf(!able)('targets that change packets at tc (skipped without root, nft or iptables)', () => {
  describe.each(['v4', 'v6'] as const)('%s', (family) => {
    describe.each(['PREROUTING', 'OUTPUT'] as const)('%s', (chain) => {
      const cases = CASES.filter((one) => one.family === family);
      let here: Place;
      beforeAll(() => {
        here = preparePlace(family, chain, cases);
      });
      afterAll(() => {
        here.loaded.close();
        here.host.close();
      });

      it.each(cases.map(({ name }, i) => ({ name, mark: i + 1 })))(
        'packets come out byte for byte as from iptables: $name',
        ({ mark }) => {
          expect(compareWithIptables(here, mark)).toBeGreaterThan(1);
        },
      );
    });
  });
});

interface Place {
  readonly family: Family;
  readonly chain: Chain;
  readonly ruleset: Ruleset;
  readonly host: SequenceHost;
  readonly interpreter: Interpreter;
  readonly loaded: LoadedObject;
}

/** One ruleset of all cases: a packet of a mark comes to the rules of its case. */
function preparePlace(family: Family, chain: Chain, cases: readonly { readonly rules: readonly string[] }[]): Place {
  const lines = table(
    cases.flatMap(({ rules }, i) => [
      `-m mark --mark ${i + 1} -j c${i}`,
      ...rules.map((rule) => (rule.startsWith('-A') ? rule : `-A c${i} ${rule}`)),
    ]),
    chain,
    cases.map((_, i) => `c${i}`),
  );
  const ruleset = rulesetOf(family, lines);
  const result = compile(ruleset, { hook: 'tc', chain, table: 'mangle' });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  const host = SequenceHost.create({ family, ruleset: `${lines.join('\n')}\n` });
  const interpreter = new Interpreter(readObject(result.object), {});
  return { family, chain, ruleset, host, interpreter, loaded: loadPrograms(result.object) };
}

/** How many packets have been changed; all of them alike. */
function compareWithIptables({ family, chain, ruleset, host, interpreter, loaded }: Place, mark: number): number {
  const [program] = loaded.programs.values();
  const { index } = host.testbed.device('eth0');
  const leaves = chain === 'OUTPUT';
  // A raw socket fills in an identification of 0.
  const more = `${family === 'v4' ? 'id 1 ' : ''}${leaves ? 'out' : 'in'} eth0 mark ${mark}`;
  const packets = PACKETS[family].map((text) => packetOf(`${text} ${more}`).packet);
  let changed = 0;
  host.judgeSequence(packets).forEach((have, i) => {
    if (!have.reached && have.reason === 'unsendable') return;
    const text = PACKETS[family][i];
    const { frame } = packets[i];
    const evaluated = evaluate({ ruleset, table: 'mangle', chain, packet: packets[i] });
    const context = { ifindex: index, ingress_ifindex: leaves ? 0 : index, mark };
    const interpreted = interpreter.run({ packet: frame, context });
    const place = { interface: index, ...(leaves ? {} : { ingressInterface: index }), mark };
    const ran = host.testbed.run(() => program.testRun({ data: leaves ? asOwnPacket(frame) : frame, context: place }));
    const bytes = have.reached ? have.passed?.bytes : undefined;
    if (bytes === undefined) {
      const verdicts = [evaluated.kind === 'decided' && evaluated.verdict, interpreted.result, ran.result];
      expect(verdicts, text).toEqual(['drop', SHOT, SHOT]);
      return;
    }
    const at = text.includes('vlan') ? 18 : 14;
    const end = at + bytes.length;
    expect(hex(evaluated.frame.subarray(at, end)), `reference: ${text}`).toBe(hex(bytes));
    expect(hex(interpreted.packet.subarray(at, end)), `interpreter: ${text}`).toBe(hex(bytes));
    expect(hex(ran.data.subarray(at, end)), `kernel: ${text}`).toBe(hex(bytes));
    if (hex(bytes) !== hex(frame.subarray(at, end))) changed++;
  });
  return changed;
}

describe('targets that change packets elsewhere', () => {
  it.each([
    ['tc', 'FORWARD', 'put the rule into PREROUTING or POSTROUTING, or keep iptables for this chain'],
    ['xdp', 'PREROUTING', 'use --hook tc'],
  ] as const)('are refused: %s, %s', (hook, chain, advice) => {
    const ruleset = rulesetOf('v4', table([`-A ${chain} -j TTL --ttl-set 9`]));
    const result = analyse(ruleset, { hook, chain, table: 'mangle' });
    if (!result.ok) throw new Error('nothing to analyse');
    expect(result.analysis.rules.flatMap(({ undecided }) => undecided.map((why) => why.advice))).toEqual([advice]);
  });
});

describe('changes that rules of the kernel would miss', () => {
  const chains = (name: string): readonly string[] => [
    `*${name}`,
    ...(name === 'raw' ? ['PREROUTING', 'OUTPUT'] : ['INPUT', 'FORWARD', 'OUTPUT']).map(
      (one) => `:${one} ACCEPT [0:0]`,
    ),
  ];

  it.each([
    {
      name: 'a rule of raw asks for the TTL before it is changed',
      chain: 'PREROUTING',
      rule: '-j TTL --ttl-set 9',
      other: ['raw', '-A PREROUTING -m ttl --ttl-eq 9 -j DROP'],
    },
    {
      name: 'a rule of filter asks for the mark that mangle sets',
      chain: 'OUTPUT',
      rule: '-j MARK --set-mark 1',
      other: ['filter', '-A OUTPUT -m mark --mark 1 -j DROP'],
    },
    {
      name: 'a rule of filter logs the TOS',
      chain: 'OUTPUT',
      rule: '-j DSCP --set-dscp 4',
      other: ['filter', '-A OUTPUT -j LOG'],
    },
    {
      name: 'a rule of filter walks over the segment',
      chain: 'OUTPUT',
      rule: '-p tcp --syn -j TCPMSS --set-mss 9',
      other: ['filter', '-A OUTPUT -m string --algo bm --string a -j DROP'],
    },
    {
      name: 'an answer quotes the packet',
      chain: 'OUTPUT',
      rule: '-j TTL --ttl-set 9',
      other: ['filter', '-A OUTPUT -j REJECT'],
    },
    {
      name: 'conntrack reads the window scale',
      chain: 'PREROUTING',
      rule: '-p tcp -j TCPOPTSTRIP --strip-options 3',
      other: ['filter', '-A INPUT -m state --state NEW -j DROP'],
    },
  ] as const)('are refused: $name', ({ chain, rule, other: [name, text] }) => {
    const lines = [...table([rule], chain), ...chains(name), text, 'COMMIT'];
    const alone = analyse(rulesetOf('v4', table([rule], chain)), { hook: 'tc', chain, table: 'mangle' });
    const beside = analyse(rulesetOf('v4', lines), { hook: 'tc', chain, table: 'mangle' });
    if (!alone.ok || !beside.ok) throw new Error('nothing to analyse');
    expect(alone.analysis.rules.flatMap(({ undecided }) => undecided)).toEqual([]);
    expect(beside.analysis.rules.flatMap(({ undecided }) => undecided)).toHaveLength(1);
  });

  it('pieces of datagrams are not changed where a port decides', () => {
    const of = (rule: string): string => {
      const result = analyse(rulesetOf('v4', table([rule], 'OUTPUT')), {
        hook: 'tc',
        chain: 'OUTPUT',
        table: 'mangle',
      });
      if (!result.ok) throw new Error('nothing to analyse');
      return result.analysis.fragments;
    };
    expect(of('-p udp --dport 53 -j TTL --ttl-set 9')).toBe('drop');
    expect(of('-p udp -j TTL --ttl-set 9')).toBe('judge');
  });
});

describe('chain POSTROUTING at tc egress', () => {
  it.each([
    ['-j DSCP --set-dscp 4', []],
    ['-m state --state NEW -j MARK --set-mark 1', []],
    ['-j LOG', ['put the rule into another chain, or keep iptables for this one']],
    ['-j u', ['ask for it in another chain, and set a mark']],
    ['-j CHECKSUM --checksum-fill', ['use --mode early and keep iptables behind it']],
  ] as const)('%s: %j', (rule, advice) => {
    const lines = table([rule, '-A u -i eth1 -j ACCEPT'], 'POSTROUTING');
    const result = analyse(rulesetOf('v4', lines), { hook: 'tc', chain: 'POSTROUTING' });
    if (!result.ok) throw new Error('nothing to analyse');
    expect(result.analysis.rules.flatMap(({ undecided }) => undecided.map((why) => why.advice))).toEqual(advice);
  });
});

describe('what rules count of a packet that TCPMSS makes longer', () => {
  it('is its length at each of them', () => {
    const rules = ['-p tcp -j ACCEPT', `${SYN} -j TCPMSS --set-mss 900`, '-p tcp --tcp-option 2'].reverse();
    const [option, segment, accept] = rules;
    const ruleset = rulesetOf('v4', table([option, segment, option, accept]));
    const { packet } = packetOf('tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0');
    const { hits, lengths } = evaluate({ ruleset, table: 'mangle', chain: 'PREROUTING', packet });
    expect(hits.map(({ number }) => number)).toEqual([2, 3, 4]);
    expect(lengths).toEqual([40, 44, 44]);
    const result = compile(ruleset, { hook: 'tc', chain: 'PREROUTING', table: 'mangle' });
    if (!result.ok) throw new Error('not compiled');
    const interpreter = new Interpreter(readObject(result.object), {});
    interpreter.run({ packet: packet.frame, context: { ifindex: 2, ingress_ifindex: 2 } });
    const counted = new InterpreterCounters(interpreter, result.manifest.counters.length).read();
    expect(hits.map(({ number }) => counted[2 * (number - 1) + 1])).toEqual(lengths);
  });
});
