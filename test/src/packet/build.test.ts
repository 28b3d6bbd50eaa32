import { describe, expect, it } from 'vitest';
import {
  buildFrame,
  checksumHolds,
  internetChecksum,
  onesComplementSum,
  toHex,
  transportChecksum,
  type PacketSpec,
} from '../../../src/packet/index.js';
import { concat, networkBytes } from '../../../src/packet/bytes.js';

const V4 = { family: 'v4', source: 0xc6336407n, destination: 0xc0000201n } as const;
const V6 = { family: 'v6', source: (0x20010db8n << 96n) | 7n, destination: (0x20010db8n << 96n) | 1n } as const;

/** The hexadecimal of the frame behind the Ethernet header. */
const ip = (spec: PacketSpec): string => toHex(buildFrame(spec)).slice(28);

describe('checksums', () => {
  // RFC 1071 section 3.
  const example = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);

  it('adds as RFC 1071 shows', () => {
    expect(onesComplementSum(example)).toBe(0xddf2);
    expect(internetChecksum(example)).toBe(0x220d);
  });

  it('counts an odd last byte as the upper half', () => {
    expect(onesComplementSum(Uint8Array.of(0x12, 0x34, 0x56))).toBe(0x6834);
  });

  it('holds for a header that is right', () => {
    expect(checksumHolds(buildFrame({ ip: V4 }).subarray(14))).toBe(true);
  });

  it.each([
    { name: 'IPv4', addresses: { bytes: 4, source: V4.source, destination: V4.destination } },
    { name: 'IPv6', addresses: { bytes: 16, source: V6.source, destination: V6.destination } },
  ] as const)('covers the pseudo header of $name', ({ addresses }) => {
    const segment = Uint8Array.of(1, 2, 3, 4, 0, 0, 7);
    const sum = transportChecksum(addresses, 6, segment);
    const whole = [
      networkBytes(addresses.source, addresses.bytes),
      networkBytes(addresses.destination, addresses.bytes),
      Uint8Array.of(0, 6, 0, segment.length),
      segment.with(4, sum >> 8).with(5, sum & 0xff),
    ];
    expect(onesComplementSum(concat(...whole))).toBe(0xffff);
  });
});

describe('buildFrame', () => {
  it.each<{ name: string; spec: PacketSpec; want: string }>([
    {
      name: 'a TCP SYN',
      spec: { ip: V4, transport: { kind: 'tcp', sport: 4000, dport: 22, flags: 2 } },
      want: '450000280000000040068e94c6336407c00002010fa000160000000100000000' + '5002ffff',
    },
    {
      name: 'UDP',
      spec: {
        ip: { ...V4, ttl: 1, tos: 0x10 },
        transport: { kind: 'udp', sport: 1, dport: 2, payload: Uint8Array.of(9) },
      },
      want: '4510001d000000000111cd84c6336407c0000201000100020009',
    },
    { name: 'IP options filled up', spec: { ip: { ...V4, options: Uint8Array.of(1, 1, 7) } }, want: '46000018' },
    {
      name: 'a fragment',
      spec: { ip: { ...V4, fragmentOffset: 3, moreFragments: true } },
      want: '450000140000' + '2003',
    },
    { name: 'a wrong version', spec: { ip: { ...V4, version: 6 } }, want: '65' },
    { name: 'a wrong header length', spec: { ip: { ...V4, headerLength: 3 } }, want: '43' },
    { name: 'a wrong total length', spec: { ip: { ...V4, totalLength: 9 } }, want: '45000009' },
    {
      name: 'IPv6',
      spec: { ip: { ...V6, hopLimit: 3, trafficClass: 0xab, flowLabel: 0x12345 } },
      want: '6ab1234500003b03',
    },
    {
      name: 'an IPv6 extension header',
      spec: { ip: { ...V6, extensions: [{ kind: 'destination' }] } },
      want: '6000000000083c40',
    },
  ])('$name', ({ spec, want }) => {
    expect(ip(spec).slice(0, want.length)).toBe(want);
  });

  it('chains extension headers', () => {
    const spec: PacketSpec = {
      ip: {
        ...V6,
        extensions: [
          { kind: 'hop-by-hop' },
          { kind: 'routing', type: 4, segmentsLeft: 1, data: new Uint8Array(4) },
          { kind: 'fragment', offset: 16, more: true, id: 5 },
          { kind: 'authentication' },
          { kind: 'destination', options: Uint8Array.of(0x3e, 1, 0) },
        ],
      },
      transport: { kind: 'other', protocol: 47, payload: Uint8Array.of(0xff) },
    };
    const want = [
      '2b00010400000000',
      '2c00040100000000',
      '3300001100000005',
      '3c0100000000000000000000',
      '2f003e0100010100',
      'ff',
    ];
    expect(ip(spec).slice(80)).toBe(want.join(''));
  });

  it('cuts the packet and its lengths', () => {
    const hex = ip({ ip: V4, transport: { kind: 'udp', sport: 1, dport: 2 }, cut: 3 });
    expect(hex.slice(4, 8)).toBe('0017');
    expect(hex.length).toBe(2 * 23);
  });

  it('tags and pads', () => {
    const frame = buildFrame({
      link: {
        vlans: [
          { id: 5, priority: 7 },
          { id: 0, tag: 0x88a8 },
        ],
      },
      ip: V4,
      padding: 2,
    });
    expect(toHex(frame).slice(24, 44)).toBe('8100' + 'e005' + '88a8' + '0000' + '0800');
    expect(frame.length).toBe(14 + 8 + 20 + 2);
  });
});
