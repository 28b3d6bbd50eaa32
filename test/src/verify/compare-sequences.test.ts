import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { dumpNames, readDump } from '../../../fixtures/packets/fixture.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Packet } from '../../../grammar/model/packet.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { compareSequences, type SequenceJob, type SequenceReport } from '../../../src/verify/compare-sequences.js';
import { converse } from '../../../src/verify/conversation.js';
import { generatePackets } from '../../../src/verify/generate.js';
import type { NetfilterObject } from '../../../src/verify/netfilter-machine.js';
import { Random } from '../../../src/verify/random.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));
const SEED = 20;
/** REJECT answers from local addresses alone: so every one is. */
const LOCAL = { v4: ['0.0.0.0/1', '128.0.0.0/1'], v6: ['2000::/3'] } as const;

function objectOf(ruleset: Ruleset): NetfilterObject | undefined {
  const result = compile(ruleset, { hook: 'netfilter' });
  return result.ok ? result : undefined;
}

function conversationsOf(ruleset: Ruleset): readonly Packet[] {
  const chains = ['INPUT', 'FORWARD', 'OUTPUT'] as const;
  const aimed = chains.flatMap((chain) => generatePackets(ruleset, { table: 'filter', chain, count: 30, seed: SEED }));
  return converse(aimed, new Random(SEED));
}

describe.skipIf(!able)('objects and iptables over whole conversations (skipped without root, nft or iptables)', () => {
  it.each(dumpNames())(`no difference in verdicts, answers, states and counters: %s, seed ${SEED}`, (name) => {
    const { ruleset, text } = readDump(name);
    const judge = objectOf(ruleset);
    if (judge === undefined) throw new Error('it does not compile');
    const { family } = ruleset;
    const packets = conversationsOf(ruleset);
    const report = compareSequences({ family, ruleset: text, bound: ruleset, judge, packets, local: LOCAL[family] });
    expect(report.mismatches).toEqual([]);
    expect(report.counters).toBe(judge.manifest.counters.length);
    expect(report.reached).toBeGreaterThan(packets.length / 2);
    expect(Object.keys(report.states)).toEqual(expect.arrayContaining(['NEW', 'ESTABLISHED', 'INVALID']));
    expect(report.verdicts.accept * report.verdicts.drop).toBeGreaterThan(0);
  });

  const rules = (last: string): readonly string[] => [
    '*filter',
    ':INPUT DROP [0:0]',
    ':FORWARD DROP [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    last,
    'COMMIT',
  ];
  const compareTwo = (own: string, other: string, texts: readonly string[]): SequenceReport => {
    const family: Family = 'v4';
    const judge = objectOf(rulesetOf(family, rules(other)));
    if (judge === undefined) throw new Error('it does not compile');
    const job: SequenceJob = {
      family,
      ruleset: `${rules(own).join('\n')}\n`,
      bound: rulesetOf(family, rules(own)),
      judge,
      packets: texts.map((text) => packetOf(text).packet),
      local: LOCAL.v4,
    };
    return compareSequences(job);
  };
  const PACKETS = [
    'udp 10.0.0.1:1 > 10.0.0.2:53 in a',
    'udp 10.0.0.2:53 > 10.0.0.1:1 out a',
    'udp 10.0.0.1:1 > 10.0.0.2:53 in a',
  ];

  it.each<[string, string, string, string, number]>([
    ['verdict', '-A INPUT -p udp -j ACCEPT', '-A INPUT -p udp -m udp --dport 54 -j ACCEPT', 'verdict', 0],
    ['kind of refusal', '-A INPUT -p udp -j REJECT', '-A INPUT -p udp -j DROP', 'verdict', 0],
    [
      'answer',
      '-A INPUT -p udp -j REJECT --reject-with icmp-port-unreachable',
      '-A INPUT -p udp -j REJECT --reject-with icmp-host-unreachable',
      'reply',
      0,
    ],
    ['counter', '-A INPUT -p udp -j DROP', '-A INPUT -p tcp -j DROP', 'counters', -1],
  ])('finds another %s', (_name, own, other, what, index) => {
    const [first] = compareTwo(own, other, PACKETS).mismatches;
    expect(first).toMatchObject({ what, index });
  });

  it('finds nothing where there is nothing', () => {
    const rule = '-A INPUT -p udp -j REJECT --reject-with icmp-port-unreachable';
    const report = compareTwo(rule, rule, PACKETS);
    expect(report).toMatchObject({ packets: 3, reached: 3, referenced: 3, mismatches: [] });
    // The refused packet has left no connection: the host's own is the first.
    expect(report.states).toEqual({ NEW: 2, ESTABLISHED: 1 });
  });
});
