import { u16, u32, unsigned } from './bytes.js';
import { buildFrame } from './build.js';
import { readLink, VLAN_TAG, type Link } from './link.js';
import { ETHERTYPE, PROTOCOL } from './numbers.js';
import type { ExtensionSpec, Ipv4Spec, Ipv6Spec, LinkSpec, PacketSpec, TransportSpec, VlanSpec } from './spec.js';

/**
 * The description from which `buildFrame` makes exactly this frame: fields that follow from others are left out where
 * they are right. Undefined where there is none (no IP, or headers that the description cannot say).
 */
export function readSpec(frame: Uint8Array): PacketSpec | undefined {
  const link = readLink(frame);
  if (link === undefined) return undefined;
  const bytes = frame.subarray(link.network);
  const parts = partsOf(link, bytes);
  if (parts === undefined) return undefined;
  const transport = readTransport(parts.protocol, parts.inside);
  const spec: PacketSpec = {
    link: readLinkSpec(link, frame),
    ip: parts.ip,
    ...transport,
    ...(parts.padding > 0 ? { padding: parts.padding } : {}),
  };
  return withOverrides(spec, frame, link.network, bytes.length - parts.inside.length - parts.padding);
}

interface IpParts {
  readonly ip: Ipv4Spec | Ipv6Spec;
  readonly protocol: number;
  readonly inside: Uint8Array;
  readonly padding: number;
}

function partsOf(link: Link, bytes: Uint8Array): IpParts | undefined {
  if (link.etherType === ETHERTYPE.IPV4 && bytes.length >= 20) return readIpv4(bytes);
  if (link.etherType === ETHERTYPE.IPV6 && bytes.length >= 40) return readIpv6(bytes);
  return undefined;
}

function readLinkSpec(link: Link, frame: Uint8Array): LinkSpec {
  const vlans = link.vlans.map((id, i): VlanSpec => {
    const at = 12 + VLAN_TAG * i;
    return { id, tag: u16(frame, at), priority: u16(frame, at + 2) >> 13 };
  });
  return { source: link.source, destination: link.destination, ...(vlans.length > 0 ? { vlans } : {}) };
}

function readIpv4(bytes: Uint8Array): IpParts {
  const claimed = (bytes[0] & 0x0f) * 4;
  const headerFits = claimed >= 20 && claimed <= bytes.length;
  const header = headerFits ? claimed : 20;
  const total = u16(bytes, 2);
  const totalFits = total >= header && total <= bytes.length;
  const end = totalFits ? total : bytes.length;
  const flags = u16(bytes, 6);
  const ip: Ipv4Spec = {
    family: 'v4',
    source: unsigned(bytes, 12, 4),
    destination: unsigned(bytes, 16, 4),
    ...unless(bytes[0] >> 4 === 4, { version: bytes[0] >> 4 }),
    ...unless(headerFits, { headerLength: bytes[0] & 0x0f }),
    ...unless(totalFits, { totalLength: total }),
    tos: bytes[1],
    id: u16(bytes, 4),
    dontFragment: (flags & 0x4000) !== 0,
    moreFragments: (flags & 0x2000) !== 0,
    fragmentOffset: flags & 0x1fff,
    ttl: bytes[8],
    ...unless(header === 20, { options: bytes.subarray(20, header) }),
  };
  return { ip, protocol: bytes[9], inside: bytes.subarray(header, end), padding: bytes.length - end };
}

function unless<T>(condition: boolean, value: T): T | undefined {
  return condition ? undefined : value;
}

function readIpv6(bytes: Uint8Array): IpParts {
  const payload = u16(bytes, 4);
  const fits = 40 + payload <= bytes.length;
  const end = fits ? 40 + payload : bytes.length;
  const { extensions, protocol, offset } = readExtensions(bytes.subarray(0, end));
  const word = u32(bytes, 0);
  const ip: Ipv6Spec = {
    family: 'v6',
    source: unsigned(bytes, 8, 16),
    destination: unsigned(bytes, 24, 16),
    ...unless(word >>> 28 === 6, { version: word >>> 28 }),
    trafficClass: (word >>> 20) & 0xff,
    flowLabel: word & 0xfffff,
    ...unless(fits, { payloadLength: payload }),
    hopLimit: bytes[7],
    ...unless(extensions.length === 0, { extensions }),
  };
  return { ip, protocol, inside: bytes.subarray(offset, end), padding: bytes.length - end };
}

interface ExtensionChain {
  readonly extensions: readonly ExtensionSpec[];
  readonly protocol: number;
  /** Where what is behind them starts. */
  readonly offset: number;
}

/** The extension headers that are whole; what follows is left to the reader of the transport header. */
function readExtensions(bytes: Uint8Array): ExtensionChain {
  const extensions: ExtensionSpec[] = [];
  let protocol = bytes[6];
  let offset = 40;
  for (;;) {
    const read = readExtension(protocol, bytes.subarray(offset));
    if (read === undefined) return { extensions, protocol, offset };
    extensions.push(read.spec);
    protocol = bytes[offset];
    offset += read.bytes;
  }
}

