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

/** A quoted IPv4 header, with 8 bytes of UDP or of TCP behind it. */
const quoted = (protocol: string, rest: string): string =>
  `4500${protocol === '06' ? '0028' : '001c'}12344000${'40'}${protocol}0000c0000201c6336407${rest}`;
const UDP8 = '0035100000080000';
const IN = 'in eth0';

const V4 = [
  `tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN seq 7 win 512 tcpopt 020405b4 ${IN}`,
  `tcp 198.51.100.7:4000 > 192.0.2.1:22 FIN,PSH,ACK,URG urg 9 ack 4294967295 tos 27 id 65535 df ttl 1 ${IN}`,
  `tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN doff 15 ${IN}`,
  `tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN cut 12 ${IN}`,
  `tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN ipopt 01010101 ${IN} mark 4660`,
  `udp 198.51.100.7:4000 > 192.0.2.1:53 payload 0102 ${IN}`,
  `udp 198.51.100.7:4000 > 192.0.2.1:53 ulen 9 ${IN} mark 1`,
  `udp 198.51.100.7:4000 > 192.0.2.1:53 cut 6 ${IN}`,
  `udplite 198.51.100.7:53 > 192.0.2.1:4096 ${IN}`,
  `50 198.51.100.7 > 192.0.2.1 payload 0000abcd00000001 ${IN}`,
  `50 198.51.100.7 > 192.0.2.1 payload 0000 ${IN}`,
  `51 198.51.100.7 > 192.0.2.1 payload 060400000000abcd00000001 ${IN}`,
  `47 198.51.100.7 > 192.0.2.1 payload 00 ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 8 rest 65538 ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 13 ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 3 code 4 rest 1400 payload ${quoted('11', UDP8)} ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 3 code 1 payload ${quoted('06', UDP8)} ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 3 code 1 payload 45 ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 11 payload ${quoted('01', '0300000000000000')} ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 12 rest 83886080 payload ${quoted('11', UDP8)} ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 5 code 1 rest 3221225985 payload ${quoted('11', UDP8)} ${IN}`,
  `icmp 198.51.100.7 > 192.0.2.1 type 200 ${IN}`,
  'udp 10.0.0.2:53 > 203.0.113.9:1000 in eth1 out eth0',
  'tcp 192.0.2.1:22 > 198.51.100.7:4000 SYN,ACK id 5 out eth0',
];

const QUOTED6 = `6000000000083a4020010db8000000000000000000000001${'20010db8000000000000000000000007'}8000000000010002`;

const V6 = [
  `tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN flow 74565 tos 184 tcpopt 020405b4 ${IN}`,
  `tcp [2001:db8::7]:4000 > [2001:db8::1]:22 SYN cut 10 ${IN} mark 16`,
  `udp [2001:db8::7]:4000 > [2001:db8::1]:53 ext hop,dst ${IN}`,
  `udp [2001:db8::7]:4000 > [2001:db8::1]:53 ext ah,rt ${IN}`,
  `50 2001:db8::7 > 2001:db8::1 payload 0000abcd00000001 ${IN}`,
  `50 2001:db8::7 > 2001:db8::1 payload 0000 ${IN}`,
  `47 2001:db8::7 > 2001:db8::1 payload 00 ${IN}`,
  `59 2001:db8::7 > 2001:db8::1 ${IN}`,
  `icmp6 2001:db8::7 > 2001:db8::1 type 128 rest 65538 ${IN}`,
  `icmp6 2001:db8::7 > 2001:db8::1 type 2 rest 1280 payload ${QUOTED6} ${IN}`,
  `icmp6 2001:db8::7 > 2001:db8::1 type 4 rest 40 payload ${QUOTED6} ${IN}`,
  `icmp6 2001:db8::7 > 2001:db8::1 type 1 payload 60 ${IN}`,
  `icmp6 2001:db8::7 > 2001:db8::1 type 3 payload ${QUOTED6} ${IN}`,
  `icmp6 2001:db8::7 > 2001:db8::1 type 135 ${IN}`,
  'udp [2001:db8::2]:53 > [2001:db8:1::9]:1000 in eth1 out eth0',
  'udp [2001:db8::1]:53 > [2001:db8:1::9]:1000 out eth0',
];

/** With devices that no other test logs packets of. */
const named = (text: string): string => text.replace(/\beth([01])/g, 'log$1');

const OPTIONS = [
  '',
  '--log-prefix "a b: " --log-level 7 --log-tcp-sequence --log-tcp-options',
  '--log-ip-options --log-uid --log-level crit',
  '--log-macdecode --log-prefix deny',
  '--log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode',
];

describe.skipIf(!able)('lines of the kernel’s log (skipped without root, nft or iptables)', () => {
  let log: KernelLog;
  beforeAll(() => {
    log = new KernelLog();
  });
  afterAll(() => log.close());

  const cases = (['v4', 'v6'] as const).flatMap((family) => OPTIONS.map((options) => ({ family, options })));
  it.each<{ family: Family; options: string }>(cases)(
    'are as LOG writes them: $family, "$options"',
    ({ family, options }) => {
      const chains = ['INPUT', 'FORWARD', 'OUTPUT'];
      const marker = `${family} ${options}`;
      const lines = [
        '*filter',
        ...chains.map((chain) => `:${chain} ACCEPT [0:0]`),
        ...chains.map((chain) => `-A ${chain} -j LOG ${options}`),
        'COMMIT',
      ];
      const packets = (family === 'v4' ? V4 : V6).map((text) => packetOf(named(text)).packet);
      const host = SequenceHost.create({ family, ruleset: `${lines.join('\n')}\n` });
      log.lines();
      host.judgeSequence(packets);
      host.close();
      const wanted = log.lines().filter(({ text }) => /(IN|OUT)=log[01] /.test(text));
      expect(wanted.length, marker).toBeGreaterThan(packets.length / 2);

      const result = compile(rulesetOf(family, lines), { hook: 'netfilter' });
      if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
      const reader = new EventReader(result.manifest);
      const other = SequenceHost.create({ family, ruleset: '' });
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
        const drawn = (text: string): string => text.replace(/^(.*IN= .*) ID=\d+ /, '$1 ID=? ');
        expect(events.map((event) => ({ level: event.rule.level, text: drawn(logLine(event, family)) }))).toEqual(
          wanted.map(({ level, text }) => ({ level, text: drawn(text) })),
        );
      } finally {
        object.close();
        other.close();
      }
    },
  );
});
