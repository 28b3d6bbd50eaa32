import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import { printAddress } from '../../grammar/modules/value/address.js';
import { printMac } from './address.js';
import { buildIpPacket, DEFAULT_DESTINATION_MAC, DEFAULT_SOURCE_MAC, DEFAULT_TTL } from './build.js';
import { protocolOf } from './build-transport.js';
import { toHex } from './hexdump.js';
import { ETHERTYPE, PROTOCOL, TCP_FLAG } from './numbers.js';
import { readSpec, sameBytes } from './read-spec.js';
import type { ExtensionSpec, Ipv4Spec, Ipv6Spec, LinkSpec, PacketSpec, TransportSpec } from './spec.js';
import { parsePacketText } from './text.js';
import { EXTENSION_NAMES } from './text-words.js';

/**
 * The packet in words, from which `parsePacketText` makes exactly the same packet: as addresses and words where these
 * say all of it, as the bytes of the frame where they do not.
 */
export function printPacketText(packet: Packet, surroundings: Surroundings = {}): string {
  const place = placeWords(packet, surroundings);
  const spec = readSpec(packet.frame);
  const words = spec === undefined ? undefined : specWords(spec);
  if (words !== undefined) {
    const text = [...words, ...place].join(' ');
    const again = parsePacketText(text);
    if (again.ok && sameBytes(again.text.packet.frame, packet.frame)) return text;
  }
  return ['frame', toHex(packet.frame), ...place].join(' ');
}

/** The packet in words for people, even where the words leave something out. */
export function summarisePacket(packet: Packet, surroundings: Surroundings = {}): string {
  const spec = readSpec(packet.frame);
  const words = spec === undefined ? undefined : specWords(spec);
  const place = placeWords(packet, surroundings);
  return [...(words ?? [`frame of ${packet.frame.length} bytes`]), ...place].join(' ');
}

function placeWords({ inInterface, outInterface, mark }: Packet, { ctstate }: Surroundings): readonly string[] {
  return [
    ...(inInterface === '' ? [] : ['in', inInterface]),
    ...(outInterface === '' ? [] : ['out', outInterface]),
    ...(mark === 0 ? [] : ['mark', `0x${mark.toString(16)}`]),
    ...(ctstate === undefined || ctstate.length === 0 ? [] : ['state', ctstate.join(',')]),
  ];
}

function specWords(spec: PacketSpec): readonly string[] {
  const { ip, transport = { kind: 'other', protocol: PROTOCOL.NONE } } = spec;
  return [
    ...headWords(ip, transport),
    ...transportWords(transport),
    ...(ip.family === 'v4' ? ipv4Words(ip) : ipv6Words(ip)),
    ...payloadWords(spec),
    ...given('cut', spec.cut),
    ...given('pad', spec.padding),
    ...linkWords(spec.link ?? {}),
  ];
}

function given(name: string, value: number | undefined, usual?: number): readonly string[] {
  return value === undefined || value === usual ? [] : [name, String(value)];
}

function flag(name: string, value: boolean | undefined): readonly string[] {
  return value === true ? [name] : [];
}

function bytes(name: string, value: Uint8Array | undefined): readonly string[] {
  return value === undefined || value.length === 0 ? [] : [name, toHex(value)];
}

function headWords(ip: Ipv4Spec | Ipv6Spec, transport: TransportSpec): readonly string[] {
  const name = transport.kind === 'other' ? String(protocolOf(transport)) : transport.kind;
  const end = (address: bigint, port: number | undefined): string => {
    const text = printAddress(address, ip.family);
    if (port === undefined) return text;
    return ip.family === 'v4' ? `${text}:${port}` : `[${text}]:${port}`;
  };
  const ports = 'sport' in transport ? transport : undefined;
  return [name, end(ip.source, ports?.sport), '>', end(ip.destination, ports?.dport)];
}

function transportWords(transport: TransportSpec): readonly string[] {
  switch (transport.kind) {
    case 'tcp':
      return [
        ...(transport.flags === undefined ? [] : [flagNames(transport.flags)]),
        ...given('seq', transport.sequence, 1),
        ...given('ack', transport.acknowledgment, 0),
        ...given('win', transport.window, 65535),
        ...given('urg', transport.urgent, 0),
        ...given('doff', transport.dataOffset),
        ...bytes('tcpopt', transport.options),
        ...given('sum', transport.checksum),
      ];
    case 'udp':
    case 'udplite':
      return [...given('ulen', transport.length), ...given('sum', transport.checksum)];
    case 'icmp':
    case 'icmp6':
      return [
        ...given('type', transport.type),
        ...given('code', transport.code, 0),
        ...given('rest', transport.rest, 0),
        ...given('sum', transport.checksum),
      ];
    case 'other':
      return [];
  }
}

function flagNames(bits: number): string {
  const names = Object.entries(TCP_FLAG).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
  return names.length === 0 ? 'NONE' : names.join(',');
}

function ipv4Words(ip: Ipv4Spec): readonly string[] {
  return [
    ...given('ttl', ip.ttl, DEFAULT_TTL),
    ...given('tos', ip.tos, 0),
    ...given('frag', (ip.fragmentOffset ?? 0) * 8, 0),
    ...flag('mf', ip.moreFragments),
    ...flag('df', ip.dontFragment),
    ...given('id', ip.id, 0),
    ...bytes('ipopt', ip.options),
    ...given('version', ip.version),
    ...given('ihl', ip.headerLength),
    ...given('totlen', ip.totalLength),
    ...given('ipsum', ip.checksum),
  ];
}

function ipv6Words(ip: Ipv6Spec): readonly string[] {
  const extensions = ip.extensions ?? [];
  const fragment = extensions.find((one) => one.kind === 'fragment');
  const alone = extensions.length === 1 && fragment !== undefined;
  return [
    ...given('ttl', ip.hopLimit, DEFAULT_TTL),
    ...given('tos', ip.trafficClass, 0),
    ...given('flow', ip.flowLabel, 0),
    ...(extensions.length === 0 || alone ? [] : ['ext', extensions.map(extensionName).join(',')]),
    ...(fragment === undefined ? [] : ['frag', String(fragment.offset ?? 0)]),
    ...(fragment === undefined ? [] : flag('mf', fragment.more)),
    ...(fragment === undefined ? [] : given('id', fragment.id, 1)),
    ...given('version', ip.version),
    ...given('plen', ip.payloadLength),
  ];
}

function extensionName({ kind }: ExtensionSpec): string {
  return Object.entries(EXTENSION_NAMES).find(([, name]) => name === kind)?.[0] ?? kind;
}

/** Zeros are said by their number alone. */
function payloadWords(spec: PacketSpec): readonly string[] {
  const payload = spec.transport?.payload ?? new Uint8Array(0);
  if (payload.length === 0) return [];
  if (payload.some((byte) => byte !== 0) || spec.cut !== undefined) return ['payload', toHex(payload)];
  return ['len', String(buildIpPacket(spec).length)];
}

function linkWords(link: LinkSpec): readonly string[] {
  const mac = (name: string, value: bigint | undefined, usual: bigint): readonly string[] =>
    value === undefined || value === usual ? [] : [name, printMac(value)];
  const tags = link.vlans ?? [];
  const plain = tags.every(({ tag, priority }) => (tag ?? ETHERTYPE.VLAN) === ETHERTYPE.VLAN && !priority);
  return [
    ...mac('mac', link.source, DEFAULT_SOURCE_MAC),
    ...mac('dmac', link.destination, DEFAULT_DESTINATION_MAC),
    ...(plain ? tags.flatMap(({ id }) => ['vlan', String(id)]) : []),
  ];
}
