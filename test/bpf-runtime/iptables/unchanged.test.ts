import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EgressInjector, IngressInjector } from '../../../bpf-runtime/iptables/inject.js';
import { RealIptables } from '../../../bpf-runtime/iptables/real-iptables.js';
import { parseCounters, Tools, type ChainCounters } from '../../../bpf-runtime/iptables/tables.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { Testbed } from '../../../bpf-runtime/system/testbed.js';
import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { echo, frame4, frame6, packet, tcp, udp } from './frames.js';

/**
 * The rules that the engine loads are not quite those it was given. Here the same packets go through the ruleset as it
 * is, and every counter must come out the same.
 */
const able = process.getuid?.() === 0 && hasCommand('iptables-legacy');

/** A generator of numbers below `n`, the same for the same seed (mulberry32). */
function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1]))];
}

/** Packets with the addresses, ports and interfaces that a ruleset speaks of. */
function packetsFor(text: string, family: Family, chain: BuiltinChain, count: number, seed: number): readonly Packet[] {
  const next = random(seed);
  const pick = <T>(values: readonly T[]): T => values[next(values.length)];
  const addresses =
    family === 'v4'
      ? [...matches(text, /(?<![.\d])(\d+\.\d+\.\d+\.\d+)(?![.\d])/g), '198.51.100.7', '192.0.2.1', '10.0.0.9']
      : [...matches(text, /-[sd] ([0-9a-f]*:[0-9a-f:]*)/g), '2001:db8::1', 'fe80::5', '2001:db8:9::9'];
  const valid = addresses.filter((address) => /[:.]/.test(address) && !/^(0|22[4-9]|23\d|24\d|25\d)\./.test(address));
  const ports = [...matches(text, /ports? (\d+)/g).map(Number), 22, 80, 4242].filter((port) => port < 65536);
  const names = matches(text, /-[io] ([\w.+-]+)/g).map((name) => name.replace('+', '3'));
  const devices = [...names.filter((name) => name.length < 16 && name !== 'lo'), 'eth0'];
  return Array.from({ length: count }, (_, i) => {
    const kind = next(8);
    const payload =
      kind < 4
        ? tcp(pick(ports), pick(ports), pick([2, 16, 18, 4, 0]))
        : kind < 7
          ? udp(pick(ports), pick(ports))
          : echo(8);
    const protocol = kind < 4 ? 6 : kind < 7 ? 17 : family === 'v4' ? 1 : 58;
    const cut = next(20) === 0 ? payload.slice(0, next(payload.length)) : payload;
    const fragment = next(15) === 0 ? 1 + next(3) : 0;
    const frame =
      family === 'v4'
        ? frame4({ from: pick(valid), to: pick(valid), protocol, id: i + 1, fragment }, cut)
        : frame6(pick(valid), pick(valid), protocol, cut);
    const input = chain === 'OUTPUT' ? '' : pick(devices);
    // Few changes of the way out: each is a change of routes.
    const output = chain === 'INPUT' ? '' : devices[Math.floor(i / 50) % devices.length];
    return packet(frame, input, output, next(10) === 0 ? next(16) : 0);
  });
}

function countUntouched(ruleset: string, family: Family, chain: BuiltinChain, packets: readonly Packet[]): string {
  const tools = new Tools(family, 'legacy');
  const testbed = Testbed.create({ family, chain });
  const injector = chain === 'OUTPUT' ? new EgressInjector(testbed) : new IngressInjector(testbed);
  try {
    testbed.run(() => {
      // A table that nobody has loaded does not count.
      tools.restore(/^\*filter/m.test(ruleset) ? ruleset : `${ruleset}\n*filter\nCOMMIT\n`);
      const own = `-m owner ! --uid-owner ${process.geteuid?.() ?? 0}`;
      const prerouting = chain === 'OUTPUT' ? '-I PREROUTING 1 -j DROP\n' : '';
      tools.restore(`*raw\n-I OUTPUT 1 ${own} -j DROP\n${prerouting}COMMIT\n`, { keep: true });
    });
    for (const one of packets) injector.send(one);
    return testbed.run(() => tools.save('filter'));
  } finally {
    injector.close();
    testbed.close();
  }
}

