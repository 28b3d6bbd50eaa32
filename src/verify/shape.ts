import type { Field } from '../../grammar/model/fields.js';
import { type BuiltinChain, type Family, isLeaving } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import {
  buildPacket,
  type ExtensionSpec,
  type Ipv4Spec,
  type Ipv6Spec,
  type LinkSpec,
  type PacketSpec,
  type TransportSpec,
} from '../packet/index.js';
import { readLink } from '../packet/index.js';
import { concat, networkBytes, putU16 } from '../packet/bytes.js';
import { internetChecksum } from '../packet/checksum.js';
import { shapePayload, type PayloadAim, type PayloadShape } from './payload-shape.js';
import type { BytesAt } from './u32-shape.js';
import type { Random } from './random.js';

export interface Place {
  readonly family: Family;
  readonly chain: BuiltinChain;
}

type Values = ReadonlyMap<Field, bigint>;

/** How often each hostile shape is put on a packet; the rest stays well-formed. */
const HOSTILE = {
  fragment: 0.05,
  ipOptions: 0.05,
  extensions: 0.15,
  cut: 0.05,
  padding: 0.08,
  badLength: 0.02,
  badChecksum: 0.02,
  badVersion: 0.01,
  vlan: 0.03,
  dataOffset: 0.04,
  tcpOptions: 0.1,
  groupFrame: 0.02,
  otherProtocol: 0.01,
} as const;

const INTERESTING_ADDRESSES4 = [0n, 0xffffffffn, 0x7f000001n, 0xe0000001n, 0x0a000001n, 0xc0a80101n, 0xefffffffn];
const INTERESTING_ADDRESSES6 = [0n, 1n, (0xff02n << 112n) | 1n, (0xfe80n << 112n) | 1n, (0x20010db8n << 96n) | 1n];
const PROTOCOLS4 = [6, 17, 1, 6, 17, 6, 17, 47, 50, 132, 33, 51, 108, 0, 255];
const PROTOCOLS6 = [6, 17, 58, 6, 17, 6, 17, 47, 50, 132, 33, 108, 135, 59, 255];
const TCP_OPTION_LISTS = [
  [2, 4, 5, 180],
  [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0],
  [8, 0, 3, 3],
  [254, 2, 1, 8],
  [3, 3, 7, 4, 2, 0],
  [0, 8, 8, 8],
];
const IP_OPTION_LISTS = [
  [1, 1, 1, 0],
  [148, 4, 0, 0],
  [7, 7, 4, 0, 0, 0, 0, 0],
];

/**
 * A packet with the given field values and aims; what they leave open is random, and now and then of a hostile shape.
 */
export function shapePacket(given: Values, place: Place, random: Random, aims: readonly PayloadAim[] = []): Packet {
  const shape = shapePayload(aims, random);
  const values = shape.macInSource ? withMacInSource(given, random) : given;
  const ip = place.family === 'v4' ? ipv4(values, place, random) : ipv6(values, place, shape, random);
  const transport = transportOf(values, place, shape, random);
  const cut = cutOf(values, random);
  const spec: PacketSpec = {
    link: linkOf(values, place, random),
    ip,
    transport,
    ...(cut === undefined ? {} : { cut }),
    ...(random.chance(HOSTILE.padding) ? { padding: 1 + random.below(18) } : {}),
  };
  return writeBytes(
    shape.bytes,
    place.family,
    buildPacket(spec, {
      inInterface: isLeaving(place.chain) ? '' : interfaceOf(values.get('iif'), random),
      outInterface: place.chain === 'FORWARD' || isLeaving(place.chain) ? interfaceOf(values.get('oif'), random) : '',
    }),
  );
}

/** A source address that is made of the source MAC (RFC 4291 appendix A). */
function withMacInSource(values: Values, random: Random): Values {
  const mac = (values.get('mac.src') ?? random.bits(48)) & 0xfeffffffffffn;
  const identifier = (((mac >> 24n) << 40n) | 0xfffe000000n | (mac & 0xffffffn)) ^ (2n << 56n);
  const network = (values.get('saddr') ?? 0x20010db8n << 96n) >> 64n;
  const wrong = random.chance(0.2) ? 1n << BigInt(random.below(64)) : 0n;
  return new Map([...values, ['mac.src', mac] as const, ['saddr', (network << 64n) | (identifier ^ wrong)] as const]);
}

/** Writes bytes over the finished packet, as far as it goes, and makes the sum of its IPv4 header right again. */
function writeBytes(bytes: readonly BytesAt[], family: Family, packet: Packet): Packet {
  const link = bytes.length === 0 ? undefined : readLink(packet.frame);
  if (link === undefined) return packet;
  const frame = Uint8Array.from(packet.frame);
  const ip = frame.subarray(link.network);
  for (const { offset, bytes: written } of bytes) {
    for (const [i, byte] of written.entries()) if (offset + i >= 0 && offset + i < ip.length) ip[offset + i] = byte;
  }
  const header = (ip[0] & 0x0f) * 4;
  const inHeader = bytes.some(({ offset }) => offset < header);
  if (family === 'v4' && inHeader && header >= 20 && header <= ip.length) {
    ip.fill(0, 10, 12);
    const sum = internetChecksum(ip.subarray(0, header));
    ip[10] = sum >> 8;
    ip[11] = sum & 0xff;
  }
  return { ...packet, frame };
}

