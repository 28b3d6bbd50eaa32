import { type BuiltinChain, type Family, isLeaving } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Packet } from '../../grammar/model/packet.js';
import { u16, unsigned } from '../packet/bytes.js';
import { readLink, type Link } from '../packet/link.js';
import { ETHERTYPE } from '../packet/numbers.js';
import { UnreadablePacketError } from './errors.js';
import { findHeader, IPV6_HEADER } from './find-header.js';

/** The value of every field, as the kernel's matches would read it. */
export type FieldValues = Readonly<Record<Field, bigint>>;

type NetworkField = 'saddr' | 'daddr' | 'proto' | 'l4found' | 'fragoff' | 'tos' | 'ttl' | 'length';
type TransportField =
  | 'l4len'
  | 'sport'
  | 'dport'
  | 'tcp.flags'
  | 'tcp.doff'
  | 'tcp.whole'
  | 'tcp.options'
  | 'icmp.type'
  | 'icmp.code'
  | 'esp.spi'
  | 'ah.spi'
  | 'ipcomp.cpi'
  | 'dccp.type'
  | 'mh.next'
  | 'mh.type';

/** The packet from its IP header to its end (`skb->len` bytes), without the padding of the frame. */
export interface IpPacket {
  readonly link: Link;
  readonly bytes: Uint8Array;
}

/** Reads every field of a packet that has come to a chain of `hook`. Throws {@link UnreadablePacketError}. */
export function readFields(packet: Packet, family: Family, hook: BuiltinChain): FieldValues {
  const { link, bytes } = readIpPacket(packet.frame, family, hook);
  const ip = family === 'v4' ? readIpv4(bytes, hook) : readIpv6(bytes, hook);
  return {
    ...ip.fields,
    ...readTransport(ip.transport),
    ...readLinkFields(link, packet.inInterface, hook),
    iif: interfaceName(packet.inInterface),
    oif: interfaceName(packet.outInterface),
    mark: BigInt(packet.mark >>> 0),
  };
}

/** The IP packet in a frame, trimmed as the stack does it on the way to `hook`. Throws {@link UnreadablePacketError}. */
export function readIpPacket(frame: Uint8Array, family: Family, hook: BuiltinChain): IpPacket {
  const link = readLink(frame);
  if (link === undefined) throw new UnreadablePacketError('not-ethernet', 'the frame ends within its link header');
  const wanted = family === 'v4' ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6;
  if (link.etherType !== wanted) {
    throw new UnreadablePacketError('other-protocol', `EtherType 0x${link.etherType.toString(16)} is not the family's`);
  }
  const rest = frame.subarray(link.network);
  return { link, bytes: family === 'v4' ? trimIpv4(rest) : trimIpv6(rest, hook) };
}

/** ip_rcv_core (net/ipv4/ip_input.c): the total length is the packet's, what is behind it is padding. */
function trimIpv4(bytes: Uint8Array): Uint8Array {
  requireHeader(bytes, 20, 4);
  const headerLength = (bytes[0] & 0x0f) * 4;
  if (headerLength < 20 || headerLength > bytes.length) {
    throw new UnreadablePacketError('bad-header-length', `a header of ${headerLength} bytes`);
  }
  const total = u16(bytes, 2);
  if (total > bytes.length) throw new UnreadablePacketError('truncated', `${bytes.length} of ${total} bytes are there`);
  if (total < headerLength) throw new UnreadablePacketError('bad-total-length', `a total length of ${total} bytes`);
  return bytes.subarray(0, total);
}

/**
 * ip6_rcv_core (net/ipv6/ip6_input.c): a payload length of 0 before a hop-by-hop header leaves the packet as it is.
 * Nothing trims what this host sends: a raw socket may say any payload length (net/ipv6/raw.c rawv6_send_hdrinc).
 */
function trimIpv6(bytes: Uint8Array, hook: BuiltinChain): Uint8Array {
  requireHeader(bytes, IPV6_HEADER, 6);
  if (isLeaving(hook)) return bytes;
  const payload = u16(bytes, 4);
  if (payload === 0 && bytes[6] === 0) return bytes;
  const total = IPV6_HEADER + payload;
  if (total > bytes.length) throw new UnreadablePacketError('truncated', `${bytes.length} of ${total} bytes are there`);
  return bytes.subarray(0, total);
}

function requireHeader(bytes: Uint8Array, length: number, version: number): void {
  if (bytes.length < length) throw new UnreadablePacketError('short-header', `${bytes.length} bytes of IP header`);
  if (bytes[0] >> 4 !== version) throw new UnreadablePacketError('bad-version', `IP version ${bytes[0] >> 4}`);
}

interface NetworkReading {
  readonly fields: Readonly<Record<NetworkField, bigint>>;
  /** From the transport header on; empty where there is none. */
  readonly transport: Uint8Array;
}

/** ipt_do_table (net/ipv4/netfilter/ip_tables.c): `fragoff` and `thoff` come from the header as it stands. */
function readIpv4(packet: Uint8Array, hook: BuiltinChain): NetworkReading {
  const headerLength = (packet[0] & 0x0f) * 4;
  return {
    fields: {
      saddr: unsigned(packet, 12, 4),
      daddr: unsigned(packet, 16, 4),
      proto: BigInt(packet[9]),
      l4found: 1n,
      fragoff: BigInt(u16(packet, 6) & 0x1fff),
      tos: BigInt(packet[1]),
      ttl: timeToLive(packet[8], hook),
      // xt_length.c length_mt.
      length: BigInt(u16(packet, 2)),
    },
    transport: packet.subarray(headerLength),
  };
}

