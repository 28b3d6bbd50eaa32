import type { Family } from '../../grammar/model/family.js';
import type { IpSet, IpSetMember, OtherIpSet, SetTest } from '../../grammar/model/ip-set.js';
import { undecidedSet } from '../../grammar/sets/decidable.js';
import { hasPorts, PROTOCOL } from '../../grammar/sets/element.js';
import { dimensionOf, ELEMENT_PARTS, hasNetworks, type ElementPart } from '../../grammar/sets/types.js';
import type { FieldValues } from './read-fields.js';

/** What a set says of a packet: `nomatch` for one in an exception (−ENOTEMPTY in the kernel). */
type Membership = 'in' | 'nomatch' | 'out';

/**
 * Whether a packet passes the test (ip_set_test of net/netfilter/ipset/ip_set_core.c); undefined where the members are
 * not known, or where that hangs on what the kernel counts and changes.
 */
export function isInSet(test: SetTest, fields: FieldValues, family: Family): boolean | undefined {
  const { set } = test;
  if (set === undefined || set.type === 'other' || undecidedSet(test, family) !== undefined) return undefined;
  return testSet(set, test, fields, family);
}

function testSet(set: IpSet | OtherIpSet, test: SetTest, fields: FieldValues, family: Family): boolean {
  if (set.type === 'other') return false;
  if (test.directions.length < dimensionOf(set.type)) return false;
  if (set.family !== undefined && set.family !== family) return false;
  // list_set_ktest: the first set that says yes.
  if (set.type === 'list:set') return set.sets.some((part) => testSet(part, test, fields, family));
  const found = lookUp(set, test, fields, family);
  return found === (test.returnNomatch && hasNetworks(set.type) ? 'nomatch' : 'in');
}

/** Elements by what is compared; those with networks apart for each prefix length, longest first. */
interface Index {
  readonly lengths: readonly number[];
  readonly elements: ReadonlyMap<string, IpSetMember>;
}

const indices = new WeakMap<IpSet, Index>();

function indexOf(set: IpSet): Index {
  let index = indices.get(set);
  if (index === undefined) {
    const elements = new Map(set.members.map((member) => [keyOfMember(member), member]));
    const lengths = new Set(set.members.map(({ prefix }) => prefix ?? -1));
    index = { elements, lengths: [...lengths].sort((a, b) => b - a) };
    indices.set(set, index);
  }
  return index;
}

function keyOfMember({ address, second, protocol, port, mac, prefix }: IpSetMember): string {
  return [address, second, protocol, port, mac, prefix ?? -1].join(' ');
}

/** The `kadt` function of the set's type. */
function lookUp(set: IpSet, test: SetTest, fields: FieldValues, family: Family): Membership {
  const wanted: { -readonly [K in keyof IpSetMember]: IpSetMember[K] } = {};
  for (const part of ELEMENT_PARTS[set.type]) {
    const value = partOf(part, set, test, fields, family);
    if (value === undefined) return 'out';
    Object.assign(wanted, value);
  }
  const { lengths, elements } = indexOf(set);
  const bits = family === 'v4' ? 32 : 128;
  for (const prefix of lengths) {
    const cut = (address: bigint): bigint => (address >> BigInt(bits - prefix)) << BigInt(bits - prefix);
    const net: Partial<IpSetMember> =
      prefix < 0
        ? {}
        : wanted.second === undefined
          ? { prefix, address: cut(wanted.address ?? 0n) }
          : { prefix, second: cut(wanted.second) };
    const element = elements.get(keyOfMember({ ...wanted, ...net }));
    if (element !== undefined) return element.nomatch === true ? 'nomatch' : 'in';
  }
  return 'out';
}

/** What the packet has for a part of an element; undefined where it has none, so that it is in no such set. */
function partOf(
  part: ElementPart,
  { mask }: IpSet,
  { directions }: SetTest,
  fields: FieldValues,
  family: Family,
): Partial<IpSetMember> | undefined {
  const source = directions[part.dimension] === 'src';
  switch (part.kind) {
    case 'address':
    case 'net': {
      const address = source ? fields.saddr : fields.daddr;
      return part.dimension === 0 ? { address: mask === undefined ? address : address & mask } : { second: address };
    }
    case 'port': {
      const found = portOf(fields, source, family);
      if (found === undefined || part.withProtocol) return found;
      return found.protocol === PROTOCOL.TCP || found.protocol === PROTOCOL.UDP ? { port: found.port } : undefined;
    }
    case 'mac':
      // bitmap_ipmac_kadt: a packet without link header, and an address of zeros.
      return fields['mac.ether'] === 0n || fields['mac.src'] === 0n ? undefined : { mac: fields['mac.src'] };
    case 'set':
      return undefined;
  }
}

/** Bytes that must be there of a header whose port is read (get_port, net/netfilter/ipset/ip_set_getport.c). */
function headerBytes(protocol: number): number {
  if (protocol === PROTOCOL.TCP) return 20;
  if (protocol === PROTOCOL.SCTP) return 12;
  return hasPorts(protocol) || isMessage(protocol) ? 8 : 0;
}

const isMessage = (protocol: number): boolean => protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6;

const IPV6_NO_NEXT_HEADER = 59;

/** ip_set_get_ip4_port and ip_set_get_ip6_port. */
function portOf(
  fields: FieldValues,
  source: boolean,
  family: Family,
): { readonly protocol: number; readonly port: number } | undefined {
  const protocol = Number(fields.proto);
  if (family === 'v4') {
    if (protocol === 0) return undefined;
    if (fields.fragoff !== 0n) {
      return hasPorts(protocol) || protocol === PROTOCOL.ICMP ? undefined : { protocol, port: 0 };
    }
  } else if (fields.l4found === 0n || fields.fragoff !== 0n || protocol === IPV6_NO_NEXT_HEADER) {
    return undefined;
  }
  if (fields.l4len < BigInt(headerBytes(protocol))) return undefined;
  if (isMessage(protocol)) return { protocol, port: Number((fields['icmp.type'] << 8n) | fields['icmp.code']) };
  return { protocol, port: hasPorts(protocol) ? Number(source ? fields.sport : fields.dport) : 0 };
}
