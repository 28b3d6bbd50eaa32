import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPrograms } from '../../../bpf-runtime/kernel/raw-load.js';
import { RingBuffer } from '../../../bpf-runtime/kernel/ring-buffer.js';
import { attachObject } from '../../../bpf-runtime/netfilter/attach.js';
import { SequenceHost } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { EventReader } from '../../../src/events/decode.js';
import { logLine } from '../../../src/events/log-line.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';
import { KernelLog } from './kernel-log.js';

const able =
  process.getuid?.() === 0 &&
  existsSync('/proc/sys/net/netfilter/nf_log_all_netns') &&
  ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

/** Packets to port 9 are not traced. */
const RAW = [
  '*raw',
  ':PREROUTING ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  '-A PREROUTING -p udp --dport 9 -j ACCEPT',
  '-A PREROUTING -j TRACE',
  '-A OUTPUT -j TRACE',
  'COMMIT',
];

const FILTER = [
  '*filter',
  ':INPUT DROP [0:0]',
  ':FORWARD ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':deep - [0:0]',
  ':early - [0:0]',
  ':empty - [0:0]',
  ':ends - [0:0]',
  ':last - [0:0]',
  '-A INPUT -p tcp -j deep',
  '-A INPUT -p udp --dport 53 -j MARK --set-mark 7',
  '-A INPUT -p udp --dport 53 -j LOG --log-prefix "said "',
  '-A INPUT -m comment --comment "asks for nothing" -j empty',
  '-A INPUT -p udp --dport 54 -g last',
  '-A INPUT -p udp --dport 53 -j ACCEPT',
  '-A INPUT -p udp --dport 55 -j RETURN',
  '-A INPUT',
  '-A FORWARD -j early',
  '-A FORWARD -j ACCEPT',
  '-A OUTPUT -p tcp -j ends',
  '-A deep -p tcp --dport 22 -j early',
  '-A deep -p tcp --dport 23 -j DROP',
  '-A deep -p tcp -j ends',
  '-A early -p tcp --dport 22 -m limit --limit 1/hour -j ACCEPT',
  '-A early -p tcp -j RETURN',
  '-A early -j RETURN',
  '-A early -j DROP',
  '-A ends -p tcp --dport 24 -j DROP',
  '-A ends -j ACCEPT',
  '-A last -p udp',
  'COMMIT',
];

const IN = 'in trc0';
const PACKETS: Readonly<Record<Family, readonly string[]>> = {
  v4: [
    `tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN seq 7 tcpopt 020405b4 ${IN}`,
    `tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN seq 7 ${IN}`,
    `tcp 198.51.100.7:4001 > 192.0.2.1:23 SYN ipopt 01010101 ${IN}`,
    `tcp 198.51.100.7:4002 > 192.0.2.1:24 SYN ${IN} mark 3`,
    `tcp 198.51.100.7:4003 > 192.0.2.1:25 SYN ${IN}`,
    ...[53, 54, 55, 56, 9].map((port) => `udp 198.51.100.7:4000 > 192.0.2.1:${port} ${IN}`),
    `icmp 198.51.100.7 > 192.0.2.1 ${IN}`,
    'udp 10.0.0.2:53 > 203.0.113.9:1000 in trc1 out trc0',
    'tcp 10.0.0.2:53 > 203.0.113.9:22 SYN in trc1 out trc0',
    'tcp 192.0.2.1:22 > 198.51.100.7:4000 SYN,ACK id 5 out trc0',
    'udp 192.0.2.1:22 > 198.51.100.7:4000 id 5 out trc0',
  ],
  v6: [
    `tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN flow 74565 tcpopt 020405b4 ${IN}`,
    `tcp [2001:db8::7]:4001 > [2001:db8::1]:24 SYN ${IN}`,
    ...[53, 54, 55, 9].map((port) => `udp [2001:db8::7]:4000 > [2001:db8::1]:${port} ext hop ${IN}`),
    'udp [2001:db8::2]:53 > [2001:db8:1::9]:1000 in trc1 out trc0',
    'udp [2001:db8::1]:53 > [2001:db8:1::9]:1000 out trc0',
  ],
};

describe.skipIf(!able)('lines of traced packets (skipped without root, nft or iptables)', () => {
  let log: KernelLog;
  beforeAll(() => {
    log = new KernelLog();
  });
  afterAll(() => log.close());

  it.each(['v4', 'v6'] as const)('are those of the kernel, rule by rule: %s', (family) => {
    const packets = PACKETS[family].map((text) => packetOf(text).packet);
    const host = SequenceHost.create({ family, ruleset: `${[...RAW, ...FILTER].join('\n')}\n` });
    log.lines();
    host.judgeSequence(packets);
    host.close();
    const ours = ({ text }: { readonly text: string }): boolean =>
      /^(TRACE: filter:|said )/.test(text) && /(IN|OUT)=trc[01] /.test(text);
    const wanted = log.lines().filter(ours);
    expect(wanted.length).toBeGreaterThan(2 * packets.length);

    const result = compile(rulesetOf(family, [...RAW, ...FILTER]), { hook: 'netfilter' });
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    const reader = new EventReader(result.manifest);
    const other = SequenceHost.create({ family, ruleset: `${RAW.join('\n')}\n` });
    const object = loadPrograms(result.object);
    try {
      const attached = attachObject(object, result.manifest, other.testbed.namespace);
      const map = object.maps.get('events');
      if (map === undefined) throw new Error('there is no map events');
      const ring = new RingBuffer(map);
      other.judgeSequence(packets);
      const events = ring.consume().map((bytes) => reader.read(bytes));
      ring.close();
      attached.close();
      const lines = events.map((event) => ({ level: event.rule.level, text: logLine(event, family) }));
      // What is drawn by chance.
      const plain = (one: { readonly text: string }): object => ({ ...one, text: one.text.replace(/ ID=\d+ /, ' ') });
      expect(lines.map(plain)).toEqual(wanted.map(plain));
    } finally {
      object.close();
      other.close();
    }
  });
});

describe('objects of dumps that trace nothing', () => {
  it('write no events', () => {
    const result = compile(
      rulesetOf(
        'v4',
        FILTER.filter((line) => !line.includes('LOG')),
      ),
      { hook: 'netfilter' },
    );
    if (!result.ok) throw new Error('not compiled');
    expect(result.manifest.event).toBeUndefined();
  });
});
