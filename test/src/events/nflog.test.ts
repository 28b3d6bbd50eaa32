import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pin } from '../../../bpf-runtime/kernel/pin.js';
import { loadPrograms } from '../../../bpf-runtime/kernel/raw-load.js';
import { attachObject } from '../../../bpf-runtime/netfilter/attach.js';
import { SequenceHost } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { run as events } from '../../../src/cli/events.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';

const able = process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'tcpdump'].every((tool) => hasCommand(tool));

const LINES = [
  '*filter',
  ...['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`),
  '-A INPUT -p udp -j NFLOG --nflog-group 5 --nflog-prefix "a b"',
  '-A INPUT -p tcp -j NFLOG --nflog-group 6',
  '-A INPUT -p icmp -j NFLOG --nflog-group 5',
  '-A INPUT -s 198.51.100.8/32 -p udp -j DROP',
  'COMMIT',
];

const PACKETS = [
  'udp 198.51.100.7:4000 > 192.0.2.1:53 payload 0102030405 in eth0',
  'udp 198.51.100.8:4000 > 192.0.2.1:53 ipopt 01010101 tos 16 in eth0',
  'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN tcpopt 020405b4 in eth0',
  'icmp 198.51.100.7 > 192.0.2.1 type 8 rest 65538 payload 61626364 in eth0',
].map((text) => packetOf(text).packet);

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** Link type, and bytes of each packet, of a pcap file in host order. */
function readPcap(file: string): { readonly link: number; readonly records: readonly Buffer[] } {
  const bytes = readFileSync(file);
  const records: Buffer[] = [];
  for (let at = FILE_HEADER; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 8);
    expect(bytes.readUInt32LE(at + 12)).toBe(length);
    records.push(bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length));
    at += RECORD_HEADER + length;
  }
  return { link: bytes.readUInt32LE(20), records };
}

const LINKTYPE_RAW = 101;
const LINKTYPE_NFLOG = 239;
const NFULA_PAYLOAD = 9;

/** The packet in a message of the kernel: a header of 4 bytes, then attributes. */
function payloadOf(message: Buffer): Buffer {
  for (let at = 4; at < message.length;) {
    const length = message.readUInt16LE(at);
    if (message.readUInt16LE(at + 2) === NFULA_PAYLOAD) return message.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
  throw new Error('a message without a packet');
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.skipIf(!able)('a capture file of NFLOG (skipped without root, nft, iptables or tcpdump)', () => {
  it('has the packets that the group gets from iptables', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ipt2bpf-nflog-'));
    const pins = `/sys/fs/bpf/ipt2bpf-nflog-${process.pid}`;
    const [theirs, ours, file] = ['theirs.pcap', 'ours.pcap', 'object.o'].map((name) => join(directory, name));
    mkdirSync(pins);
    try {
      const host = SequenceHost.create({ family: 'v4', ruleset: `${LINES.join('\n')}\n` });
      const { namespace } = host.testbed;
      const words = ['-i', 'nflog:5', '--immediate-mode', '-U', '-Z', 'root', '-c', '3', '-w', theirs];
      const listener = namespace.run(() => spawn('tcpdump', words, { stdio: ['ignore', 'ignore', 'pipe'] }));
      await once(listener.stderr, 'data');
      const closed = once(listener, 'close');
      host.judgeSequence(PACKETS);
      await closed;
      host.close();

      const result = compile(rulesetOf('v4', LINES), { hook: 'netfilter' });
      if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
      writeFileSync(file, result.object);
      const other = SequenceHost.create({ family: 'v4', ruleset: '' });
      const object = loadPrograms(result.object);
      try {
        const attached = attachObject(object, result.manifest, other.testbed.namespace);
        const map = object.maps.get('events');
        if (map === undefined) throw new Error('there is no map events');
        pin(map.fd, join(pins, 'events'));
        other.judgeSequence(PACKETS);
        expect(await events(file, { pin: pins, pins: '', group: 5, pcap: ours, once: true })).toBe(0);
        attached.close();
      } finally {
        object.close();
        other.close();
      }
      const kernel = readPcap(theirs);
      const program = readPcap(ours);
      expect([kernel.link, program.link]).toEqual([LINKTYPE_NFLOG, LINKTYPE_RAW]);
      expect(program.records.map(hex)).toEqual(kernel.records.map(payloadOf).map(hex));
      expect(program.records.map(hex)).toEqual([0, 1, 3].map((i) => hex(PACKETS[i].frame.subarray(14))));
      expect(run('tcpdump', ['-nr', ours]).split('\n')[2]).toMatch(/ICMP echo request/);
    } finally {
      rmSync(pins, { recursive: true, force: true });
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
