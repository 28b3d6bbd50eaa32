import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Tools } from '../../../bpf-runtime/iptables/tables.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import type { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { attach } from '../../../src/live/attach.js';
import type { CheckedObject } from '../../../src/live/object.js';
import { detach } from '../../../src/live/replace.js';
import { withNetwork, type Network } from './network.js';
import { objectOf, ownPins } from './support.js';

const TOOLS = ['tc', 'ethtool', 'python3', 'iptables-legacy'];
const able = process.getuid?.() === 0 && TOOLS.every((tool) => hasCommand(tool, ['-V']) || hasCommand(tool));
const SCRIPT = new URL('leaving.py', import.meta.url).pathname;

const RULES = [
  '*mangle',
  ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((chain) => `:${chain} ACCEPT [0:0]`),
  ':tcp - [0:0]',
  '-A POSTROUTING ! -o eth2 -j ACCEPT',
  '-A POSTROUTING -p tcp -j tcp',
  '-A POSTROUTING -p udp --dport 6000 -j DSCP --set-dscp 46',
  '-A POSTROUTING -m dscp --dscp 46 -j TTL --ttl-inc 5',
  '-A POSTROUTING -p udp --dport 6001 -j MARK --set-mark 5',
  '-A POSTROUTING -m mark --mark 5 -j ECN --ecn-ip-ect 1',
  '-A POSTROUTING -p udp --dport 6002 --sport 5000 -m length --length 29 -j DROP',
  '-A tcp -p tcp --syn -j TCPMSS --set-mss 700',
  '-A tcp -p tcp -j TCPOPTSTRIP --strip-options timestamp,wscale',
  '-A tcp -p tcp -m tcpmss --mss 700 -j TOS --set-tos 0x04',
  '-A tcp -p tcp ! --syn -j TTL --ttl-set 44',
  '-A tcp -j CLASSIFY --set-class 1:3',
  'COMMIT',
];

/** Class 1:3 is for CLASSIFY, 1:9 for the rest. */
const QUEUES = [
  'qdisc add dev eth2 root handle 1: htb default 9',
  ...[3, 9].map((minor) => `class add dev eth2 parent 1: classid 1:${minor} htb rate 1gbit`),
];

const object = (): CheckedObject => objectOf(`${RULES.join('\n')}\n`, { hook: 'tc', chain: 'POSTROUTING' });

interface Left {
  /** IP packets as they came to the server, in hexadecimal, without what is drawn by chance. */
  readonly packets: readonly string[];
  /** Which classes of the device's queues had packets. */
  readonly classes: readonly string[];
}

/** What comes to the server of what client (through the router) and router send. */
async function whatLeaves(network: Network, offload: boolean): Promise<Left> {
  const { client, router } = network;
  router.run(() => {
    for (const line of QUEUES) run('tc', line.split(' '));
    if (!offload) run('ethtool', ['-K', 'eth2', 'tx', 'off']);
  });
  if (!offload) client.run(() => run('ethtool', ['-K', 'eth0', 'tx', 'off']));
  return { packets: await whatArrives(network), classes: router.run(usedClasses) };
}

/** IP packets as they come to the server. */
async function whatArrives({ client, router, server }: Network): Promise<readonly string[]> {
  const sink = start(server, 'serve');
  let said = '';
  sink.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  await once(sink.stdout ?? sink, 'data');
  await Promise.all([client, router].map((from) => once(start(from, 'send'), 'close')));
  sink.stdin?.end();
  await once(sink, 'close');
  return said
    .split('\n')
    .filter((line) => line.startsWith('4'))
    .map(plain);
}

function start(namespace: NetworkNamespace, what: string): ChildProcess {
  return namespace.run(() => spawn('python3', [SCRIPT, what], { stdio: ['pipe', 'pipe', 'inherit'] }));
}

function usedClasses(): readonly string[] {
  const classes = [
    ...run('tc', ['-s', 'class', 'show', 'dev', 'eth2']).matchAll(/class htb (\S+)[^]*?Sent (\d+) bytes/g),
  ];
  return classes
    .filter(([, , bytes]) => bytes !== '0')
    .map(([, name]) => name)
    .sort();
}

const TCP = 6;
const SYN = 2;

