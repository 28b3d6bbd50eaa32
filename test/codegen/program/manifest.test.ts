import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readObject } from '../../../codegen/object/read.js';
import { storedBytes } from '../../../codegen/program/flow.js';
import type { Manifest } from '../../../codegen/program/index.js';
import type { Field } from '../../../grammar/model/fields.js';
import { buildPacket } from '../../../src/packet/index.js';
import { chainTexts } from './chain-cases.js';
import { filterText, objectOf, type Place } from './rulesets.js';
import { RunningObject } from './run-object.js';

const XDP: Place = { hook: 'xdp', chain: 'INPUT' };
const DEVICE = { name: 'eth0', ifindex: 2 };

function manifestIn(object: Uint8Array): unknown {
  return JSON.parse(readObject(object).manifest);
}

const RICH = filterText({
  policy: 'DROP',
  userChains: ['WEB'],
  rules: [
    '-A INPUT -i eth0 -p tcp -m tcp --dport 80 -m comment --comment "it\'s \\"the\\" web, ünd more" -j WEB',
    '-A INPUT -m limit --limit 5/min -j LOG --log-prefix "in: "',
    '-A INPUT -s 192.0.2.1,192.0.2.2 -j REJECT --reject-with icmp-host-prohibited',
    '-A WEB -j ACCEPT',
  ],
});

