import type { Family } from '../model/family.js';
import type { IpSet, IpSetMember } from '../model/ip-set.js';
import type { Parsed } from '../modules/define.js';
import { addressBits, fullMask, parseNumericAddress, prefixMask, printAddress } from '../modules/value/address.js';
import { parseMac, printMac } from '../modules/value/mac.js';
import { UINT16, wholeNumber } from '../modules/value/number.js';
import { parseProtocol, systemProtocolName } from '../modules/value/protocols.js';
import { anyServicePort } from '../modules/value/services.js';
import { parseMessage, printMessage } from './messages.js';
import { ELEMENT_PARTS, type ElementPart } from './types.js';

export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58, SCTP: 132, UDPLITE: 136 } as const;
const { ICMP, TCP, UDP, ICMPV6, SCTP, UDPLITE } = PROTOCOL;

/** Protocols with ports (ip_set_proto_with_ports, include/linux/netfilter/ipset/ip_set_getport.h). */
export function hasPorts(protocol: number): boolean {
  return protocol === TCP || protocol === UDP || protocol === SCTP || protocol === UDPLITE;
}

/** The set an element is for, as far as its text depends on it. */
export type ElementSet = Pick<IpSet, 'type' | 'family' | 'mask' | 'range'>;

/** Most elements that one range stands for. */
const MOST_OF_A_RANGE = 1 << 20;

/** Values of one part, each with the fields of {@link IpSetMember} that it gives. */
type Values = readonly Partial<IpSetMember>[];

/**
 * The elements that a word stands for: one, or those of a range. Names of hosts are not resolved; a port without
 * protocol is of TCP (ipset's `ipset_parse_proto_port`).
 */
export function parseElement(word: string, set: ElementSet): Parsed<readonly IpSetMember[]> {
  const parts = ELEMENT_PARTS[set.type];
  const texts = word.split(',');
  const fewest = set.type === 'bitmap:ip,mac' ? 1 : parts.length;
  if (texts.length < fewest || texts.length > parts.length) {
    return { error: `"${word}" is not an element of a set of type ${set.type}` };
  }
  let members: readonly IpSetMember[] = [{}];
  for (const [index, text] of texts.entries()) {
    const values = parsePart(text, parts[index], set);
    if ('error' in values) return values;
    if (members.length * values.value.length > MOST_OF_A_RANGE) return { error: `"${word}" is too many elements` };
    members = members.flatMap((member) => values.value.map((value) => ({ ...member, ...value })));
  }
  return { value: members };
}

function parsePart(text: string, part: ElementPart, set: ElementSet): Parsed<Values> {
  const family = set.family ?? 'v4';
  switch (part.kind) {
    case 'address':
      return part.dimension === 0 ? parseAddresses(text, family, set) : parseSecond(text, family);
    case 'net':
      return parseNets(text, family, part.dimension);
    case 'port':
      return part.withProtocol ? parseProtocolPorts(text, family) : parsePlainPorts(text, set);
    case 'mac': {
      const mac = parseMac(text);
      return 'error' in mac ? mac : { value: [{ mac: mac.value }] };
    }
    case 'set':
      return { value: [{ set: text }] };
  }
}

interface Span {
  readonly lo: bigint;
  readonly hi: bigint;
}

function parseOne(text: string, family: Family): Parsed<bigint> {
  const value = parseNumericAddress(text, family);
  return value === undefined
    ? { error: `"${text}" is not an ${family === 'v4' ? 'IPv4' : 'IPv6'} address (names are not resolved)` }
    : { value };
}

/** `address`, `address/prefix` or `address-address` as the addresses from `lo` to `hi`. */
function parseSpan(text: string, family: Family): Parsed<Span> {
  const dash = text.indexOf('-');
  if (dash >= 0) {
    const ends = [parseOne(text.slice(0, dash), family), parseOne(text.slice(dash + 1), family)];
    const [a, b] = ends;
    if ('error' in a) return a;
    if ('error' in b) return b;
    return { value: a.value <= b.value ? { lo: a.value, hi: b.value } : { lo: b.value, hi: a.value } };
  }
  const [host, length] = text.split('/', 2);
  const address = parseOne(host, family);
  if ('error' in address) return address;
  if (length === undefined) return { value: { lo: address.value, hi: address.value } };
  const prefix = wholeNumber(length, 0, addressBits(family));
  if (prefix === undefined) return { error: `"${length}" is not a prefix length` };
  const mask = prefixMask(prefix, family);
  return { value: { lo: address.value & mask, hi: (address.value & mask) | (fullMask(family) ^ mask) } };
}

/** First addresses, each without the bits that do not count; those of a bitmap must be in its range. */
function parseAddresses(text: string, family: Family, { mask, range }: ElementSet): Parsed<Values> {
  const span = parseSpan(text, family);
  if ('error' in span) return span;
  const bits = mask ?? fullMask(family);
  // The kernel goes on by as many addresses as the lowest bit that counts stands for.
  const step = bits & -bits;
  const { lo, hi } = span.value;
  if ((hi - lo) / step >= BigInt(MOST_OF_A_RANGE)) return { error: `"${text}" is too many elements` };
  const found: Partial<IpSetMember>[] = [];
  for (let at = lo & bits; at <= hi; at += step) {
    const address = at & bits;
    if (range !== undefined && (at < range.lo || at > range.hi))
      return { error: `"${text}" is not in the set's range` };
    if (found.length === 0 || found[found.length - 1].address !== address) found.push({ address });
  }
  return { value: found };
}