/** A packet without its identification and, of TCP, its number; of all TCP packets but the first the headers' settings alone. */
function plain(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  const header = (bytes[0] & 15) * 4;
  const sums = [folded(bytes, 0, header, 0) === 0xffff, transportSum(bytes, header) === 0xffff].map((one) =>
    one ? 'whole' : 'partial',
  );
  const tcp = bytes[9] === TCP;
  if (tcp && (bytes[header + 13] & SYN) === 0) return `tcp tos ${bytes[1]} ttl ${bytes[8]} ${sums.join(' ')}`;
  bytes.fill(0, 4, 6).fill(0, 10, 12);
  // A sum that is still to be made has nothing of the number in it.
  if (tcp && sums[1] === 'whole') bytes.fill(0, header + 16, header + 18);
  if (tcp) bytes.fill(0, header + 4, header + 8);
  return `${bytes.toString('hex')} ${sums.join(' ')}`;
}

function folded(packet: Buffer, from: number, to: number, start: number): number {
  let sum = start;
  for (let at = from; at < to; at += 2) sum += (packet[at] << 8) | (at + 1 < to ? packet[at + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function transportSum(packet: Buffer, header: number): number {
  return folded(packet, header, packet.length, folded(packet, 12, 20, packet[9] + packet.length - header));
}

describe.skipIf(!able)('packets that leave a router (skipped without root, tc, ethtool or iptables)', () => {
  it.each([
    ['with sums and segments that the device makes', true],
    ['with sums made before', false],
  ] as const)(
    'are the same from table mangle, chain POSTROUTING, and from the object at tc egress: %s',
    async (_, offload) => {
      const [byIptables, byObject] = await Promise.all([
        withNetwork(async (network) => {
          network.router.run(() => new Tools('v4', 'legacy').restore(`${RULES.join('\n')}\n`));
          return whatLeaves(network, offload);
        }),
        withNetwork(async (network) => {
          const base = ownPins();
          network.router.run(() => attach(object(), { base, devices: ['eth2'] }));
          try {
            return await whatLeaves(network, offload);
          } finally {
            network.router.run(() => detach({ base }));
            rmSync(base, { recursive: true, force: true });
          }
        }),
      ]);
      // The number of segments is a question of time.
      const settings = ({ packets }: Left): readonly string[] => [...new Set(packets)].sort();
      expect(settings(byObject)).toEqual(settings(byIptables));
      expect(byObject.classes).toEqual(byIptables.classes);
      expect(byObject.classes).toEqual(['1:3', '1:9']);
      expect(settings(byIptables).filter((line) => line.startsWith('tcp')).length).toBeGreaterThan(0);
      expect(settings(byIptables).length).toBeGreaterThan(16);
    },
  );
});

const UDP = 17;
const isDatagram = (packet: string): boolean => Buffer.from(packet.slice(18, 20), 'hex')[0] === UDP;

/** Copies go to the server, as what they are copies of does. */
const COPY = '-j TEE --gateway 10.0.2.2';
const COPYING = [
  '*filter',
  ...['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`),
  `-A INPUT -p udp -m udp --dport 6000 ${COPY}`,
  '-A INPUT -p udp -j DROP',
  `-A FORWARD -p udp -m udp --dport 6000 ${COPY}`,
  `-A FORWARD -p udp -m udp --dport 6001 ${COPY}`,
  '-A FORWARD -p udp -m udp --dport 6001 -j DROP',
  `-A OUTPUT -p udp -m udp --dport 6002 ${COPY}`,
  'COMMIT',
  '',
].join('\n');

describe.skipIf(!able)('copies that TEE sends (skipped without root, tc, ethtool or iptables)', () => {
  it('are those of iptables, byte by byte, beside an object at netfilter', async () => {
    const [byIptables, byObject] = await Promise.all([
      withNetwork((network) => {
        network.router.run(() => new Tools('v4', 'legacy').restore(COPYING));
        return whatArrives(network);
      }),
      withNetwork(async (network) => {
        const base = ownPins();
        network.router.run(() => attach(objectOf(COPYING), { base, devices: [] }));
        try {
          return await whatArrives(network);
        } finally {
          network.router.run(() => detach({ base }));
          rmSync(base, { recursive: true, force: true });
        }
      }),
    ]);
    const datagrams = (packets: readonly string[]): readonly string[] => packets.filter(isDatagram).sort();
    expect(datagrams(byObject)).toEqual(datagrams(byIptables));
    // Three lengths each: copies alone of what came to the router, and of one forwarded port; two forwarded ports, of one with copies; what
    // the router sends to three ports, of one with copies, and the copies of what it sends to itself.
    expect(datagrams(byIptables)).toHaveLength(10 * 3);
  });
});