function readExtension(
  header: number,
  bytes: Uint8Array,
): { readonly spec: ExtensionSpec; readonly bytes: number } | undefined {
  if (bytes.length < 8) return undefined;
  const eights = (bytes[1] + 1) * 8;
  switch (header) {
    case PROTOCOL.HOPOPTS:
    case PROTOCOL.DSTOPTS:
      if (bytes.length < eights) return undefined;
      return {
        spec: { kind: header === PROTOCOL.HOPOPTS ? 'hop-by-hop' : 'destination', options: bytes.subarray(2, eights) },
        bytes: eights,
      };
    case PROTOCOL.ROUTING:
      if (bytes.length < eights) return undefined;
      return {
        spec: { kind: 'routing', type: bytes[2], segmentsLeft: bytes[3], data: bytes.subarray(4, eights) },
        bytes: eights,
      };
    case PROTOCOL.FRAGMENT: {
      const word = u16(bytes, 2);
      return {
        spec: { kind: 'fragment', offset: word & ~7, more: (word & 1) !== 0, id: u32(bytes, 4) },
        bytes: 8,
      };
    }
    case PROTOCOL.AUTH: {
      const length = (bytes[1] + 2) * 4;
      if (length < 12 || bytes.length < length) return undefined;
      return { spec: { kind: 'authentication', data: bytes.subarray(12, length) }, bytes: length };
    }
    default:
      return undefined;
  }
}

interface TransportParts {
  readonly transport: TransportSpec;
  readonly cut?: number;
}

/** The header. Of a packet that is cut within it, fields that are gone are left out. */
function readTransport(protocol: number, inside: Uint8Array): TransportParts {
  switch (protocol) {
    case PROTOCOL.TCP:
      return cutAt(20, inside, readTcp);
    case PROTOCOL.UDP:
      return cutAt(8, inside, (bytes, there) => readUdp('udp', bytes, there));
    case PROTOCOL.UDPLITE:
      return cutAt(8, inside, (bytes, there) => readUdp('udplite', bytes, there));
    case PROTOCOL.ICMP:
      return cutAt(8, inside, (bytes) => readIcmp('icmp', bytes));
    case PROTOCOL.ICMPV6:
      return cutAt(8, inside, (bytes) => readIcmp('icmp6', bytes));
    default:
      return { transport: { kind: 'other', protocol, payload: inside } };
  }
}

function cutAt(
  header: number,
  inside: Uint8Array,
  read: (bytes: Uint8Array, there: number) => TransportSpec,
): TransportParts {
  if (inside.length >= header) return { transport: read(inside, inside.length) };
  const filled = new Uint8Array(header);
  filled.set(inside);
  return { transport: read(filled, inside.length), cut: inside.length };
}

/** `there`: bytes of the header that the packet has; behind them `bytes` are zeros. */
function readTcp(bytes: Uint8Array, there: number): TransportSpec {
  const offset = bytes[12] >> 4;
  const fits = there >= 20 && offset >= 5 && offset * 4 <= bytes.length;
  const end = fits ? offset * 4 : 20;
  return {
    kind: 'tcp',
    sport: u16(bytes, 0),
    dport: u16(bytes, 2),
    ...unless(there <= 4, { sequence: u32(bytes, 4) }),
    ...unless(there <= 8, { acknowledgment: u32(bytes, 8) }),
    ...unless(there <= 12 || fits || (there < 20 && offset === 5), { dataOffset: offset }),
    ...unless(there <= 13, { flags: bytes[13] }),
    ...unless(there <= 14, { window: u16(bytes, 14) }),
    ...unless(there <= 18, { urgent: u16(bytes, 18) }),
    ...unless(end === 20, { options: bytes.subarray(20, end) }),
    ...unless(end === bytes.length, { payload: bytes.subarray(end) }),
  };
}

function readUdp(kind: 'udp' | 'udplite', bytes: Uint8Array, there: number): TransportSpec {
  const length = u16(bytes, 4);
  const right = there >= 8 && length === (kind === 'udp' ? bytes.length : 0);
  return {
    kind,
    sport: u16(bytes, 0),
    dport: u16(bytes, 2),
    ...unless(there <= 4 || right, { length }),
    ...unless(bytes.length === 8, { payload: bytes.subarray(8) }),
  };
}

function readIcmp(kind: 'icmp' | 'icmp6', bytes: Uint8Array): TransportSpec {
  return {
    kind,
    type: bytes[0],
    code: bytes[1],
    rest: u32(bytes, 4),
    ...unless(bytes.length === 8, { payload: bytes.subarray(8) }),
  };
}

/** Offset of the checksum in a transport header. */
function checksumOffset(transport: TransportSpec): number | undefined {
  switch (transport.kind) {
    case 'tcp':
      return 16;
    case 'udp':
    case 'udplite':
      return 6;
    case 'icmp':
    case 'icmp6':
      return 2;
    case 'other':
      return undefined;
  }
}

/** Adds checksums that are not the right ones; undefined if the frame comes out different all the same. */
function withOverrides(spec: PacketSpec, frame: Uint8Array, network: number, header: number): PacketSpec | undefined {
  let full = spec;
  const built = buildFrame(full);
  const { ip, transport } = full;
  if (ip.family === 'v4' && u16(built, network + 10) !== u16(frame, network + 10)) {
    full = { ...full, ip: { ...ip, checksum: u16(frame, network + 10) } };
  }
  const offset = transport === undefined ? undefined : checksumOffset(transport);
  if (transport !== undefined && transport.kind !== 'other' && offset !== undefined) {
    const at = network + header + offset;
    const there = at + 2 <= built.length && at + 2 <= frame.length;
    if (there && u16(built, at) !== u16(frame, at)) {
      full = { ...full, transport: { ...transport, checksum: u16(frame, at) } };
    }
  }
  return sameBytes(buildFrame(full), frame) ? full : undefined;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
