import { describe, expect, it } from 'vitest';
import type { Packet } from '../../../grammar/model/packet.js';
import { printPacketText } from '../../../src/packet/index.js';
import { converse } from '../../../src/verify/conversation.js';
import { Random } from '../../../src/verify/random.js';
import { packetOf } from '../evaluate/helpers.js';

const told = (text: string, seed: number): readonly string[] => {
  const { packet } = packetOf(text);
  return converse([packet], new Random(seed)).map((one) => printPacketText(one));
};
const seeds = Array.from({ length: 60 }, (_, seed) => seed);

describe('conversations', () => {
  it.each<[string, string]>([
    ['udp 198.51.100.7:53 > 192.0.2.1:1000 in eth0', 'udp 192.0.2.1:1000 > 198.51.100.7:53 out eth0'],
    ['udp 10.0.0.2:1 > 192.0.2.1:2 in a out b', 'udp 192.0.2.1:2 > 10.0.0.2:1 in b out a'],
    ['icmp 192.0.2.1 > 198.51.100.7 out eth0', 'icmp 198.51.100.7 > 192.0.2.1 type 0 in eth0'],
    [
      'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN seq 7 in eth0',
      'tcp 192.0.2.1:22 > 198.51.100.7:4000 SYN,ACK seq 0 ack 8 out eth0',
    ],
    ['udp [2001:db8::1]:1 > [2001:db8::2]:2 ext hop in a out b', 'udp [2001:db8::2]:2 > [2001:db8::1]:1 in b out a'],
  ])('answers %s', (text, answer) => {
    expect(seeds.map((seed) => told(text, seed).includes(answer))).toContain(true);
  });

  it('sends errors about a packet to its sender, with the packet in it', () => {
    const all = seeds.flatMap((seed) => told('udp 10.0.0.2:1 > 192.0.2.1:2 in a out b', seed));
    const errors = all.filter((text) => text.startsWith('icmp '));
    expect(errors.length).toBeGreaterThan(0);
    for (const text of errors) {
      expect(text).toMatch(/^icmp 192\.0\.2\.[01] > 10\.0\.0\.2 type 3 code 3 .*payload 45[0-9a-f]+.* in b out a$/);
    }
  });

  it('opens and ends TCP connections in order', () => {
    const all = seeds.map((seed) => told('tcp 10.0.0.2:1 > 192.0.2.1:2 PSH,ACK in a out b', seed));
    const opened = all.find((texts) => texts.length >= 8) ?? [];
    expect(opened.map((text) => text.split(' ')[4]).slice(0, 3)).toContain('SYN,ACK');
    expect(opened.join('\n')).toContain('FIN,ACK');
  });

  it.each([
    'udp 1.2.3.4:1 > 224.0.0.1:2 in eth0',
    'udp 0.0.0.0:1 > 1.2.3.4:2 in eth0',
    'udp 1.2.3.4:1 > 5.6.7.8:2 frag 8 mf in eth0',
    'tcp [fe80::1]:1 > [2001:db8::2]:2 SYN in eth0',
    'frame 0011 in eth0',
  ])('leaves alone what nobody would answer: %s', (text) => {
    expect(new Set(seeds.flatMap((seed) => told(text, seed).length))).toEqual(new Set([1]));
  });

  it('interleaves conversations, each in its own order, and tells the same again', () => {
    const packets = Array.from(
      { length: 40 },
      (_, i): Packet => packetOf(`udp 10.0.0.${i + 1}:1 > 192.0.2.1:2 in a`).packet,
    );
    const sequence = converse(packets, new Random(3));
    expect(converse(packets, new Random(3))).toEqual(sequence);
    const senders = sequence.map(({ frame }) => (frame[26] === 10 ? frame[29] : frame[33]));
    expect(new Set(senders).size).toBe(40);
    const first = [...new Set(senders)];
    expect(Math.max(...first.map((sender, i) => Math.abs(sender - i - 1)))).toBeLessThan(6);
    expect(senders.filter((sender, i) => i > 0 && sender !== senders[i - 1]).length).toBeGreaterThan(40);
  });
});