/** ip6_packet_match (net/ipv6/netfilter/ip6_tables.c): the protocol is the header at which ipv6_find_hdr stops. */
function readIpv6(packet: Uint8Array, hook: BuiltinChain): NetworkReading {
  const header = findHeader(packet);
  const whereKnown = header.found && header.fragmentOffset === 0;
  return {
    fields: {
      saddr: unsigned(packet, 8, 16),
      daddr: unsigned(packet, 24, 16),
      proto: header.found ? BigInt(header.protocol) : 0n,
      l4found: header.found ? 1n : 0n,
      fragoff: header.found ? BigInt(header.fragmentOffset) : 0n,
      // ipv6_get_dsfield (include/net/dsfield.h).
      tos: BigInt((u16(packet, 0) >> 4) & 0xff),
      ttl: timeToLive(packet[7], hook),
      // xt_length.c length_mt6 reads skb->len since Linux 6.3, the payload length + 40 before.
      length: BigInt(packet.length),
    },
    transport: whereKnown ? packet.subarray(Math.min(header.offset, packet.length)) : new Uint8Array(0),
  };
}

/** ip_forward and ip6_forward have taken one off before the chain runs. */
function timeToLive(value: number, hook: BuiltinChain): bigint {
  return BigInt(hook === 'FORWARD' ? (value - 1) & 0xff : value);
}

/** The headers that xt_tcpudp.c and xt_multiport.c read with skb_header_pointer at `thoff`. */
function readTransport(transport: Uint8Array): Readonly<Record<TransportField, bigint>> {
  const byte = (offset: number): bigint => BigInt(transport[offset] ?? 0);
  const port = (offset: number): bigint => (transport.length < offset + 2 ? 0n : BigInt(u16(transport, offset)));
  const dataOffset = (transport[12] ?? 0) >> 4;
  const whole = transport.length >= dataOffset * 4;
  return {
    l4len: BigInt(transport.length),
    sport: port(0),
    dport: port(2),
    'tcp.flags': byte(13),
    'tcp.doff': BigInt(dataOffset),
    'tcp.whole': whole ? 1n : 0n,
    'tcp.options': whole ? tcpOptions(transport.subarray(20, dataOffset * 4)) : 0n,
    'icmp.type': byte(0),
    'icmp.code': byte(1),
    // xt_esp.c, ipt_ah.c, xt_ipcomp.c, xt_dccp.c, ip6t_mh.c.
    'esp.spi': transport.length < 4 ? 0n : unsigned(transport, 0, 4),
    'ah.spi': transport.length < 8 ? 0n : unsigned(transport, 4, 4),
    'ipcomp.cpi': port(2),
    'dccp.type': (byte(8) >> 1n) & 0xfn,
    'mh.next': byte(0),
    'mh.type': byte(2),
  };
}

/**
 * The option kinds on which tcp_find_option (net/netfilter/xt_tcpudp.c) steps, as a bitmap. It does not stop at the
 * end-of-options kind, and takes a length of 0 for 1.
 */
function tcpOptions(options: Uint8Array): bigint {
  let kinds = 0n;
  for (let i = 0; i < options.length;) {
    kinds |= 1n << BigInt(options[i]);
    if (options[i] < 2) i++;
    // Behind the last byte it reads what lies there; the walk is over either way.
    else i += (options[i + 1] ?? 0) || 1;
  }
  return kinds;
}

const BROADCAST = 0xffffffffffffn;
const GROUP_BIT = 1n << 40n;
const PACKET_HOST = 0n;
const PACKET_BROADCAST = 1n;
const PACKET_MULTICAST = 2n;

/**
 * Packet type (eth_skb_pkt_type) and source MAC (mac_mt of net/netfilter/xt_mac.c). A packet that this host sends has
 * no link header yet, and the loopback device is no Ethernet one.
 */
function readLinkFields(
  link: Link,
  inInterface: string,
  hook: BuiltinChain,
): Readonly<Record<'pkttype' | 'mac.src' | 'mac.ether', bigint>> {
  if (isLeaving(hook)) return { pkttype: PACKET_HOST, 'mac.src': 0n, 'mac.ether': 0n };
  return {
    pkttype: packetType(link.destination),
    'mac.src': link.source,
    'mac.ether': inInterface === 'lo' ? 0n : 1n,
  };
}

function packetType(destination: bigint): bigint {
  if (destination === BROADCAST) return PACKET_BROADCAST;
  return (destination & GROUP_BIT) === 0n ? PACKET_HOST : PACKET_MULTICAST;
}

/** An interface name as a number: 16 bytes, NUL-padded, first character most significant. */
export function interfaceName(name: string): bigint {
  const bytes = new Uint8Array(16);
  // IFNAMSIZ is 16, the last byte a NUL.
  bytes.set(new TextEncoder().encode(name).subarray(0, 15));
  return unsigned(bytes, 0, 16);
}