const number = (values: Values, field: Field, otherwise: () => number): number => {
  const value = values.get(field);
  return value === undefined ? otherwise() : Number(value);
};

function addressOf(values: Values, field: 'saddr' | 'daddr', family: Family, random: Random): bigint {
  const value = values.get(field);
  if (value !== undefined) return value;
  if (random.chance(0.1)) return random.pick(family === 'v4' ? INTERESTING_ADDRESSES4 : INTERESTING_ADDRESSES6);
  if (family === 'v4') return random.bits(32);
  return (0x20010db8n << 96n) | random.bits(64);
}

/** FORWARD sees a TTL one less than the wire's. */
function ttlOf(values: Values, place: Place, random: Random): number {
  const seen = number(values, 'ttl', () => random.pick([64, 128, 255, 63, 2, 1, 0]));
  return Math.min(255, place.chain === 'FORWARD' ? seen + 1 : seen);
}

function protocolOf(values: Values, place: Place, random: Random): number {
  return number(values, 'proto', () => random.pick(place.family === 'v4' ? PROTOCOLS4 : PROTOCOLS6));
}

function ipv4(values: Values, place: Place, random: Random): Ipv4Spec {
  const offset = values.get('fragoff');
  const aimed = offset === undefined || offset === 0n ? {} : { fragmentOffset: Number(offset & 0x1fffn) };
  const fragment = random.chance(HOSTILE.fragment)
    ? { fragmentOffset: random.pick([0, 1, 2, 185, 8191]), moreFragments: random.chance(0.5) }
    : aimed;
  return {
    family: 'v4',
    source: addressOf(values, 'saddr', 'v4', random),
    destination: addressOf(values, 'daddr', 'v4', random),
    protocol: protocolOf(values, place, random),
    ttl: ttlOf(values, place, random),
    tos: number(values, 'tos', () => random.pick([0, 0, 16, 184])),
    id: random.below(65536),
    ...fragment,
    ...(random.chance(HOSTILE.ipOptions) ? { options: Uint8Array.from(random.pick(IP_OPTION_LISTS)) } : {}),
    ...(random.chance(HOSTILE.badChecksum) ? { checksum: random.below(65536) } : {}),
    ...(random.chance(HOSTILE.badLength) ? { totalLength: random.below(80) } : {}),
    ...(random.chance(HOSTILE.badVersion) ? random.pick([{ version: 6 }, { headerLength: random.below(16) }]) : {}),
  };
}

function ipv6(values: Values, place: Place, shape: PayloadShape, random: Random): Ipv6Spec {
  const offset = values.get('fragoff') ?? 0n;
  const extensions =
    shape.extensions.length > 0 && !random.chance(HOSTILE.extensions)
      ? shape.extensions
      : random.chance(HOSTILE.extensions)
        ? Array.from({ length: 1 + random.below(random.chance(0.1) ? 12 : 3) }, () => extension(random))
        : offset === 0n
          ? []
          : [{ kind: 'fragment', offset: Number(offset) & 0xfff8, more: random.chance(0.5) } as const];
  return {
    family: 'v6',
    source: addressOf(values, 'saddr', 'v6', random),
    destination: addressOf(values, 'daddr', 'v6', random),
    hopLimit: ttlOf(values, place, random),
    trafficClass: number(values, 'tos', () => random.pick([0, 0, 16, 184])),
    extensions,
    ...(random.chance(HOSTILE.badLength) ? { payloadLength: random.below(80) } : {}),
    ...(random.chance(HOSTILE.badVersion) ? { version: 4 } : {}),
  };
}

function extension(random: Random): ExtensionSpec {
  const length = random.chance(0.1) ? { length: random.below(8) } : {};
  switch (random.below(6)) {
    case 0:
      return { kind: 'hop-by-hop', ...length };
    case 1:
      return { kind: 'routing', type: random.pick([0, 2, 4]), segmentsLeft: random.below(3), ...length };
    case 2:
      return { kind: 'fragment', offset: random.pick([0, 0, 8, 1480]), more: random.chance(0.5) };
    case 3:
      return { kind: 'authentication', ...length };
    default:
      return { kind: 'destination', ...length };
  }
}

