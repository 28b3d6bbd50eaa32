import type { Comparison, PayloadTest, SegmentTest } from '../../../grammar/model/payload.js';
import { isExtensionHeader, IPV6_HEADER } from '../find-header.js';
import { PROTOCOL } from '../../packet/numbers.js';
import { unsigned } from '../../packet/bytes.js';
import { fromBoolean, inRange, isValue, type PayloadAnswer } from './answer.js';
import { headerPointer, u16, u32, type PayloadPacket } from './packet.js';

type Of<K extends PayloadTest['kind']> = Extract<PayloadTest, { kind: K }>;

/** Where a header stands; `absent` is -ENOENT, `broken` is -EBADMSG. */
type Found = number | 'absent' | 'broken';

/** ipv6_find_hdr(skb, &offset, target, NULL, NULL) of net/ipv6/exthdrs_core.c, for an extension header. */
function findExtension(packet: PayloadPacket, target: number): Found {
  let nextHeader = packet.bytes[6];
  let start = IPV6_HEADER;
  for (;;) {
    const found = nextHeader === target;
    if (!isExtensionHeader(nextHeader) || nextHeader === PROTOCOL.NONE) return found ? start : 'absent';
    const header = headerPointer(packet, start, 2);
    if (header === undefined) return 'broken';
    const [following, length] = header;
    let headerLength = (length + 1) << 3;
    if (nextHeader === PROTOCOL.ROUTING && headerPointer(packet, start, 4) === undefined) return 'broken';
    if (nextHeader === PROTOCOL.FRAGMENT) {
      const offset = headerPointer(packet, start + 2, 2);
      if (offset === undefined) return 'broken';
      if ((u16(offset, 0) & ~7) !== 0) return found ? start : 'absent';
      headerLength = 8;
    } else if (nextHeader === PROTOCOL.AUTH) {
      headerLength = (length + 2) << 2;
    }
    if (found) return start;
    nextHeader = following;
    start += headerLength;
  }
}

/**
 * Whether the packet ends before the header does. It is dropped then; before Linux 6.18.40 or so the matches on
 * authentication, routing and options headers just did not hold.
 */
function isCut({ bytes }: PayloadPacket, at: number, length: number): boolean {
  return bytes.length - at < length;
}

/** The header's first bytes, or what the match answers without it. */
function extension(
  packet: PayloadPacket,
  target: number,
  bytes: number,
): { at: number; header: Uint8Array } | PayloadAnswer {
  const at = findExtension(packet, target);
  if (at === 'absent') return 'no';
  if (at === 'broken') return 'hotdrop';
  const header = headerPointer(packet, at, bytes);
  return header === undefined ? 'hotdrop' : { at, header };
}

/** ah_mt6 (net/ipv6/netfilter/ip6t_ah.c). */
export function authentication(test: Of<'ah'>, packet: PayloadPacket): PayloadAnswer {
  const found = extension(packet, PROTOCOL.AUTH, 12);
  if (typeof found === 'string') return found;
  const { at, header } = found;
  const length = (header[1] + 2) << 2;
  if (isCut(packet, at, length)) return 'hotdrop';
  return fromBoolean(
    inRange(test.spi, u32(header, 4)) && isValue(test.length, length) && !(test.reserved && u16(header, 2) !== 0),
  );
}

/** frag_mt6 (net/ipv6/netfilter/ip6t_frag.c). */
export function fragment(test: Of<'frag'>, packet: PayloadPacket): PayloadAnswer {
  const found = extension(packet, PROTOCOL.FRAGMENT, 8);
  if (typeof found === 'string') return found;
  const { header } = found;
  const offset = u16(header, 2);
  const more = (offset & 1) !== 0;
  return fromBoolean(
    inRange(test.id, u32(header, 4)) &&
      !(test.reserved && (header[1] !== 0 || (offset & 6) !== 0)) &&
      !(test.first && (offset & ~7) !== 0) &&
      !(test.more && !more) &&
      !(test.last && more),
  );
}

const ADDRESS = 16;
/** struct rt0_hdr: 4 bytes of routing header, 4 reserved, addresses. */
const RT0_ADDRESSES = 8;

/** rt_mt6 (net/ipv6/netfilter/ip6t_rt.c). */
export function routing(test: Of<'rt'>, packet: PayloadPacket): PayloadAnswer {
  const found = extension(packet, PROTOCOL.ROUTING, 4);
  if (typeof found === 'string') return found;
  const { at, header } = found;
  const headerLength = (header[1] + 1) << 3;
  if (isCut(packet, at, headerLength)) return 'hotdrop';
  const fits =
    inRange(test.segmentsLeft, header[3]) &&
    isValue(test.length, headerLength) &&
    isValue(test.type, header[2]) &&
    !(test.reserved && u32(packet.bytes, at + 4) !== 0);
  if (test.addresses === undefined) return fromBoolean(fits);
  const room = Math.floor((headerLength - RT0_ADDRESSES) / ADDRESS);
  const there = Array.from({ length: room }, (_, i) =>
    unsigned(packet.bytes, at + RT0_ADDRESSES + ADDRESS * i, ADDRESS),
  );
  return fromBoolean(fits && listsAddresses(test.addresses, there));
}

/** Strict: just these. Otherwise: among those in the header, in this order. */
function listsAddresses(
  { list, strict }: { list: readonly bigint[]; strict: boolean },
  there: readonly bigint[],
): boolean {
  if (strict) return there.length === list.length && list.every((address, i) => there[i] === address);
  let seen = 0;
  for (const address of there) {
    if (seen < list.length && address === list[seen]) seen++;
  }
  return seen === list.length;
}