function parseSecond(text: string, family: Family): Parsed<Values> {
  const address = parseOne(text, family);
  return 'error' in address ? address : { value: [{ second: address.value }] };
}

function parseNets(text: string, family: Family, dimension: number): Parsed<Values> {
  const span = parseSpan(text, family);
  if ('error' in span) return span;
  const nets = networksOf(span.value, family);
  if (nets.some(({ prefix }) => prefix === 0))
    return { error: `"${text}": networks of prefix length 0 are not allowed` };
  return {
    value: nets.map(({ address, prefix }) => (dimension === 0 ? { address, prefix } : { second: address, prefix })),
  };
}

/** The fewest networks that are the addresses from `lo` to `hi` (ip_set_range_to_cidr). */
function networksOf({ lo, hi }: Span, family: Family): readonly { address: bigint; prefix: number }[] {
  const nets: { address: bigint; prefix: number }[] = [];
  const bits = addressBits(family);
  for (let at = lo; at <= hi;) {
    let size = 1n;
    let prefix: number = bits;
    while (prefix > 0 && (at & (2n * size - 1n)) === 0n && at + 2n * size - 1n <= hi) {
      size *= 2n;
      prefix--;
    }
    nets.push({ address: at, prefix });
    at += size;
  }
  return nets;
}

function parsePort(text: string): number | undefined {
  return wholeNumber(text, 0, UINT16) ?? anyServicePort(text);
}

function parsePorts(text: string): Parsed<readonly number[]> {
  const whole = parsePort(text);
  if (whole !== undefined) return { value: [whole] };
  const [first, last] = text.split('-').map(parsePort);
  if (first === undefined || last === undefined) return { error: `"${text}" is not a port` };
  const [lo, hi] = first <= last ? [first, last] : [last, first];
  return { value: Array.from({ length: hi - lo + 1 }, (_, i) => lo + i) };
}

/** Ports of `bitmap:port`; the protocol that the tool lets stand in front of a name is of no account. */
function parsePlainPorts(text: string, { range }: ElementSet): Parsed<Values> {
  const ports = parsePorts(text.slice(text.indexOf(':') + 1));
  if ('error' in ports) return ports;
  if (range !== undefined && ports.value.some((port) => BigInt(port) < range.lo || BigInt(port) > range.hi)) {
    return { error: `"${text}" is not in the set's range` };
  }
  return { value: ports.value.map((port) => ({ port })) };
}

/** `[protocol:]port[-port]`, `icmp:type/code` or a message's name, `protocol:0`. */
function parseProtocolPorts(text: string, family: Family): Parsed<Values> {
  const colon = text.indexOf(':');
  const protocol = colon < 0 ? { value: TCP } : parseProtocol(text.slice(0, colon));
  if ('error' in protocol) return protocol;
  const number: number = protocol.value;
  const rest = text.slice(colon + 1);
  if (number === 0) return { error: `"${text}": protocol 0 cannot be in a set` };
  if (number === (family === 'v4' ? ICMPV6 : ICMP)) {
    return { error: `"${text}": the protocol is of the other IP version` };
  }
  if (number === ICMP || number === ICMPV6) {
    const port = parseMessage(rest, number === ICMP ? 'icmp' : 'icmpv6');
    return port === undefined ? { error: `"${rest}" is not an ICMP message` } : { value: [{ protocol: number, port }] };
  }
  if (!hasPorts(number)) {
    return rest === '0'
      ? { value: [{ protocol: number, port: 0 }] }
      : { error: `"${text}": this protocol has no ports` };
  }
  const ports = parsePorts(rest);
  return 'error' in ports ? ports : { value: ports.value.map((port) => ({ protocol: number, port })) };
}

/** The element as `ipset save` prints it. */
export function printElement(member: IpSetMember, { type, family = 'v4' }: ElementSet): string {
  return ELEMENT_PARTS[type].flatMap((part) => printPart(member, part, family) ?? []).join(',');
}

function printPart(member: IpSetMember, part: ElementPart, family: Family): string | undefined {
  const { address = 0n, second = 0n, prefix, protocol, port = 0, mac, set } = member;
  switch (part.kind) {
    case 'address':
      return printAddress(part.dimension === 0 ? address : second, family);
    case 'net': {
      const text = printAddress(part.dimension === 0 ? address : second, family);
      return prefix === undefined || prefix === addressBits(family) ? text : `${text}/${prefix}`;
    }
    case 'port':
      return protocol === undefined ? String(port) : printProtocolPort(protocol, port);
    case 'mac':
      return mac === undefined ? undefined : printMac(mac).toUpperCase();
    case 'set':
      return set;
  }
}

function printProtocolPort(protocol: number, port: number): string {
  const name = systemProtocolName(protocol) ?? String(protocol);
  if (protocol !== ICMP && protocol !== ICMPV6) return `${name}:${port}`;
  return `${name}:${printMessage(port, protocol === ICMP ? 'icmp' : 'icmpv6')}`;
}