/** Every counter of the engine that is not the untouched one, as text. */
function differences(
  engine: ReadonlyMap<string, ChainCounters>,
  untouched: ReadonlyMap<string, ChainCounters>,
): readonly string[] {
  const list = (counters: ReadonlyMap<string, ChainCounters>): string[] =>
    [...counters].flatMap(([name, { policy, rules }]) => [
      `${name} policy ${policy?.packets}:${policy?.bytes}`,
      ...rules.map(({ packets, bytes }, i) => `${name} ${i + 1} ${packets}:${bytes}`),
    ]);
  const [ours, theirs] = [list(engine).sort(), list(untouched).sort()];
  return [
    ...ours.filter((line) => !theirs.includes(line)).map((line) => `engine ${line}`),
    ...theirs.filter((line) => !ours.includes(line)).map((line) => `untouched ${line}`),
  ];
}

function compare(ruleset: string, family: Family, chain: BuiltinChain, count: number, seed: number): void {
  const packets = packetsFor(ruleset, family, chain, count, seed);
  const engine = RealIptables.create({ ruleset, family, chain });
  try {
    const judgements = engine.judge(packets);
    const counters = engine.counters();
    const untouched = parseCounters(countUntouched(ruleset, family, chain, packets));
    const diff = differences(counters, untouched).join(', ');
    if (diff !== '') throw new Error(`${chain}, seed ${seed}: ${diff}`);
    const policies = judgements.filter(({ rule }) => rule === 'policy').length;
    expect(BigInt(policies), `seed ${seed}`).toBe(untouched.get(chain)?.policy?.packets);
  } finally {
    engine.close();
  }
}

const NESTED = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:a - [0:0]
:b - [0:0]
:c - [0:0]
${['INPUT', 'FORWARD', 'OUTPUT']
  .map(
    (chain) => `-A ${chain} -p udp -j a
-A ${chain} -s 10.0.0.0/8 -g b
-A ${chain} -p tcp -m tcp --dport 22 -j RETURN
-A ${chain} -p icmp -j REJECT
-A ${chain} -m mark --mark 0x3 -j ACCEPT
-A ${chain} -p tcp -m tcp --tcp-flags SYN,ACK SYN -g c
-A ${chain} -p tcp -j b`,
  )
  .join('\n')}
-A a -p udp -m udp --dport 53 -g b
-A a -p udp -m udp --dport 80 -j RETURN
-A a -j b
-A a
-A b -d 192.0.2.0/24 -j MARK --set-xmark 0x3/0xffffffff
-A b -p udp -m udp --sport 53 -j ACCEPT
-A b -m mark --mark 0x4/0x4 -j c
-A c -p tcp -m tcp --sport 80 -j REJECT --reject-with tcp-reset
-A c -s 198.51.100.0/24 -j DROP
COMMIT
`;

describe.skipIf(!able)('judged rules count as the given ones do (skipped without root or iptables-legacy)', () => {
  it.each(['INPUT', 'FORWARD', 'OUTPUT'] as const)('nested jumps, gotos and returns at %s', (chain) => {
    compare(NESTED, 'v4', chain, 1000, Date.now() % 100000);
  });

  const shared = process.env.IPT2BPF_SHARED;
  const dumps = shared === undefined ? '' : join(shared, 'dumps');
  const files = existsSync(dumps) ? readdirSync(dumps).filter((name) => /\.v[46]$/.test(name)) : [];
  /** Matches whose answer depends on the time, and what cannot be loaded or judged here. */
  const unsteady = /limit|recent|statistic|-m time|quota|rateest|connlimit|NFQUEUE|QUEUE|TARPIT|--match-set|IDLETIMER/;
  const steady = files.filter((name) => !unsteady.test(readFileSync(join(dumps, name), 'utf8')));

  it.skipIf(steady.length === 0)('real dumps (skipped without IPT2BPF_SHARED)', { timeout: 600_000 }, () => {
    const every = Number(process.env.IPT2BPF_EVERY ?? 8);
    let compared = 0;
    for (const [i, name] of steady.entries()) {
      if (i % every !== 0) continue;
      const ruleset = readFileSync(join(dumps, name), 'utf8');
      const family = name.endsWith('.v4') ? 'v4' : 'v6';
      try {
        for (const chain of ['INPUT', 'FORWARD', 'OUTPUT'] as const) compare(ruleset, family, chain, 300, i + 1);
        compared++;
      } catch (error) {
        // Host names, users and sets that this machine does not know.
        if (/Bad value|not found|doesn't exist/.test(String(error))) continue;
        throw new Error(name, { cause: error });
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});
