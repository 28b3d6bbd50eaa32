import type { Packet } from '../../grammar/model/packet.js';
import { concat, putU16, putU32, putUnsigned } from './bytes.js';
import { internetChecksum } from './checksum.js';
import { buildExtensions } from './build-extensions.js';
import { buildTransport, protocolOf } from './build-transport.js';
import { ETHERNET_HEADER, VLAN_TAG } from './link.js';
import { ETHERTYPE } from './numbers.js';
import type { Ipv4Spec, Ipv6Spec, LinkSpec, PacketPlace, PacketSpec } from './spec.js';

export const DEFAULT_SOURCE_MAC = 0x020000000001n;
export const DEFAULT_DESTINATION_MAC = 0x020000000002n;
export const DEFAULT_TTL = 64;

/** The packet that `spec` describes, at `place` (no interfaces and mark 0 if left out). */
export function buildPacket(spec: PacketSpec, place: PacketPlace = {}): Packet {
  return { frame: buildFrame(spec), inInterface: '', outInterface: '', mark: 0, ...place };
}

/** The Ethernet frame that `spec` describes. */
export function buildFrame(spec: PacketSpec): Uint8Array {
  const etherType = spec.link?.etherType ?? (spec.ip.family === 'v4' ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6);
  return concat(buildLink(spec.link ?? {}, etherType), buildIpPacket(spec), new Uint8Array(spec.padding ?? 0));
}

function buildLink(link: LinkSpec, etherType: number): Uint8Array {
  const vlans = link.vlans ?? [];
  const out = new Uint8Array(ETHERNET_HEADER + VLAN_TAG * vlans.length);
  putUnsigned(out, 0, 6, link.destination ?? DEFAULT_DESTINATION_MAC);
  putUnsigned(out, 6, 6, link.source ?? DEFAULT_SOURCE_MAC);
  vlans.forEach((vlan, i) => {
    putU16(out, 12 + VLAN_TAG * i, vlan.tag ?? ETHERTYPE.VLAN);
    putU16(out, 14 + VLAN_TAG * i, ((vlan.priority ?? 0) << 13) | (vlan.id & 0x0fff));
  });
  putU16(out, out.length - 2, etherType);
  return out;
}

/** From the IP header on. */
export function buildIpPacket(spec: PacketSpec): Uint8Array {
  const whole = buildTransport(spec.transport, spec.ip);
  const inside = spec.cut === undefined ? whole : whole.subarray(0, spec.cut);
  const protocol = protocolOf(spec.transport);
  return spec.ip.family === 'v4' ? buildIpv4(spec.ip, protocol, inside) : buildIpv6(spec.ip, protocol, inside);
}

/** RFC 791 section 3.1. */
function buildIpv4(ip: Ipv4Spec, protocol: number, inside: Uint8Array): Uint8Array {
  const options = ip.options ?? new Uint8Array(0);
  const header = new Uint8Array(20 + ((options.length + 3) & ~3));
  header.set(options, 20);
  header[0] = ((ip.version ?? 4) << 4) | ((ip.headerLength ?? header.length / 4) & 0x0f);
  header[1] = ip.tos ?? 0;
  putU16(header, 2, ip.totalLength ?? header.length + inside.length);
  putU16(header, 4, ip.id ?? 0);
  const flags = (ip.dontFragment === true ? 0x4000 : 0) | (ip.moreFragments === true ? 0x2000 : 0);
  putU16(header, 6, flags | ((ip.fragmentOffset ?? 0) & 0x1fff));
  header[8] = ip.ttl ?? DEFAULT_TTL;
  header[9] = ip.protocol ?? protocol;
  putUnsigned(header, 12, 4, ip.source);
  putUnsigned(header, 16, 4, ip.destination);
  const packet = concat(header, inside);
  // Over as many bytes as the header claims to have, which is what receivers check.
  const covered = packet.subarray(0, Math.max(20, (header[0] & 0x0f) * 4));
  putU16(packet, 10, ip.checksum ?? internetChecksum(covered));
  return packet;
}

/** RFC 8200 section 3. */
function buildIpv6(ip: Ipv6Spec, protocol: number, inside: Uint8Array): Uint8Array {
  const extensions = buildExtensions(ip.extensions ?? [], protocol);
  const header = new Uint8Array(40);
  const version = (((ip.version ?? 6) << 28) | ((ip.trafficClass ?? 0) << 20) | (ip.flowLabel ?? 0)) >>> 0;
  putU32(header, 0, version);
  putU16(header, 4, ip.payloadLength ?? extensions.bytes.length + inside.length);
  header[6] = ip.nextHeader ?? extensions.first;
  header[7] = ip.hopLimit ?? DEFAULT_TTL;
  putUnsigned(header, 8, 16, ip.source);
  putUnsigned(header, 24, 16, ip.destination);
  return concat(header, extensions.bytes, inside);
}
