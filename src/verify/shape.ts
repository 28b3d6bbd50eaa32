import type { Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';
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
import type { Chain } from './job.js';
import type { Random } from './random.js';

export interface Place {
  readonly family: Family;
  readonly chain: Chain;
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
const PROTOCOLS4 = [6, 17, 1, 6, 17, 6, 17, 47, 50, 132, 0, 255];
const PROTOCOLS6 = [6, 17, 58, 6, 17, 6, 17, 47, 50, 132, 59, 255];
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

/** A packet with the given field values; what they leave open is random, and now and then of a hostile shape. */
export function shapePacket(values: Values, place: Place, random: Random): Packet {
  const ip = place.family === 'v4' ? ipv4(values, place, random) : ipv6(values, place, random);
  const transport = transportOf(values, place, random, place.family === 'v4' ? 20 : 40);
  const cut = cutOf(values, random);
  const spec: PacketSpec = {
    link: linkOf(values, place, random),
    ip,
    transport,
    ...(cut === undefined ? {} : { cut }),
    ...(random.chance(HOSTILE.padding) ? { padding: 1 + random.below(18) } : {}),
  };
  return buildPacket(spec, {
    inInterface: place.chain === 'OUTPUT' ? '' : interfaceOf(values.get('iif'), random),
    outInterface: place.chain === 'FORWARD' || place.chain === 'OUTPUT' ? interfaceOf(values.get('oif'), random) : '',
  });
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

function ipv6(values: Values, place: Place, random: Random): Ipv6Spec {
  const offset = values.get('fragoff') ?? 0n;
  const extensions = random.chance(HOSTILE.extensions)
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

/** `before`: bytes of the IP header, for packets whose length is aimed at. */
function transportOf(values: Values, place: Place, random: Random, before: number): TransportSpec {
  const protocol = protocolOf(values, place, random);
  const length = values.get('length');
  const header = protocol === 6 ? 20 : 8;
  const size = length === undefined ? random.below(40) : Math.max(0, Math.min(1400, Number(length) - before - header));
  const payload = random.bytes(size);
  const port = (): number => random.pick([random.below(65536), random.below(1024), 22, 53, 80, 443]);
  const ports = { sport: number(values, 'sport', port), dport: number(values, 'dport', port) };
  switch (protocol) {
    case 6:
      return {
        kind: 'tcp',
        ...ports,
        flags: number(values, 'tcp.flags', () => random.pick([2, 16, 18, 17, 4, 0, 41, 3, 24, 255])),
        payload,
        ...tcpOptions(values, random),
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
      return { kind: 'other', protocol, payload };
  }
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
  const vlan = place.chain !== 'OUTPUT' && random.chance(HOSTILE.vlan);
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
