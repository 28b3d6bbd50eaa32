import type { Packet } from '../../grammar/model/packet.js';
import { buildFrame, readSpec, sameBytes } from '../packet/index.js';
import type { Ipv4Spec, Ipv6Spec, LinkSpec, PacketSpec, TransportSpec } from '../packet/index.js';

/** Packets that are each plainer than the given one in one respect, the greatest simplification first. */
export function simplerPackets(packet: Packet): readonly Packet[] {
  const marks = packet.mark === 0 ? [] : [{ ...packet, mark: 0 }];
  const spec = readSpec(packet.frame);
  if (spec === undefined) return marks;
  const frames = simplerSpecs(spec).flatMap((simpler) => {
    const frame = buildFrame(simpler);
    return sameBytes(frame, packet.frame) ? [] : [frame];
  });
  return [...frames.map((frame) => ({ ...packet, frame })), ...marks];
}

function simplerSpecs(spec: PacketSpec): readonly PacketSpec[] {
  const { link, ip, transport, padding, cut } = spec;
  return [
    ...(padding === undefined ? [] : [without(spec, 'padding')]),
    ...(cut === undefined ? [] : [without(spec, 'cut')]),
    ...(link === undefined ? [] : simplerLinks(link).map((simpler) => ({ ...spec, link: simpler }))),
    ...simplerHeaders(ip).map((simpler) => ({ ...spec, ip: simpler })),
    ...(transport === undefined
      ? []
      : simplerTransports(transport).map((simpler) => ({ ...spec, transport: simpler }))),
  ];
}

function without<T, K extends keyof T>(given: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = given;
  return rest;
}

function simplerLinks(link: LinkSpec): readonly LinkSpec[] {
  return [
    ...(link.vlans === undefined ? [] : [without(link, 'vlans')]),
    without(link, 'source'),
    without(link, 'destination'),
  ];
}

function simplerHeaders(ip: Ipv4Spec | Ipv6Spec): readonly (Ipv4Spec | Ipv6Spec)[] {
  return ip.family === 'v4' ? simplerHeaders4(ip) : simplerHeaders6(ip);
}

/** Fields that are left out follow from the others. */
function simplerHeaders4(ip: Ipv4Spec): readonly Ipv4Spec[] {
  const { options: _options, ...noOptions } = ip;
  const { version: _version, headerLength: _header, totalLength: _total, checksum: _checksum, ...sound } = ip;
  return [
    noOptions,
    sound,
    { ...ip, fragmentOffset: 0, moreFragments: false },
    { ...ip, dontFragment: false, id: 0 },
    { ...ip, tos: 0 },
    { ...ip, ttl: 64 },
    { ...ip, source: 0xc0000201n },
    { ...ip, destination: 0xc0000202n },
  ];
}

function simplerHeaders6(ip: Ipv6Spec): readonly Ipv6Spec[] {
  const { extensions = [], ...noExtensions } = ip;
  const { version: _version, payloadLength: _payload, ...sound } = ip;
  return [
    noExtensions,
    ...extensions.map((_, i) => ({ ...ip, extensions: extensions.filter((_, k) => k !== i) })),
    sound,
    { ...ip, trafficClass: 0, flowLabel: 0 },
    { ...ip, hopLimit: 64 },
    { ...ip, source: (0x20010db8n << 96n) | 1n },
    { ...ip, destination: (0x20010db8n << 96n) | 2n },
  ];
}

function simplerTransports(transport: TransportSpec): readonly TransportSpec[] {
  switch (transport.kind) {
    case 'tcp': {
      const { options: _options, ...noOptions } = transport;
      const { dataOffset: _offset, checksum: _checksum, ...sound } = transport;
      const { sequence: _sequence, acknowledgment: _ack, window: _window, urgent: _urgent, ...plain } = transport;
      const { sport, dport } = transport;
      return [
        { kind: 'tcp', sport, dport, flags: 2 },
        { ...transport, payload: new Uint8Array() },
        noOptions,
        sound,
        plain,
        { ...transport, flags: 2 },
        { ...transport, sport: 0 },
        { ...transport, dport: 0 },
      ];
    }
    case 'udp':
    case 'udplite': {
      const { length: _length, checksum: _checksum, ...sound } = transport;
      return [
        { ...transport, payload: new Uint8Array() },
        sound,
        { ...transport, sport: 0 },
        { ...transport, dport: 0 },
      ];
    }
    case 'icmp':
    case 'icmp6': {
      const { checksum: _checksum, ...sound } = transport;
      return [{ ...transport, payload: new Uint8Array() }, sound, { ...transport, rest: 0 }, { ...transport, code: 0 }];
    }
    case 'other':
      return [{ kind: 'other', protocol: transport.protocol }];
  }
}
