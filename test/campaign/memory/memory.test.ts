import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { IptablesSequences, NetfilterMachine } from '../../../src/verify/netfilter-machine.js';
import type { SequenceMachine, SequencePacket } from '../../../src/verify/netfilter-machine.js';
import { packetOf, rulesetOf } from '../../src/evaluate/helpers.js';
import { CONNECTION_SEQUENCES, RATE_SEQUENCES } from './connections.js';
import { HASHLIMIT_MODES } from './hashlimit-modes.js';
import { COUNT_SEQUENCES } from './count-sequences.js';
import { HASHLIMIT_SEQUENCES } from './hashlimit-sequences.js';
import { RECENT_SEQUENCES } from './recent-sequences.js';
import type { TimedSequence } from './sequence.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

function textOf({ policies = {}, chains = [], rules }: TimedSequence): string {
  const builtin = (['INPUT', 'FORWARD', 'OUTPUT'] as const).map(
    (name) => `:${name} ${policies[name] ?? 'ACCEPT'} [0:0]`,
  );
  const own = chains.map((name) => `:${name} - [0:0]`);
  return ['*filter', ...builtin, ...own, ...rules, 'COMMIT', ''].join('\n');
}

/** What a machine does with a sequence: a letter a packet, and its counters. */
function play(machine: SequenceMachine, packets: readonly SequencePacket[]): Readonly<Record<string, string>> {
  try {
    const verdicts = machine
      .judgeSequence(packets)
      .map((judgement) => (judgement.reached ? judgement.verdict.slice(0, 1) : '?'))
      .join('');
    const counters = [...machine.counters()].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      verdicts,
      ...Object.fromEntries(counters.map(([name, { packets: n, bytes }]) => [name, `${n} ${bytes}`])),
    };
  } finally {
    machine.close();
  }
}

describe.skipIf(!able)('rules that remember, over time (skipped without root, nft or iptables)', () => {
  it.each([
    ...[...RECENT_SEQUENCES, ...HASHLIMIT_SEQUENCES, ...COUNT_SEQUENCES],
    ...[...HASHLIMIT_MODES, ...CONNECTION_SEQUENCES, ...RATE_SEQUENCES],
    // The packets come in real time: where the machine stands still for a second, a time is over on one side alone.
  ])('$name ($family)', { timeout: 60_000, retry: 2 }, (sequence) => {
    const { family = 'v4' } = sequence;
    const text = textOf(sequence);
    const packets = sequence.packets.map(([waitMs, words]): SequencePacket => ({
      ...packetOf(words).packet,
      waitMs,
    }));
    const want = sequence.packets.map(([, , verdict]) => verdict).join('');
    const iptables = play(new IptablesSequences({ family, ruleset: text }), packets);
    expect(iptables.verdicts).toBe(want);
    const compiled = compile(rulesetOf(family, text.trimEnd().split('\n')), { hook: 'netfilter' });
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join('; '));
    expect(play(new NetfilterMachine(compiled, { family, ruleset: text }), packets)).toEqual(iptables);
  });
});
