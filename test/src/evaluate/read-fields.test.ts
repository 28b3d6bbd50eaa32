import { describe, expect, it } from 'vitest';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import { interfaceName, readFields, UnreadablePacketError } from '../../../src/evaluate/index.js';
import { packetOf } from './helpers.js';

const TCP = 'tcp 198.51.100.7:4000 > 192.0.2.1:22';
const TCP6 = 'tcp [2001:db8::7]:4000 > [2001:db8::1]:22';

interface Row {
  readonly name: string;
  readonly packet: string;
  readonly hook?: BuiltinChain;
  readonly want: Partial<Record<Field, bigint>>;
}

function read({ packet, hook = 'INPUT' }: Row): Readonly<Record<Field, bigint>> {
  const { packet: frame, family } = packetOf(packet);
  return readFields(frame, family, hook);
}

/** A single bit for each kind. */
const kinds = (...list: readonly number[]): bigint => list.reduce((bits, kind) => bits | (1n << BigInt(kind)), 0n);

describe('readFields', () => {
  it.each<Row>([
    {
      name: 'addresses in network order',
      packet: TCP,
      want: { saddr: 0xc6336407n, daddr: 0xc0000201n, proto: 6n, l4found: 1n, sport: 4000n, dport: 22n },
    },
    {
      name: 'an ordinary TCP header',
      packet: TCP,
      want: { l4len: 20n, 'tcp.flags': 2n, 'tcp.doff': 5n, 'tcp.whole': 1n },
    },
    {
      name: 'the longest IPv4 header',
      packet: `${TCP} ipopt ${'01'.repeat(40)}`,
      want: { dport: 22n, l4len: 20n, length: 80n },
    },
    { name: 'padding is not read', packet: `${TCP} cut 3 pad 40`, want: { l4len: 3n, dport: 0n, length: 23n } },
    { name: 'half a port is none', packet: `${TCP} cut 3`, want: { sport: 4000n, dport: 0n } },
    { name: 'an offset in units of 8 bytes', packet: `${TCP} frag 24`, want: { fragoff: 3n } },
    { name: 'more fragments are no offset', packet: `${TCP} mf df`, want: { fragoff: 0n } },
    { name: 'the TTL as it came', packet: `${TCP} ttl 9`, want: { ttl: 9n } },
    { name: 'the TTL in FORWARD', packet: `${TCP} ttl 9`, hook: 'FORWARD', want: { ttl: 8n } },
    { name: 'the hop limit in FORWARD', packet: `${TCP6} hl 9`, hook: 'FORWARD', want: { ttl: 8n } },
    { name: 'TOS', packet: `${TCP} tos 0xb9`, want: { tos: 0xb9n } },
    { name: 'traffic class', packet: `${TCP6} tos 0xb9 flow 0xfffff`, want: { tos: 0xb9n } },
    {
      name: 'ICMP',
      packet: 'icmp 198.51.100.7 > 192.0.2.1 3/4',
      want: { 'icmp.type': 3n, 'icmp.code': 4n, l4len: 8n },
    },
    {
      name: 'option kinds, lengths skipped',
      packet: `${TCP} tcpopt 02:04:05:b4:01:03:03:07`,
      want: { 'tcp.options': kinds(2, 1, 3) },
    },
    { name: 'kinds behind the end', packet: `${TCP} tcpopt 00:02:04:05`, want: { 'tcp.options': kinds(0, 2) } },
    { name: 'a length beyond the options', packet: `${TCP} tcpopt 01:05:28:00`, want: { 'tcp.options': kinds(1, 5) } },
    { name: 'a kind at the very end', packet: `${TCP} tcpopt 01:01:01:09`, want: { 'tcp.options': kinds(1, 9) } },
    { name: 'options cut off', packet: `${TCP} doff 6`, want: { 'tcp.whole': 0n, 'tcp.options': 0n, 'tcp.doff': 6n } },
    {
      name: 'a data offset below 5',
      packet: `${TCP} doff 4`,
      want: { 'tcp.whole': 1n, 'tcp.options': 0n, 'tcp.doff': 4n },
    },
    { name: 'mark', packet: `${TCP} mark 0xffffffff`, want: { mark: 0xffffffffn } },
    { name: 'VLAN 0', packet: `${TCP} vlan 0`, want: { dport: 22n, 'mac.src': 0x020000000001n, length: 40n } },
    { name: 'a unicast frame', packet: TCP, want: { pkttype: 0n } },
    { name: 'a broadcast frame', packet: `${TCP} dmac ff:ff:ff:ff:ff:ff`, want: { pkttype: 1n } },
    { name: 'a group frame', packet: `${TCP} dmac 01:00:5e:00:00:01`, want: { pkttype: 2n } },
    {
      name: 'no link header in OUTPUT',
      packet: `${TCP} dmac ff:ff:ff:ff:ff:ff`,
      hook: 'OUTPUT',
      want: { pkttype: 0n, 'mac.ether': 0n },
    },
    { name: 'no Ethernet on the loopback device', packet: `${TCP} in lo`, want: { 'mac.ether': 0n } },
    { name: 'MAC', packet: `${TCP} mac 0a:0b:0c:0d:0e:0f`, want: { 'mac.src': 0x0a0b0c0d0e0fn, 'mac.ether': 1n } },
    { name: 'no interface', packet: TCP, want: { iif: 0n, oif: 0n } },
    { name: 'interfaces', packet: `${TCP} in eth0 out wg1`, want: { iif: 0x65746830n << 96n, oif: 0x776731n << 104n } },
    {
      name: 'IPv6',
      packet: TCP6,
      want: { saddr: (0x20010db8n << 96n) | 7n, proto: 6n, dport: 22n, length: 60n, l4len: 20n },
    },
    {
      name: 'behind extension headers',
      packet: `${TCP6} ext hop,rt,dst,ah,frag`,
      want: { proto: 6n, dport: 22n, l4found: 1n, fragoff: 0n },
    },
    {
      name: 'a later fragment',
      packet: `${TCP6} frag 24`,
      want: { proto: 6n, l4found: 1n, fragoff: 24n, l4len: 0n, dport: 0n },
    },
    {
      name: 'a later fragment of an extension header',
      packet: `${TCP6} ext frag,dst frag 24`,
      want: { proto: 0n, l4found: 0n, fragoff: 0n },
    },
    {
      name: 'a later fragment of nothing',
      packet: '59 2001:db8::7 > 2001:db8::1 frag 24',
      want: { proto: 59n, l4found: 1n, fragoff: 24n },
    },
    {
      name: 'a header behind a later fragment is not looked for',
      packet: `${TCP6} ext dst,frag frag 8`,
      want: { proto: 6n, fragoff: 8n },
    },
    {
      name: 'a cut extension header',
      packet: '60 2001:db8::7 > 2001:db8::1 payload 06',
      want: { l4found: 0n, proto: 0n },
    },
    {
      name: 'two bytes of an extension header are enough',
      packet: '60 2001:db8::7 > 2001:db8::1 payload 0600',
      want: { l4found: 1n, proto: 6n, l4len: 0n },
    },
    {
      name: 'a routing header needs four',
      packet: '43 2001:db8::7 > 2001:db8::1 payload 060000',
      want: { l4found: 0n },
    },
    { name: 'and has them', packet: '43 2001:db8::7 > 2001:db8::1 payload 06000000', want: { l4found: 1n, proto: 6n } },
    {
      name: 'a fragment header needs four',
      packet: '44 2001:db8::7 > 2001:db8::1 payload 060000',
      want: { l4found: 0n },
    },
    {
      name: 'no next header is an end',
      packet: '60 2001:db8::7 > 2001:db8::1 payload 3b00000000000000ffff',
      want: { proto: 59n, l4found: 1n, l4len: 2n },
    },
    { name: 'ESP is an end', packet: '50 2001:db8::7 > 2001:db8::1 payload 0600', want: { proto: 50n, l4len: 2n } },
    {
      name: 'any number of headers',
      packet: `${TCP6} ext ${Array.from({ length: 60 }, () => 'dst').join(',')}`,
      want: { proto: 6n, dport: 22n },
    },
    {
      name: 'a payload length of 0 before hop-by-hop options',
      packet: `${TCP6} ext hop plen 0`,
      want: { length: 68n, dport: 22n },
    },
    { name: 'a payload length of 0', packet: `${TCP6} plen 0`, want: { length: 40n, l4len: 0n, dport: 0n } },
    { name: 'a payload length shorter than the frame', packet: `${TCP6} plen 3`, want: { length: 43n, l4len: 3n } },
  ])('$name', (row) => {
    expect(read(row)).toMatchObject(row.want);
  });

  it.each([
    { name: 'another family', packet: TCP6, code: 'other-protocol' },
    { name: 'a bad version', packet: `${TCP} version 6`, code: 'bad-version' },
    { name: 'a bad header length', packet: `${TCP} ihl 4`, code: 'bad-header-length' },
    { name: 'a packet that is not whole', packet: `${TCP} totlen 41`, code: 'truncated' },
    { name: 'a total length within the header', packet: `${TCP} totlen 19`, code: 'bad-total-length' },
    { name: 'half a header', packet: 'frame 0200000000020200000000010800450000', code: 'short-header' },
    { name: 'half a link header', packet: 'frame 0200', code: 'not-ethernet' },
  ])('refuses $name', ({ packet, code }) => {
    const { packet: frame } = packetOf(packet);
    expect(() => readFields(frame, 'v4', 'INPUT')).toThrow(expect.objectContaining({ code }));
    expect(() => readFields(frame, 'v4', 'INPUT')).toThrow(UnreadablePacketError);
  });
});

describe('interfaceName', () => {
  it('keeps 15 bytes and a NUL', () => {
    expect(interfaceName('abcdefghijklmnop') & 0xffffn).toBe(0x6f00n);
    expect(interfaceName('')).toBe(0n);
  });
});
