import type { Family } from './family.js';

/**
 * What a stateless match can read of a packet. A value is an unsigned number: multi-byte header fields are read
 * in network order, addresses and interface names too (an interface name is its 16 bytes, NUL-padded, first
 * character most significant), so that prefixes are prefixes.
 *
 * "Packet length" below is the length that the stack sees after trimming to the IP total length; Ethernet padding
 * does not count. `thoff` is the offset of the transport header from the IP header: `ihl * 4` for IPv4; for IPv6
 * where `ipv6_find_hdr(skb, &thoff, -1, …)` stops (net/ipv6/exthdrs_core.c); 0 where it finds none.
 */
export type Field =
  | 'iif'
  | 'oif'
  | 'saddr'
  | 'daddr'
  | 'proto'
  | 'l4found'
  | 'fragoff'
  | 'tos'
  | 'ttl'
  | 'length'
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
  | 'mh.type'
  | 'mark'
  | 'pkttype'
  | 'mac.src'
  | 'mac.ether';

export interface FieldInfo {
  /** Width in bits; `tcp.options` is a bitmap of 256 bits, bit n = option kind n is met on the walk. */
  readonly bits: number | ((family: Family) => number);
  readonly doc: string;
}

const address = (family: Family): number => (family === 'v4' ? 32 : 128);

export const FIELDS: Readonly<Record<Field, FieldInfo>> = {
  iif: { bits: 128, doc: 'input interface name, empty (all zero) where there is none' },
  oif: { bits: 128, doc: 'output interface name, empty (all zero) where there is none' },
  saddr: { bits: address, doc: 'source address' },
  daddr: { bits: address, doc: 'destination address' },
  proto: { bits: 8, doc: 'IPv4: protocol byte; IPv6: the header that ipv6_find_hdr stops at, 0 where l4found is 0' },
  l4found: { bits: 1, doc: 'IPv6: ipv6_find_hdr(-1) succeeded; IPv4: always 1' },
  fragoff: { bits: 16, doc: 'IPv4: fragment offset in 8-byte units (13 bits); IPv6: in bytes, as ipv6_find_hdr says' },
  tos: { bits: 8, doc: 'IPv4 TOS byte, IPv6 traffic class' },
  ttl: { bits: 8, doc: 'TTL or hop limit as the chain sees it (FORWARD: already decremented)' },
  length: { bits: 16, doc: 'what xt_length reads: IPv4 total length; IPv6 skb->len (Linux 6.3 and newer)' },
  l4len: { bits: 16, doc: 'bytes of the packet from thoff on, 0 if none' },
  sport: { bits: 16, doc: 'bytes 0–1 from thoff, 0 if not readable' },
  dport: { bits: 16, doc: 'bytes 2–3 from thoff, 0 if not readable' },
  'tcp.flags': { bits: 8, doc: 'byte 13 from thoff (CWR…FIN), 0 if not readable' },
  'tcp.doff': { bits: 4, doc: 'upper half of byte 12 from thoff, 0 if not readable' },
  'tcp.whole': { bits: 1, doc: 'l4len >= tcp.doff * 4' },
  'tcp.options': { bits: 256, doc: 'bitmap of the option kinds that tcp_find_option would step on; 0 if not whole' },
  'icmp.type': { bits: 8, doc: 'byte 0 from thoff, 0 if not readable' },
  'icmp.code': { bits: 8, doc: 'byte 1 from thoff, 0 if not readable' },
  'esp.spi': { bits: 32, doc: 'bytes 0–3 from thoff, 0 if not readable' },
  'ah.spi': { bits: 32, doc: 'bytes 4–7 from thoff, 0 if not readable' },
  'ipcomp.cpi': { bits: 16, doc: 'bytes 2–3 from thoff, 0 if not readable' },
  'dccp.type': { bits: 4, doc: 'bits 1–4 of byte 8 from thoff, 0 if not readable' },
  'mh.next': { bits: 8, doc: 'byte 0 from thoff, 0 if not readable' },
  'mh.type': { bits: 8, doc: 'byte 2 from thoff, 0 if not readable' },
  mark: { bits: 32, doc: 'packet mark' },
  pkttype: { bits: 8, doc: 'skb->pkt_type: 0 unicast to us, 1 broadcast, 2 multicast' },
  'mac.src': { bits: 48, doc: 'Ethernet source address' },
  'mac.ether': { bits: 1, doc: 'the packet came with an Ethernet header' },
};

const LIMITS = new Map<number, bigint>();

/** The greatest value of a field. */
export function fieldLimit(field: Field, family: Family): bigint {
  const bits = fieldBits(field, family);
  let limit = LIMITS.get(bits);
  if (limit === undefined) LIMITS.set(bits, (limit = (1n << BigInt(bits)) - 1n));
  return limit;
}

export function fieldBits(field: Field, family: Family): number {
  const bits = FIELDS[field].bits;
  return typeof bits === 'number' ? bits : bits(family);
}
