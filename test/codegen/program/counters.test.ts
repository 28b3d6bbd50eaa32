import { describe, expect, it } from 'vitest';
import { readObject } from '../../../codegen/object/read.js';
import { parseDump } from '../../../grammar/index.js';
import { buildPacket, type PacketSpec } from '../../../src/packet/index.js';
import type { EngineName } from '../../../src/verify/job.js';
import { verify } from '../../../src/verify/verify.js';
import { filterText, objectOf, type Place } from './rulesets.js';
import { RunningObject } from './run-object.js';

/** Whether there is a kernel to compare with; the interpreter is always there. */
const isRoot = process.platform === 'linux' && process.geteuid?.() === 0;
const XDP: Place = { hook: 'xdp', chain: 'INPUT' };
const IP = { family: 'v4', source: 0xc6336407n, destination: 0xc0000201n } as const;
const TCP = { kind: 'tcp', sport: 4000, dport: 80 } as const;
const PLAIN: PacketSpec = { ip: IP, transport: TCP };

const TEXT = filterText({
  userChains: ['WEB'],
  rules: [
    '-A INPUT -p tcp',
    '-A INPUT -p udp -j DROP',
    '-A INPUT -p tcp -j WEB',
    '-A INPUT -p tcp -m tcp --dport 81 -j DROP',
    '-A WEB -p tcp -m tcp --dport 80 -j RETURN',
    '-A WEB -p tcp -m tcp --dport 443 -j ACCEPT',
  ],
});
const POLICY = 6;

describe('counters', () => {
  it('are a per-CPU array with an entry for each rule and the policy', () => {
    const { object, manifest } = objectOf(TEXT, XDP);
    expect(manifest.counters).toHaveLength(POLICY + 1);
    expect(readObject(object).maps).toContainEqual({
      name: 'counters',
      type: 'percpu_array',
      keySize: 4,
      valueSize: 16,
      maxEntries: POLICY + 1,
    });
  });

  it.each<{ name: string; spec: PacketSpec; want: readonly number[]; bytes: number }>([
    { name: 'every rule on the way, RETURN and the policy too', spec: PLAIN, want: [0, 2, 4, POLICY], bytes: 40 },
    {
      name: 'not the policy where a rule decides',
      spec: { ip: IP, transport: { ...TCP, dport: 443 } },
      want: [0, 2, 5],
      bytes: 40,
    },
    { name: 'a drop', spec: { ip: IP, transport: { kind: 'udp', sport: 1, dport: 2 } }, want: [1], bytes: 28 },
    { name: 'the IP packet, not its padding', spec: { ...PLAIN, padding: 6 }, want: [0, 2, 4, POLICY], bytes: 40 },
    {
      name: 'the payload',
      spec: { ip: IP, transport: { ...TCP, payload: new Uint8Array(5) } },
      want: [0, 2, 4, POLICY],
      bytes: 45,
    },
    {
      name: 'options of the IP header',
      spec: { ip: { ...IP, options: new Uint8Array([1, 1, 1, 0]) }, transport: TCP },
      want: [0, 2, 4, POLICY],
      bytes: 44,
    },
    {
      name: 'nothing for what is dropped by a hotdrop, but the rules before',
      spec: { ...PLAIN, cut: 12 },
      want: [0, 2],
      bytes: 32,
    },
    {
      name: 'nothing for what never comes to the chain',
      spec: { ip: { ...IP, checksum: 1 }, transport: TCP },
      want: [],
      bytes: 0,
    },
    { name: 'nothing for another family', spec: { ...PLAIN, link: { etherType: 0x0806 } }, want: [], bytes: 0 },
  ])('count $name', ({ spec, want, bytes }) => {
    const running = new RunningObject(objectOf(TEXT, XDP).object);
    const { frame } = buildPacket(spec);
    for (let times = 1; times <= 3; times++) {
      running.judge(frame);
      const none = { packets: 0n, bytes: 0n };
      const counted = { packets: BigInt(times), bytes: BigInt(times * bytes) };
      expect(running.counters()).toEqual(
        Array.from({ length: POLICY + 1 }, (_, index) => (want.includes(index) ? counted : none)),
      );
    }
  });

  it('of the CPU that runs, only', () => {
    const running = new RunningObject(objectOf(TEXT, XDP).object, { cpus: 4, cpu: 2 });
    running.judge(buildPacket(PLAIN).frame);
    running.judge(buildPacket(PLAIN).frame);
    expect(running.packetsPerCpu(POLICY)).toEqual([0n, 0n, 2n, 0n]);
  });

  it('of an early object count what it drops, alone', () => {
    const text = filterText({
      policy: 'DROP',
      rules: ['-A INPUT -p tcp', '-A INPUT -p udp -j DROP', '-A INPUT -p tcp -m conntrack --ctstate NEW -j ACCEPT'],
    });
    const judged = (spec: PacketSpec): readonly [string, readonly number[]] => {
      const running = new RunningObject(objectOf(text, { ...XDP, mode: 'early' }).object);
      return [running.judge(buildPacket(spec).frame), running.counted()];
    };
    expect(judged(PLAIN)).toEqual(['accept', []]);
    expect(judged({ ip: IP, transport: { kind: 'udp', sport: 1, dport: 2 } })).toEqual(['drop', [1]]);
    expect(judged({ ip: IP, transport: { kind: 'icmp', type: 8 } })).toEqual(['drop', [3]]);
  });
});

describe('counters of many rules', () => {
  const MANY = 1030;
  const address = (i: number): string => `10.0.${i >> 8}.${i & 255}`;
  const text = filterText({ rules: Array.from({ length: MANY }, (_, i) => `-A INPUT -s ${address(i)}/32 -j DROP`) });
  const { ruleset } = parseDump(text, { family: 'v4' });
  const packets = [0, 1022, 1023, 1024, 1029, 1024, 2000].map((i) => {
    const ip = { ...IP, source: 0x0a00_0000n + BigInt(i) };
    return buildPacket({ ip, transport: TCP });
  });

  it('share elements of 1,024, the last of which is not full', () => {
    const { object, manifest } = objectOf(text, XDP);
    expect(manifest.counters).toHaveLength(MANY + 1);
    const [map] = readObject(object).maps;
    expect(map).toMatchObject({ name: 'counters', valueSize: 16 * 1024, maxEntries: 2 });
  });

  it.each(['linear', 'dag'] as const)('are those of the reference (%s)', async (engine) => {
    const engines: readonly EngineName[] = isRoot ? ['interpreter', 'kernel'] : ['interpreter'];
    const result = await verify(ruleset, text, packets, { hook: 'xdp', chain: 'INPUT', engine, engines, minimise: 0 });
    if (!result.ok) throw new Error('not compiled');
    expect(result.engines.flatMap(({ mismatches }) => mismatches)).toEqual([]);
    expect(result.equal).toBe(true);
  });
});
