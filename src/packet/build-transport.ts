import { concat, putU16, putU32 } from './bytes.js';
import { internetChecksum, transportChecksum, type AddressPair } from './checksum.js';
import { PROTOCOL } from './numbers.js';
import type { Ipv4Spec, Ipv6Spec, TransportSpec } from './spec.js';

type Of<K extends TransportSpec['kind']> = Extract<TransportSpec, { kind: K }>;

const NOTHING = new Uint8Array(0);
const DEFAULT_WINDOW = 65535;

/** Protocol number of a transport header; "no next header" where there is none. */
export function protocolOf(spec: TransportSpec | undefined): number {
  if (spec === undefined) return PROTOCOL.NONE;
  switch (spec.kind) {
    case 'tcp':
      return PROTOCOL.TCP;
    case 'udp':
      return PROTOCOL.UDP;
    case 'udplite':
      return PROTOCOL.UDPLITE;
    case 'icmp':
      return PROTOCOL.ICMP;
    case 'icmp6':
      return PROTOCOL.ICMPV6;
    case 'other':
      return spec.protocol;
  }
}

/** Transport header and payload. */
export function buildTransport(spec: TransportSpec | undefined, ip: Ipv4Spec | Ipv6Spec): Uint8Array {
  if (spec === undefined) return NOTHING;
  const addresses: AddressPair = {
    bytes: ip.family === 'v4' ? 4 : 16,
    source: ip.source,
    destination: ip.destination,
  };
  switch (spec.kind) {
    case 'tcp':
      return buildTcp(spec, addresses);
    case 'udp':
    case 'udplite':
      return buildUdp(spec, addresses);
    case 'icmp':
    case 'icmp6':
      return buildIcmp(spec, addresses);
    case 'other':
      return spec.payload ?? NOTHING;
  }
}

/** RFC 9293 section 3.1. */
function buildTcp(spec: Of<'tcp'>, addresses: AddressPair): Uint8Array {
  const options = spec.options ?? NOTHING;
  const header = new Uint8Array(20 + ((options.length + 3) & ~3));
  header.set(options, 20);
  putU16(header, 0, spec.sport);
  putU16(header, 2, spec.dport);
  putU32(header, 4, spec.sequence ?? 1);
  putU32(header, 8, spec.acknowledgment ?? 0);
  header[12] = ((spec.dataOffset ?? header.length / 4) & 0x0f) << 4;
  header[13] = spec.flags ?? 0;
  putU16(header, 14, spec.window ?? DEFAULT_WINDOW);
  putU16(header, 18, spec.urgent ?? 0);
  const segment = concat(header, spec.payload ?? NOTHING);
  putU16(segment, 16, spec.checksum ?? transportChecksum(addresses, PROTOCOL.TCP, segment));
  return segment;
}

/** RFC 768, RFC 3828 (UDP-Lite, which covers the whole datagram here). */
function buildUdp(spec: Of<'udp' | 'udplite'>, addresses: AddressPair): Uint8Array {
  const payload = spec.payload ?? NOTHING;
  const header = new Uint8Array(8);
  putU16(header, 0, spec.sport);
  putU16(header, 2, spec.dport);
  const length = spec.kind === 'udp' ? header.length + payload.length : 0;
  putU16(header, 4, spec.length ?? length);
  const datagram = concat(header, payload);
  // A sum of 0 is sent as its other form: 0 says that there is none.
  const sum = transportChecksum(addresses, protocolOf(spec), datagram) || 0xffff;
  putU16(datagram, 6, spec.checksum ?? sum);
  return datagram;
}

/** RFC 792, RFC 4443 (which sums up a pseudo header too). */
function buildIcmp(spec: Of<'icmp' | 'icmp6'>, addresses: AddressPair): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = spec.type;
  header[1] = spec.code ?? 0;
  putU32(header, 4, spec.rest ?? 0);
  const message = concat(header, spec.payload ?? NOTHING);
  const sum = spec.kind === 'icmp' ? internetChecksum(message) : transportChecksum(addresses, PROTOCOL.ICMPV6, message);
  putU16(message, 2, spec.checksum ?? sum);
  return message;
}