describe('manifest', () => {
  it.each<{ name: string; place: Place }>([
    { name: 'XDP', place: XDP },
    { name: 'tc', place: { ...XDP, hook: 'tc' } },
    { name: 'early', place: { ...XDP, mode: 'early', sourceFile: 'rules.v4' } },
    {
      name: 'all that can be chosen',
      place: { ...XDP, fragments: 'drop', reject: 'drop', vlan: 'pass', hz: 1000, sourceFile: 'ä b.v4' },
    },
  ])('is in the file what compile says it is: $name', ({ place }) => {
    const { object, manifest } = objectOf(RICH, place);
    expect(manifestIn(object)).toEqual(manifest);
    expect(readObject(object).sourceFile).toBe(manifest.sourceFile);
  });

  it('whatever the ruleset', () => {
    fc.assert(
      fc.property(chainTexts(6, true), fc.constantFrom<Place>(XDP, { ...XDP, hook: 'tc' }), (text, place) => {
        const { object, manifest } = objectOf(text, { ...place, mode: 'early' });
        expect(manifestIn(object)).toEqual(manifest);
        expect(manifest.source).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  it('names rules as people know them, by line, number and text', () => {
    const { manifest } = objectOf(RICH, XDP);
    expect(manifest.counters).toEqual([
      {
        kind: 'rule',
        chain: 'INPUT',
        number: 1,
        line: 6,
        text: '-A INPUT -i eth0 -p tcp -m tcp --dport 80 -m comment --comment "it\\\'s \\"the\\" web, ünd more" -j WEB',
      },
      {
        kind: 'rule',
        chain: 'INPUT',
        number: 2,
        line: 7,
        text: '-A INPUT -m limit --limit 5/min -j LOG --log-prefix "in: "',
      },
      {
        kind: 'rule',
        chain: 'INPUT',
        number: 3,
        line: 8,
        text: '-A INPUT -s 192.0.2.1/32 -j REJECT --reject-with icmp-host-prohibited',
      },
      {
        kind: 'rule',
        chain: 'INPUT',
        number: 4,
        line: 8,
        text: '-A INPUT -s 192.0.2.2/32 -j REJECT --reject-with icmp-host-prohibited',
      },
      { kind: 'rule', chain: 'WEB', number: 1, line: 9, text: '-A WEB -j ACCEPT' },
      { kind: 'policy', chain: 'INPUT', policy: 'DROP' },
    ]);
  });

  it('holds the dump, its hash and what was chosen', () => {
    const { manifest } = objectOf(RICH, {
      ...XDP,
      reject: 'drop',
      fragments: 'pass',
      vlan: 'judge',
      sourceFile: 'rules.v4',
    });
    const want: Partial<Manifest> = {
      format: 1,
      family: 'v4',
      table: 'filter',
      hook: 'xdp',
      mode: 'exact',
      reject: 'drop',
      fragments: 'pass',
      vlan: 'judge',
      sourceFile: 'rules.v4',
      source: RICH,
      sourceHash: createHash('sha256').update(RICH).digest('hex'),
      programs: [{ name: 'ipt2bpf_input', chain: 'INPUT' }],
      deferred: [],
    };
    expect(manifest).toMatchObject(want);
  });

  it.each<{ name: string; rules: readonly string[]; place?: Partial<Place>; want: readonly (string | RegExp)[] }>([
    {
      name: 'a limit needs the clock',
      rules: ['-A INPUT -m limit --limit 1/sec -j ACCEPT'],
      place: { hz: 1000 },
      want: ['CONFIG_HZ of the running kernel is 1000'],
    },
    { name: 'fragments judged', rules: [], want: [/^fragments are judged one by one/] },
    { name: 'fragments dropped', rules: [], place: { fragments: 'drop' }, want: ['fragments are dropped'] },
    { name: 'fragments passed', rules: [], place: { fragments: 'pass' }, want: ['fragments are passed unjudged'] },
    {
      name: 'VLANs dropped',
      rules: ['-A INPUT -i eth0 -j DROP'],
      want: [/^IP packets of other VLANs than 0 are dropped/],
    },
    {
      name: 'VLANs passed',
      rules: [],
      place: { vlan: 'pass' },
      want: [/^IP packets of other VLANs than 0 are passed/],
    },
  ])('tells what must hold: $name', ({ rules, place, want }) => {
    const { assumptions } = objectOf(filterText({ rules }), { ...XDP, ...place }).manifest;
    const ethernet = 'the device is an Ethernet device, and its frames are addressed to it (no bridge port)';
    expect(assumptions[0]).toBe(ethernet);
    for (const note of want) {
      expect(assumptions.some((one) => (typeof note === 'string' ? one === note : note.test(one)))).toBe(true);
    }
    expect(new Set(assumptions).size).toBe(assumptions.length);
  });

  it.each<{
    name: string;
    rules: readonly string[];
    place?: Partial<Place>;
    kernel: string;
    features: readonly string[];
  }>([
    { name: 'plain rules', rules: [], kernel: '5.15', features: [] },
    {
      name: 'devices',
      rules: ['-A INPUT -i eth0 -j DROP'],
      kernel: '6.2',
      features: ['kfunc bpf_cast_to_kern_ctx', 'helper bpf_probe_read_kernel'],
    },
    {
      name: 'a limit',
      rules: ['-A INPUT -m limit --limit 1/sec -j DROP'],
      kernel: '5.15',
      features: ['64-bit atomic compare and exchange', 'helper bpf_jiffies64'],
    },
    {
      name: 'a limit in an early object',
      rules: ['-A INPUT -m limit --limit 1/sec -j DROP'],
      place: { mode: 'early' },
      kernel: '5.15',
      features: [],
    },
    {
      name: 'a log',
      rules: ['-A INPUT -j LOG'],
      kernel: '6.2',
      features: [
        'ring buffer',
        'kfunc bpf_cast_to_kern_ctx',
        'helper bpf_probe_read_kernel',
        'helper bpf_xdp_load_bytes',
      ],
    },
  ])('tells what the kernel must have: $name', ({ rules, place, kernel, features }) => {
    const { needs } = objectOf(filterText({ rules }), { ...XDP, ...place }).manifest;
    expect(needs).toEqual({ kernel, features: ['global functions with memory arguments', 'BTF', ...features] });
  });
});

describe('events', () => {
  const text = filterText({ rules: ['-A INPUT -p tcp', '-A INPUT -p tcp -j LOG'] });
  const ip = { family: 'v4', source: 0xc6336407n, destination: 0xc0000201n, ttl: 33, tos: 0x10 } as const;
  const { frame } = buildPacket({ ip, transport: { kind: 'tcp', sport: 4000, dport: 80 } });

  it('are structs flow and the packet, with the rule and the fields where the manifest says', () => {
    const { object, manifest } = objectOf(text, XDP);
    const running = new RunningObject(object, { devices: [DEVICE] });
    expect(running.judge(frame)).toBe('accept');
    const events = running.events();
    expect(events).toHaveLength(1);
    const [event] = events;
    const { event: layout } = manifest;
    if (layout === undefined) throw new Error('no layout');
    expect(event.length).toBe(layout.bytes + layout.tail.packet + frame.length - 14);
    expect(event.subarray(layout.bytes + layout.tail.packet)).toEqual(frame.subarray(14));
    expect(event.slice(layout.bytes + layout.tail.linkBytes, layout.bytes + layout.tail.packet)).toEqual(
      Uint8Array.from({ length: 32 }, (_, i) => (i < 14 ? frame[i] : 0)),
    );
    expect(layout.rules).toEqual([{ rule: 1, prefix: '', level: 4, flags: 0 }]);
    const field = (name: Field): bigint => read(event, layout.fields[name], storedBytes(name, 'v4'));
    const fields = (['saddr', 'daddr', 'proto', 'sport', 'dport', 'ttl', 'tos', 'fragoff'] as const).map((name) => [
      name,
      field(name),
    ]);
    expect(Object.fromEntries(fields)).toEqual({
      saddr: 0xc6336407n,
      daddr: 0xc0000201n,
      proto: 6n,
      sport: 4000n,
      dport: 80n,
      ttl: 33n,
      tos: 0x10n,
      fragoff: 0n,
    });
    expect(field('iif') >> 64n).toBe(0x6574683000000000n);
    const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
    expect(view.getUint32(0, true)).toBe(40);
    expect(view.getUint32(4, true)).toBe(1);
  });

  it('are none of packets that the rule does not match, and no layout is without such a rule', () => {
    const { object } = objectOf(text, XDP);
    const running = new RunningObject(object, { devices: [DEVICE] });
    running.judge(buildPacket({ ip, transport: { kind: 'udp', sport: 4000, dport: 80 } }).frame);
    expect(running.events()).toEqual([]);
    expect(objectOf(filterText({}), XDP).manifest.event).toBeUndefined();
    expect(objectOf(text, { ...XDP, mode: 'early' }).manifest.event).toBeUndefined();
  });
});

/** Little endian; wide fields as words of 64 bits, the most significant first. */
function read(bytes: Uint8Array, offset: number, size: number): bigint {
  const word = Math.min(size, 8);
  let value = 0n;
  for (let at = 0; at < size; at += word) {
    let part = 0n;
    for (let byte = word - 1; byte >= 0; byte--) part = (part << 8n) | BigInt(bytes[offset + at + byte]);
    value = (value << BigInt(8 * word)) | part;
  }
  return value;
}
