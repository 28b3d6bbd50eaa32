import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../../bpf-runtime/kernel/load.js';
import { loadPrograms } from '../../../../bpf-runtime/kernel/raw-load.js';
import type { Hook } from '../../../../codegen/program/manifest.js';
import { readObject } from '../../../../codegen/object/read.js';
import type { FunctionSpec } from '../../../../codegen/object/spec.js';
import { writeObject } from '../../../../codegen/object/write.js';
import { compile } from '../../../../codegen/program/index.js';
import { buildPacket } from '../../../../src/packet/index.js';
import { prove } from '../../../../src/prove/prove.js';
import { reasonNotToLoad } from '../../object/bpftool.js';
import { filterText, objectOf, rulesetOf, type Place } from '../rulesets.js';
import { RunningObject } from '../run-object.js';

const PLACE: Place = { hook: 'xdp', chain: 'INPUT', reject: 'drop' };
/** Every chain that can be judged once is, or those that jump somewhere. */
const ONCE: Place = { ...PLACE, visitOnce: 0 };
const JUMPING: Place = { ...PLACE, visitOnce: 1 };
const ip = { family: 'v4', source: 0x0a000001n, destination: 0xc0000201n } as const;
const PACKET = buildPacket({ ip, transport: { kind: 'tcp', sport: 4000, dport: 80 } }, { inInterface: 'eth0' });

const skipped = reasonNotToLoad();
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `C${i}`);
const deep = (depth: number, jump: string): string[] =>
  names(depth).map((name, i) => `-A ${i === 0 ? 'INPUT' : `C${i - 1}`} ${jump} ${name}`);

/** What a packet counts: `chain number` of each rule that has counted, × how often; `policy`. */
function judged(
  text: string,
  place: Place = ONCE,
): { readonly verdict: string; readonly counts: Record<string, string> } {
  const { object, manifest } = objectOf(text, place);
  const running = new RunningObject(object);
  const verdict = running.judge(PACKET.frame);
  const counts: Record<string, string> = {};
  running.counters().forEach(({ packets, bytes }, index) => {
    const entry = manifest.counters[index];
    if (packets === 0n) return;
    const name = entry.kind === 'policy' ? 'policy' : `${entry.chain} ${entry.number}`;
    expect(bytes).toBe(BigInt.asUintN(64, packets * 40n));
    counts[name] = String(packets);
  });
  return { verdict, counts };
}

describe('chains that are judged once', () => {
  it.each<{ name: string; chains: string[]; rules: string[]; verdict: string; counts: Record<string, number> }>([
    {
      name: 'a jump comes back',
      chains: ['A'],
      rules: ['-A INPUT -j A', '-A INPUT -j DROP', '-A A'],
      verdict: 'drop',
      counts: { 'INPUT 1': 1, 'A 1': 1, 'INPUT 2': 1 },
    },
    {
      name: 'a goto comes back to where the jump before it came from',
      chains: ['A', 'B'],
      rules: ['-A INPUT -j A', '-A INPUT', '-A A -g B', '-A A -j DROP', '-A B'],
      verdict: 'accept',
      counts: { 'INPUT 1': 1, 'A 1': 1, 'B 1': 1, 'INPUT 2': 1, policy: 1 },
    },
    {
      name: 'a goto out of the first chain comes back to the policy',
      chains: ['A'],
      rules: ['-A INPUT -g A', '-A INPUT -j DROP', '-A A -j RETURN', '-A A -j DROP'],
      verdict: 'accept',
      counts: { 'INPUT 1': 1, 'A 1': 1, policy: 1 },
    },
    {
      name: 'RETURN leaves the rest of the chain out, each time',
      chains: ['A'],
      rules: ['-A INPUT -j A', '-A INPUT -j A', '-A INPUT -j A', '-A A', '-A A -p tcp -j RETURN', '-A A -j DROP'],
      verdict: 'accept',
      counts: { 'INPUT 1': 1, 'INPUT 2': 1, 'INPUT 3': 1, 'A 1': 3, 'A 2': 3, policy: 1 },
    },
    {
      name: 'what decides ends the chains above it where they are',
      chains: ['A', 'B', 'C'],
      rules: ['-A INPUT -j B', '-A INPUT -j A', '-A INPUT', '-A A -j B', '-A A -j C', '-A A', '-A B', '-A C -j DROP'],
      verdict: 'drop',
      counts: { 'INPUT 1': 1, 'INPUT 2': 1, 'A 1': 1, 'A 2': 1, 'B 1': 2, 'C 1': 1 },
    },
    {
      name: 'a chain that decides and is not jumped to does nothing',
      chains: ['A', 'B'],
      rules: ['-A INPUT -p udp -j A', '-A INPUT -j B', '-A A -j DROP', '-A B -p udp -j A', '-A B'],
      verdict: 'accept',
      counts: { 'INPUT 2': 1, 'B 2': 1, policy: 1 },
    },
    {
      name: 'visits multiply',
      chains: ['A', 'B', 'C'],
      rules: [
        '-A INPUT -j A',
        '-A INPUT -j B',
        '-A A -j B',
        '-A A -j B',
        '-A B -j C',
        '-A B -j C',
        '-A B -g C',
        '-A C',
      ],
      verdict: 'accept',
      counts: {
        ...{ 'INPUT 1': 1, 'INPUT 2': 1, 'A 1': 1, 'A 2': 1 },
        ...{ 'B 1': 3, 'B 2': 3, 'B 3': 3, 'C 1': 9, policy: 1 },
      },
    },
    {
      name: 'twelve deep',
      chains: names(12),
      rules: [...deep(12, '-j'), '-A C11 -j DROP', '-A INPUT -j ACCEPT'],
      verdict: 'drop',
      counts: Object.fromEntries([...['INPUT', ...names(12)].map((name) => [`${name} 1`, 1])]),
    },
    {
      name: 'a rule that must run at each visit keeps its chain called, those below are judged once',
      chains: ['A', 'B', 'C'],
      rules: [
        ...[
          '-A INPUT -j A',
          '-A INPUT -j A',
          '-A A -m limit --limit 5/sec',
          '-A A -j B',
          '-A B -j C',
          '-A B -g C',
          '-A C',
        ],
        ...['-A INPUT -j B', '-A INPUT -j DROP'],
      ],
      verdict: 'drop',
      counts: {
        ...{ 'INPUT 1': 1, 'INPUT 2': 1, 'A 1': 2, 'A 2': 2, 'B 1': 3, 'B 2': 3, 'C 1': 6 },
        ...{ 'INPUT 3': 1, 'INPUT 4': 1 },
      },
    },
  ])('$name', ({ chains, rules, verdict, counts }) => {
    const text = filterText({ userChains: chains, rules });
    const want = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
    expect(judged(text)).toEqual({ verdict, counts: want });
    expect(judged(text, JUMPING)).toEqual({ verdict, counts: want });
    // As chains that call one another do.
    expect(judged(text, PLACE)).toEqual({ verdict, counts: want });
  });
});

