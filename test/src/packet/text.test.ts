import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildFrame,
  parsePacketText,
  printPacketText,
  readSpec,
  sameBytes,
  summarisePacket,
  type ExtensionSpec,
  type PacketSpec,
  type TransportSpec,
} from '../../../src/packet/index.js';

const printed = (text: string): string => {
  const result = parsePacketText(text);
  if (!result.ok) throw new Error(result.diagnostics[0].message);
  return printPacketText(result.text.packet, result.text.surroundings);
};

describe('parsePacketText and printPacketText', () => {
  it.each([
    { text: 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0' },
    { text: 'tcp 198.51.100.7:4000 > 192.0.2.1:22', want: 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN' },
    { text: 'tcp 1.2.3.4:1 > 5.6.7.8:ssh psh fin', want: 'tcp 1.2.3.4:1 > 5.6.7.8:22 FIN,PSH' },
    { text: 'tcp 1.2.3.4:1 > 5.6.7.8:2 NONE' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 ttl 3 frag 8 mf in a out b mark 0x1 state NEW,DNAT' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 len 100' },
    { text: 'icmp 1.2.3.4 > 5.6.7.8', want: 'icmp 1.2.3.4 > 5.6.7.8 type 8' },
    { text: 'icmp 1.2.3.4 > 5.6.7.8 3/4', want: 'icmp 1.2.3.4 > 5.6.7.8 type 3 code 4' },
    { text: 'icmp 1.2.3.4 > 5.6.7.8 port-unreachable', want: 'icmp 1.2.3.4 > 5.6.7.8 type 3 code 3' },
    { text: 'icmp6 fe80::1 > ff02::1 neighbour-solicitation', want: 'icmp6 fe80::1 > ff02::1 type 135' },
    { text: 'tcp [2001:db8::1]:1 > [2001:db8::2]:2 ACK ext hop,dst,frag frag 16' },
    { text: 'tcp [2001:db8::1]:1 > [2001:db8::2]:2 ACK frag 16 mf id 7' },
    { text: 'gre 1.2.3.4 > 5.6.7.8', want: '47 1.2.3.4 > 5.6.7.8' },
    { text: '47 1.2.3.4 > 5.6.7.8 payload 0102' },
    { text: 'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN cut 3', want: 'tcp 1.2.3.4:1 > 5.6.7.8:0 cut 3' },
    { text: 'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN cut 14' },
    { text: 'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN doff 15 tos 16 df ipopt 01010101 totlen 19' },
    {
      text: 'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN sum 1 ipsum 2 mac 02:03:04:05:06:07 dmac ff:ff:ff:ff:ff:ff vlan 5 vlan 0',
      want: 'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN sum 1 ipsum 2 mac 02:03:04:05:06:07 dmac ff:ff:ff:ff:ff:ff vlan 5 vlan 0',
    },
    { text: 'frame 0011' },
    { text: 'frame 00112233445566778899aabb0806 in eth0 mark 0x2' },
  ])('$text', ({ text, want = text }) => {
    expect(printed(text)).toBe(want);
  });

  it('tells the surroundings and the place', () => {
    const result = parsePacketText('tcp 1.2.3.4:1 > 5.6.7.8:2 in a out b mark 7 state related,snat');
    expect(result).toMatchObject({
      ok: true,
      text: {
        family: 'v4',
        packet: { inInterface: 'a', outInterface: 'b', mark: 7 },
        surroundings: { ctstate: ['RELATED', 'SNAT'] },
      },
    });
  });

  it.each([
    { text: '', column: 1, message: 'a protocol is missing' },
    { text: 'tpc 1.2.3.4:1 > 5.6.7.8:2', column: 1, message: '"tpc" is not a protocol' },
    { text: 'tcp 1.2.3:1 > 5.6.7.8:2', column: 5, message: '"1.2.3" is not an address' },
    { text: 'tcp 1.2.3.4 > 5.6.7.8:2', column: 5, message: 'a port is missing: 1.2.3.4:PORT' },
    { text: 'tcp 2001::1 > 2001::2', column: 5, message: 'a port is missing: [2001::1]:PORT' },
    { text: 'tcp 1.2.3.4:70000 > 5.6.7.8:2', column: 5, message: '"70000" is not a port or a service of tcp' },
    { text: 'tcp 1.2.3.4:1 5.6.7.8:2', column: 15, message: '">" is expected, not "5.6.7.8:2"' },
    { text: 'tcp 1.2.3.4:1', column: 14, message: '">" and the destination is missing' },
    { text: 'tcp 1.2.3.4:1 > [::1]:2', column: 17, message: 'source and destination are of different families' },
    { text: 'icmp 1.2.3.4:1 > 5.6.7.8', column: 6, message: 'this protocol has no ports' },
    { text: 'icmp ::1 > ::2', column: 1, message: 'icmp does not go with these addresses' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 SYN', column: 27, message: '"SYN" is not known' },
    // ACK alone is a flag, ack a number.
    { text: 'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN ack', column: 34, message: 'N behind "ack" is missing' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 ttl', column: 30, message: 'N behind "ttl" is missing' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 ttl 256', column: 31, message: '"256" is not a number in 0–255' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 frag 4', column: 32, message: '"4" is not a multiple of 8 below 65536' },
    {
      text: 'udp 1.2.3.4:1 > 5.6.7.8:2 ext hop',
      column: 27,
      message: '"ext" (extension headers in order: hop, dst, rt, frag, ah) does not go with this packet',
    },
    {
      text: 'udp 1.2.3.4:1 > 5.6.7.8:2 state OLD',
      column: 33,
      message: '"OLD" is not a connection state (INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED, SNAT, DNAT)',
    },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 len 10', column: 1, message: 'the packet has 28 bytes, more than len 10' },
    { text: 'udp 1.2.3.4:1 > 5.6.7.8:2 mac 1:2', column: 31, message: '"1:2" is not a MAC address' },
    {
      text: 'udp 1.2.3.4:1 > 5.6.7.8:2 payload 123',
      column: 35,
      message: '"123" is not a string of hexadecimal bytes',
    },
    {
      text: 'udp 1.2.3.4:1 > 5.6.7.8:2 in averyverylongname',
      column: 30,
      message: '"averyverylongname" is longer than an interface name',
    },
    { text: 'frame 0g', column: 7, message: 'the frame is not hexadecimal bytes' },
    { text: 'frame 00 ttl 3', column: 10, message: '"ttl" cannot stand behind a frame' },
  ])('says where "$text" is wrong', ({ text, column, message }) => {
    const result = parsePacketText(text);
    expect(result).toMatchObject({ ok: false, diagnostics: [{ line: 1, column, message, severity: 'error' }] });
  });
});

const byte = fc.nat(255);
const short = fc.nat(65535);
const word = fc.nat(0xffffffff);
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

/** Leaves keys without value out. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

const transport: fc.Arbitrary<TransportSpec> = fc.oneof(
  fc
    .record({
      kind: fc.constant('tcp' as const),
      sport: short,
      dport: short,
      flags: byte,
      sequence: maybe(word),
      acknowledgment: maybe(word),
      window: maybe(short),
      urgent: maybe(short),
      dataOffset: maybe(fc.nat(15)),
      checksum: maybe(short),
      options: maybe(bytes(40)),
      payload: maybe(bytes(20)),
    })
    .map(present),
  fc
    .record({
      kind: fc.constantFrom('udp' as const, 'udplite' as const),
      sport: short,
      dport: short,
      length: maybe(short),
      checksum: maybe(short),
      payload: maybe(bytes(20)),
    })
    .map(present),
  fc
    .record({ kind: fc.constantFrom('icmp' as const, 'icmp6' as const), type: byte, code: byte, rest: maybe(word) })
    .map(present),
  fc.record({ kind: fc.constant('other' as const), protocol: byte, payload: bytes(30) }),
);

const extension: fc.Arbitrary<ExtensionSpec> = fc.oneof(
  fc.record({ kind: fc.constantFrom('hop-by-hop' as const, 'destination' as const), options: bytes(20) }),
  fc.record({ kind: fc.constant('routing' as const), type: byte, segmentsLeft: byte, data: bytes(20) }),
  fc.record({ kind: fc.constant('fragment' as const), offset: short, more: fc.boolean(), id: word }),
  fc.record({ kind: fc.constant('authentication' as const), data: bytes(20) }),
);

const ipv4 = fc
  .record({
    family: fc.constant('v4' as const),
    source: fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
    destination: fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
    version: maybe(fc.nat(15)),
    headerLength: maybe(fc.nat(15)),
    tos: byte,
    totalLength: maybe(fc.nat(100)),
    id: short,
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat(0x1fff),
    ttl: byte,
    checksum: maybe(short),
    options: maybe(bytes(40)),
  })
  .map(present);

const ipv6 = fc
  .record({
    family: fc.constant('v6' as const),
    source: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    destination: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    version: maybe(fc.nat(15)),
    trafficClass: byte,
    flowLabel: fc.nat(0xfffff),
    payloadLength: maybe(fc.nat(100)),
    hopLimit: byte,
    extensions: maybe(fc.array(extension, { maxLength: 4 })),
  })
  .map(present);

const spec: fc.Arbitrary<PacketSpec> = fc
  .record({ ip: fc.oneof(ipv4, ipv6), transport, cut: maybe(fc.nat(30)), padding: maybe(fc.nat(10)) })
  .map(present);

describe('any packet', () => {
  it('is printed as text that reads as the same packet', () => {
    fc.assert(
      fc.property(spec, (one) => {
        const packet = { frame: buildFrame(one), inInterface: 'eth0', outInterface: '', mark: 3 };
        const result = parsePacketText(printPacketText(packet));
        expect(result).toMatchObject({
          ok: true,
          text: { packet: { inInterface: 'eth0', outInterface: '', mark: 3 } },
        });
        expect(result.ok && sameBytes(result.text.packet.frame, packet.frame)).toBe(true);
        expect(summarisePacket(packet).length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('is read back as a description that builds it, or as none', () => {
    fc.assert(
      fc.property(fc.oneof(spec.map(buildFrame), bytes(90)), (frame) => {
        const read = readSpec(frame);
        if (read !== undefined) expect(sameBytes(buildFrame(read), frame)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('readSpec', () => {
  it.each([
    'tcp 1.2.3.4:1 > 5.6.7.8:2 SYN ihl 3 cut 7',
    'udp [2001:db8::1]:1 > [2001:db8::2]:2 plen 900 ext rt,dst',
    'icmp 1.2.3.4 > 5.6.7.8 type 3 cut 5 sum 7',
  ])('understands %s', (text) => {
    const result = parsePacketText(text);
    expect(result.ok && readSpec(result.text.packet.frame)).toBeTruthy();
  });
});