function transportOf(values: Values, place: Place, shape: PayloadShape, random: Random): TransportSpec {
  // Bytes of the IP header, for packets whose length is aimed at.
  const before = place.family === 'v4' ? 20 : 40;
  const protocol = protocolOf(values, place, random);
  const length = values.get('length');
  const header = protocol === 6 ? 20 : 8;
  const some = shape.bytes.length > 0 ? 200 : 40;
  const size =
    length === undefined ? random.below(some) : Math.max(0, Math.min(1400, Number(length) - before - header));
  const payload = random.bytes(size);
  const port = (): number => random.pick([random.below(65536), random.below(1024), 22, 53, 80, 443]);
  const ports = { sport: number(values, 'sport', port), dport: number(values, 'dport', port) };
  switch (protocol) {
    case 6:
      return {
        kind: 'tcp',
        ...ports,
        flags: shape.tcpFlags ?? number(values, 'tcp.flags', () => random.pick([2, 16, 18, 17, 4, 0, 41, 3, 24, 255])),
        payload,
        ...(shape.tcpOptions === undefined
          ? tcpOptions(values, random)
          : { options: shape.tcpOptions.subarray(0, 40) }),
        ...(random.chance(HOSTILE.dataOffset) ? { dataOffset: random.below(16) } : {}),
      };
    case 17:
      return { kind: 'udp', ...ports, payload };
    case 1:
    case 58:
      return {
        kind: protocol === 1 ? 'icmp' : 'icmp6',
        type: number(values, 'icmp.type', () => random.pick([0, 3, 8, 11, 128, 129, 135, random.below(256)])),
        code: number(values, 'icmp.code', () => random.pick([0, 0, 1, 3, 4, 255])),
        payload,
      };
    default:
      return { kind: 'other', protocol, payload: otherPayload(values, shape, payload, ports, random) };
  }
}

/** Fixed numbers in the headers of other protocols: offset and bytes of each, and the bits below it. */
const HEADER_FIELDS: readonly (readonly [Field, number, number, number?])[] = [
  ['esp.spi', 0, 4],
  ['ah.spi', 4, 4],
  ['ipcomp.cpi', 2, 2],
  ['mh.next', 0, 1],
  ['mh.type', 2, 1],
  ['dccp.type', 8, 1, 1],
];

function otherPayload(
  values: Values,
  shape: PayloadShape,
  random: Uint8Array,
  ports: { readonly sport: number; readonly dport: number },
  dice: Random,
): Uint8Array {
  const known = HEADER_FIELDS.filter(([field]) => values.has(field));
  const withPorts = shape.afterPorts !== undefined || values.has('sport') || values.has('dport');
  if (known.length === 0 && !withPorts) return random;
  const start = new Uint8Array(4);
  putU16(start, 0, ports.sport);
  putU16(start, 2, ports.dport);
  const rest = shape.afterPorts ?? concat(random, dice.chance(0.9) ? new Uint8Array(12) : new Uint8Array(0));
  const bytes = Uint8Array.from(concat(start, rest));
  for (const [field, offset, length, shift = 0] of known) {
    const value = (values.get(field) ?? 0n) << BigInt(shift);
    if (offset + length <= bytes.length) bytes.set(networkBytes(value, length), offset);
  }
  return bytes;
}

function tcpOptions(values: Values, random: Random): { options?: Uint8Array } {
  const wanted = values.get('tcp.options');
  if (wanted !== undefined && wanted !== 0n && random.chance(0.8)) {
    const kind = wanted.toString(2).length - 1;
    return { options: Uint8Array.of(1, 1, kind & 0xff, 2) };
  }
  return random.chance(HOSTILE.tcpOptions) ? { options: Uint8Array.from(random.pick(TCP_OPTION_LISTS)) } : {};
}

function cutOf(values: Values, random: Random): number | undefined {
  const length = values.get('l4len');
  if (length !== undefined && length < 20n && random.chance(0.5)) return Number(length);
  return random.chance(HOSTILE.cut) ? random.below(24) : undefined;
}

function linkOf(values: Values, place: Place, random: Random): LinkSpec {
  const source = values.get('mac.src');
  const type = values.get('pkttype');
  const destination =
    type === 1n ? 0xffffffffffffn : type === 2n || random.chance(HOSTILE.groupFrame) ? 0x01005e000001n : undefined;
  const etherType = random.chance(HOSTILE.otherProtocol) ? random.pick([0x0806, 0x8864, 0x1234]) : undefined;
  // What is sent by this host carries no tag yet.
  const vlan = !isLeaving(place.chain) && random.chance(HOSTILE.vlan);
  return {
    // A source address is never a group address.
    ...(source === undefined ? {} : { source: source & 0xfeffffffffffn }),
    ...(destination === undefined ? {} : { destination }),
    ...(etherType === undefined ? {} : { etherType }),
    ...(vlan ? { vlans: [{ id: random.pick([0, 0, 1, 100]) }] } : {}),
  };
}

/** A device name from the 16 bytes that a rule tests: what stands before the first NUL, as far as it is a name. */
function interfaceOf(value: bigint | undefined, random: Random): string {
  if (value === undefined) return random.pick(['eth0', 'eth0', 'eth1']);
  let name = '';
  for (let i = 15; i >= 0; i--) {
    const byte = Number((value >> BigInt(8 * i)) & 0xffn);
    if (byte === 0) break;
    const character = String.fromCharCode(byte);
    // Bits that a rule leaves free are random: a wildcard goes on with a digit.
    if (!/[\w.@-]/.test(character) || name.length === 15)
      return name === '' ? 'eth0' : `${name.slice(0, 14)}${random.below(10)}`;
    name += character;
  }
  return name === '' || name === '.' || name === '..' ? 'eth0' : name;
}
