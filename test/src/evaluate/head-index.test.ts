import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { evaluate, readFields, UnreadablePacketError } from '../../../src/evaluate/index.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { Random } from '../../../src/verify/random.js';

/** Addresses that overlap, inverted ones, and tests that drop a packet before or behind them. */
function longDump(family: Family, seed: number): string {
  const random = new Random(seed);
  const pick = (words: readonly string[]): string => words[random.below(words.length)];
  const net = (): string =>
    family === 'v4'
      ? pick([
          `10.0.${random.below(4)}.${random.below(4)}`,
          `10.0.${random.below(8)}.0/24`,
          '10.0.0.0/8',
          '10.0.0.1/255.0.0.255',
        ])
      : pick([`2001:db8::${random.below(4)}`, `2001:db8:${random.below(8)}::/48`, '2001:db8::/32', '::1/::ff']);
  const address = (flag: string): string => pick(['', `${flag} ${net()} `, `! ${flag} ${net()} `]);
  const rules = Array.from({ length: 700 }, () => {
    const tests = pick(['', '-p tcp ', '-p tcp -m tcp --dport 80 ', '-p udp -m udp --sport 53 ', '-m ttl --ttl-eq 3 ']);
    const match = family === 'v6' ? tests.replace('-m ttl --ttl-eq 3', '-m hl --hl-eq 3') : tests;
    const words = `${address('-s')}${address('-d')}${match}`;
    return `-A INPUT ${words === '' ? '-i eth7 ' : words}-j ${pick(['ACCEPT', 'DROP', 'MARK --set-xmark 0x1/0x1', 'own'])}`;
  });
  const head = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':own - [0:0]'];
  return [...head, ...rules, '-A own -p tcp -j RETURN', '-A own -m mark --mark 0x1/0x1 -j DROP', 'COMMIT', ''].join(
    '\n',
  );
}

function isReadable(packet: Packet, family: Family): boolean {
  try {
    readFields(packet, family, 'INPUT');
    return true;
  } catch (error) {
    if (error instanceof UnreadablePacketError) return false;
    throw error;
  }
}

describe('long chains', () => {
  it.each(['v4', 'v6'] as const)('%s: come to the same with an index as rule by rule', (family) => {
    const { ruleset } = parseDump(longDump(family, 7), { family });
    const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: 400, seed: 3 }).filter(
      (packet) => isReadable(packet, family),
    );
    expect(packets.length).toBeGreaterThan(100);
    const verdicts = new Set<string>();
    for (const packet of packets) {
      const input = { ruleset, table: 'filter', chain: 'INPUT', packet } as const;
      const { trace, ...walked } = evaluate({ ...input, trace: true });
      expect(trace.length).toBeGreaterThan(0);
      expect(evaluate(input)).toEqual({ ...walked, trace: [] });
      verdicts.add(walked.kind === 'decided' ? JSON.stringify(walked.decision) : 'unknown');
    }
    expect(verdicts.size).toBeGreaterThan(10);
  });
});