/** hbh_mt6 (net/ipv6/netfilter/ip6t_hbh.c). */
export function options(test: Of<'options'>, packet: PayloadPacket): PayloadAnswer {
  const target = test.header === 'hop-by-hop' ? PROTOCOL.HOPOPTS : PROTOCOL.DSTOPTS;
  const found = extension(packet, target, 2);
  if (typeof found === 'string') return found;
  const { at, header } = found;
  const headerLength = (header[1] + 1) << 3;
  if (isCut(packet, at, headerLength)) return 'hotdrop';
  const fits = isValue(test.length, headerLength);
  if (test.options === undefined) return fromBoolean(fits);
  let offset = at + 2;
  let left = headerLength - 2;
  for (const [index, option] of test.options.entries()) {
    if (left < 1) return 'no';
    const type = packet.bytes[offset];
    if (type !== option.type) return 'no';
    let length = 1;
    if (type !== 0) {
      if (left < 2) return 'no';
      const given = packet.bytes[offset + 1];
      if (option.length !== undefined && option.length !== given) return 'no';
      length = given + 2;
    }
    if (left < length && index < test.options.length - 1) return 'no';
    offset += length;
    left -= length;
  }
  return fromBoolean(fits);
}

const ESP = 50;
/** Stands for a header that is no extension header. */
const UPPER_LAYER = 255;

/** ipv6header_mt6 (net/ipv6/netfilter/ip6t_ipv6header.c). */
export function headers(test: Of<'headers'>, { bytes }: PayloadPacket): PayloadAnswer {
  const there = new Set<number>();
  let nextHeader = bytes[6];
  let at = IPV6_HEADER;
  while (isExtensionHeader(nextHeader) || nextHeader === ESP) {
    if (nextHeader === PROTOCOL.NONE) {
      there.add(nextHeader);
      break;
    }
    if (bytes.length - at < 2) return 'no';
    there.add(nextHeader);
    if (nextHeader === ESP) break;
    const [following, length] = [bytes[at], bytes[at + 1]];
    at += nextHeader === PROTOCOL.FRAGMENT ? 8 : nextHeader === PROTOCOL.AUTH ? (length + 2) << 2 : (length + 1) << 3;
    nextHeader = following;
    if (at > bytes.length) break;
  }
  if (nextHeader !== PROTOCOL.NONE && nextHeader !== ESP) there.add(UPPER_LAYER);
  if (test.soft) return fromBoolean(test.headers.every((header) => there.has(header) !== test.inverted));
  const same = there.size === test.headers.length && test.headers.every((header) => there.has(header));
  return fromBoolean(same !== test.inverted);
}

const IPV6_SRCRT_TYPE_4 = 4;

/** srh_mt6 (net/ipv6/netfilter/ip6t_srh.c), which drops nothing. */
export function segmentRouting(test: Of<'srh'>, packet: PayloadPacket): PayloadAnswer {
  const at = findExtension(packet, PROTOCOL.ROUTING);
  if (typeof at !== 'number') return 'no';
  const header = headerPointer(packet, at, 8);
  if (header === undefined) return 'no';
  const [nextHeader, length, type, segmentsLeft, lastEntry] = header;
  if (packet.bytes.length - at < (length + 1) << 3) return 'no';
  if (type !== IPV6_SRCRT_TYPE_4 || segmentsLeft > lastEntry) return 'no';
  return fromBoolean(
    compares(test.nextHeader, nextHeader) &&
      compares(test.length, length) &&
      compares(test.segmentsLeft, segmentsLeft) &&
      compares(test.lastEntry, lastEntry) &&
      // ip6t_srh.c compares the field as it is with a number in the machine's order: little-endian here.
      compares(test.tag, (header[7] << 8) | header[6]) &&
      test.segments.every((segment) => hasSegment(packet, at, segment, segmentsLeft, lastEntry)),
  );
}

/** struct ipv6_sr_hdr, behind which the segments are listed from the last on. */
const SR_HEADER = 8;

function hasSegment(packet: PayloadPacket, at: number, test: SegmentTest, left: number, lastEntry: number): boolean {
  if (test.which === 'previous' && left === lastEntry) return false;
  if (test.which === 'next' && left === 0) return false;
  const index = test.which === 'previous' ? left + 1 : test.which === 'next' ? left - 1 : 0;
  const segment = headerPointer(packet, at + SR_HEADER + ADDRESS * index, ADDRESS);
  if (segment === undefined) return false;
  return (((unsigned(segment, 0, ADDRESS) ^ test.address) & test.mask) === 0n) !== test.inverted;
}

function compares(tests: readonly Comparison[], value: number): boolean {
  return tests.every(({ op, value: wanted, inverted }) => {
    const holds = op === 'eq' ? value === wanted : op === 'lt' ? value < wanted : value > wanted;
    return holds !== inverted;
  });
}

/** eui64_mt6 (net/ipv6/netfilter/ip6t_eui64.c): the interface identifier of the source is made of the source MAC. */
export function eui64({ bytes, sourceMac }: PayloadPacket): PayloadAnswer {
  const identifier = ((sourceMac >> 24n) << 40n) | 0xfffe000000n | (sourceMac & 0xffffffn);
  return fromBoolean(unsigned(bytes, 16, 8) === (identifier ^ (2n << 56n)));
}
