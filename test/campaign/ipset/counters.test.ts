import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { IptablesSequences, NetfilterMachine, type SequenceMachine } from '../../../src/verify/netfilter-machine.js';
import type { SequencePacket } from '../../../src/verify/netfilter-machine.js';
import { packetOf } from '../../src/evaluate/helpers.js';

const able =
  process.geteuid?.() === 0 &&
  hasCommand('ipset', ['--version']) &&
  ['nft', 'iptables-legacy'].every((tool) => hasCommand(tool));

const packets = (family: Family, sources: readonly string[]): readonly SequencePacket[] =>
  sources.map((text, i) => {
    const [source, port = '53'] = text.split(' ');
    const [from, to] = family === 'v4' ? [source, '192.0.2.1'] : [`[${source}]`, '[2001:db8:1::1]'];
    const payload = '00'.repeat(i % 3);
    return packetOf(`udp ${from}:1 > ${to}:${port}${payload === '' ? '' : ` payload ${payload}`} in eth0`).packet;
  });

interface Case {
  readonly name: string;
  readonly family?: Family;
  readonly ipset: readonly string[];
  readonly rules: readonly string[];
  readonly sources: readonly string[];
}

const times = (count: number, ...sources: readonly string[]): readonly string[] =>
  Array.from({ length: count }, () => sources).flat();

const CASES: readonly Case[] = [
  {
    name: 'every comparison of an address, which has counted before',
    ipset: ['create a hash:ip counters', 'add a 10.0.0.1', 'add a 10.0.0.2 packets 4 bytes 100'],
    rules: [
      '-A INPUT -m set --match-set a src --packets-eq 3',
      '-A INPUT -m set --match-set a src ! --packets-eq 9 --bytes-gt 250',
      '-A INPUT -m set --match-set a src ! --update-counters --packets-lt 12',
      '-A INPUT -m set ! --match-set a src --bytes-lt 400',
      '-A INPUT -m set --match-set a src ! --bytes-eq 329',
      '-A INPUT -m set --match-set a src --packets-gt 30 -j DROP',
    ],
    sources: times(9, '10.0.0.1', '10.0.0.2', '10.0.0.3'),
  },
  {
    name: 'networks, where a shorter one is asked behind one whose counters are others; exceptions',
    ipset: [
      'create n hash:net counters',
      'add n 10.0.0.0/8 packets 5',
      'add n 10.1.0.0/16',
      'add n 10.1.2.0/24 nomatch',
      'add n 10.1.2.3',
    ],
    rules: [
      '-A INPUT -m set --match-set n src --packets-gt 3',
      '-A INPUT -m set --match-set n src --return-nomatch --packets-gt 4',
      '-A INPUT -m set --match-set n src',
      '-A INPUT -m set --match-set n src ! --update-counters',
      '-A INPUT -m set --match-set n src --bytes-gt 600 -j DROP',
    ],
    sources: times(6, '10.1.2.3', '10.1.2.4', '10.1.9.9', '10.9.9.9', '11.0.0.1'),
  },
  {
    name: 'addresses and ports of IPv6, with times, and a bitmap of ports',
    family: 'v6',
    ipset: [
      'create p hash:net,port family inet6 counters timeout 600',
      'add p 2001:db8::/32,udp:53',
      'add p 2001:db8:5::/48,udp:53 timeout 0',
      'create b bitmap:port range 0-99 counters',
      'add b 53 packets 18446744073709551610',
      'add b 54',
      'create plain hash:ip family inet6',
      'add plain 2001:db8:5::1',
    ],
    rules: [
      '-A INPUT -m set --match-set p src,dst --packets-lt 4',
      '-A INPUT -m set --match-set b dst --packets-gt 18446744073709551612',
      // Without counters it compares nothing.
      '-A INPUT -m set --match-set plain src --packets-gt 99 -m set --match-set b dst --bytes-gt 300 -j DROP',
      '-A INPUT -m set --match-set p src,dst --bytes-gt 500 -j DROP',
    ],
    sources: times(5, '2001:db8:5::1', '2001:db8:6::1', '2001:db8:5::1 54', '2001:db9::1'),
  },
];

const textOf = (rules: readonly string[]): string =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );

/** A letter for each packet, then the counters of the rules. */
function play(machine: SequenceMachine, sequence: readonly SequencePacket[]): readonly string[] {
  try {
    const verdicts = machine.judgeSequence(sequence).map((one) => (one.reached ? one.verdict[0] : '?'));
    const counters = [...machine.counters()].map(([rule, { packets: n, bytes }]) => `${rule}: ${n} ${bytes}`);
    return [verdicts.join(''), ...counters.sort()];
  } finally {
    machine.close();
  }
}

describe.skipIf(!able)('what elements of IP sets count (skipped without root, ipset, nft or iptables)', () => {
  it.each(CASES)('rules compare it as with iptables: $name', ({ family = 'v4', ipset, rules, sources }) => {
    const text = textOf(rules);
    const sets = `${ipset.join('\n')}\n`;
    const compiled = compile(bindSets(parseDump(text, { family }).ruleset, parseSets(sets).sets), {
      hook: 'netfilter',
    });
    if (!compiled.ok) throw new Error(compiled.diagnostics[0].message);
    const options = { family, ruleset: text, ipset: sets } as const;
    const sequence = packets(family, sources);
    const want = play(new IptablesSequences(options), sequence);
    expect(want[0]).toMatch(/a.*d/);
    expect(play(new NetfilterMachine(compiled, options), sequence)).toEqual(want);
  });
});