/** Each chain jumps to the next one twice. */
const doubling = (depth: number, last: string): string =>
  filterText({
    userChains: names(depth),
    rules: [...deep(depth, '-j'), ...deep(depth, '-j').slice(1), `-A C${depth - 1}${last}`],
  });

describe('chains that lead to one another on more ways than can be walked', () => {
  const HOOKS: readonly Hook[] = ['xdp', 'tc', 'netfilter', 'cgroup', 'socket'];

  it('count every visit', () => {
    const { verdict, counts } = judged(doubling(60, ''), PLACE);
    expect(verdict).toBe('accept');
    expect(counts['C59 1']).toBe(String(2n ** 59n));
    expect(counts['C30 2']).toBe(String(2n ** 30n));
    expect(counts.policy).toBe('1');
  });

  it('end at the first visit of the rule that decides', () => {
    const { verdict, counts } = judged(doubling(60, ' -j DROP'), PLACE);
    expect(verdict).toBe('drop');
    expect(counts).toEqual(Object.fromEntries(['INPUT', ...names(60)].map((name) => [`${name} 1`, '1'])));
  });

  it.skipIf(skipped !== undefined).each(HOOKS)(
    `are loaded at %s, of either IP version${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
    (hook) => {
      for (const family of ['v4', 'v6'] as const) {
        const { object } = objectOf(doubling(30, ' -p tcp -j DROP'), { ...PLACE, hook, family });
        if (hook === 'netfilter') loadPrograms(object).close();
        else loadObject(object).close();
      }
    },
  );

  it('are not proved either where the function that runs them has another name', () => {
    const text = doubling(4, ' -p tcp -j DROP');
    const ruleset = rulesetOf(text);
    const { object, manifest } = objectOf(text, { ...ONCE, engine: 'linear' });
    const spec = readObject(object);
    const nameOf = (name: string): string => (name === 'visits' ? 'others' : name);
    const rename = <F extends FunctionSpec>(one: F): F => ({
      ...one,
      name: nameOf(one.name),
      instructions: one.instructions.map((instruction) => {
        const { reference } = instruction;
        if (reference?.kind !== 'function') return instruction;
        return { ...instruction, reference: { ...reference, name: nameOf(reference.name) } };
      }),
    });
    const { entries, functions } = spec.program;
    const program = { ...spec.program, entries: entries.map(rename), functions: functions.map(rename) };
    const proof = prove({ ruleset, object: writeObject({ ...spec, program }), manifest, chain: 'INPUT' });
    expect(proof.kind).not.toBe('proved');
  });

  it('are not proved, by name', () => {
    const text = doubling(30, ' -p tcp -j DROP');
    const ruleset = rulesetOf(text);
    const { object, manifest } = objectOf(text, PLACE);
    const proof = prove({ ruleset, object, manifest, chain: 'INPUT' });
    expect(proof).toEqual({ kind: 'not-proved', reason: 'chains that are judged once for all jumps' });
  });

  it('are refused by name where more of them must be counted than the stack holds', () => {
    const chains = names(90);
    const rules = ['INPUT', ...chains].flatMap((from, i) => chains.slice(i).map((to) => `-A ${from} -p tcp -j ${to}`));
    const result = compile(rulesetOf(filterText({ userChains: chains, rules })), PLACE);
    const message =
      'chain INPUT is larger than one eBPF program can be; it leads to too many chains at a time: 90, whose visits are counted on the stack';
    expect(result).toMatchObject({ ok: false, diagnostics: [{ code: 'too-large', message }] });
  });

  it.each([
    { name: 'packets that change on the way', hook: 'tc', rule: '-A C0 -j TTL --ttl-set 9', table: 'mangle' },
  ] as const)('are refused where rules must run each time: $name', ({ rule, hook }) => {
    const text = `*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${names(
      40,
    )
      .map((name) => `:${name} - [0:0]\n`)
      .join(
        '',
      )}${[...deep(40, '-j'), ...deep(40, '-j').slice(1), rule].join('\n').replaceAll('-A INPUT', '-A POSTROUTING')}\nCOMMIT\n`;
    const result = compile(rulesetOf(text), { hook, chain: 'POSTROUTING', table: 'mangle' });
    expect(result).toMatchObject({ ok: false, diagnostics: [{ code: 'too-large' }] });
  });
});
