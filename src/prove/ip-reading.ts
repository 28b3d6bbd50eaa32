import type { Family } from '../../grammar/model/family.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import type { Field } from '../../grammar/model/fields.js';
import { isFact, transportNeed, whereReadable, type Fact, type Known } from './flow.js';
import { FRAGMENT, isExtension, ROUTING, type Frame } from './frame.js';
import { unsupported } from './unprovable.js';
import { bitAt, constantBits, slice, type Bits, type Words } from './words.js';

/** An IP packet whose bytes are symbols. */
export interface IpPacket {
  readonly words: Words;
  readonly family: Family;
  readonly frame: Frame;
  /** `skb->len` at the chain. */
  readonly length: Bits;
}

/** What the reference reads of the packet's network header, and where it finds the transport header. */
interface Network {
  readonly proto: Bits;
  readonly found: Ref;
  readonly fragmentOffset: Bits;
  /** Bytes from the transport header on, 0 where there is none. */
  readonly rest: Bits;
  /** Whether there is a transport header to read. */
  readonly there: Ref;
  /** IPv6: a piece of a datagram. */
  readonly piece: Ref;
}

const networks = new WeakMap<Frame, Network>();

function networkOf(packet: IpPacket): Network {
  let network = networks.get(packet.frame);
  if (network === undefined) {
    network = packet.family === 'v4' ? readIpv4(packet) : readIpv6(packet);
    networks.set(packet.frame, network);
  }
  return network;
}

/** ipt_do_table (net/ipv4/netfilter/ip_tables.c). */
function readIpv4({ words, frame, length }: IpPacket): Network {
  return {
    proto: frame.ip(9),
    found: TRUE,
    fragmentOffset: slice(frame.ip(6, 2), 0, 13),
    rest: words.subtract(length, constantBits(BigInt(frame.shape.header)), 16),
    there: TRUE,
    piece: words.bdd.anyOf(slice(frame.ip(6, 2), 0, 14)),
  };
}

const IPV6_HEADER = 40;
/** Offset and M flag of a fragment header (RFC 8200 4.5); the two bits between them are reserved. */
const PIECE_BITS = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** ipv6_find_hdr(skb, &thoff, -1, &fragoff, NULL) (net/ipv6/exthdrs_core.c) over the headers of the shape. */
function readIpv6({ words, frame, length }: IpPacket): Network {
  const { bdd } = words;
  const { extensions = [] } = frame.shape;
  const next = frame.nextHeader;
  let walks: Ref = TRUE;
  let later: Ref = FALSE;
  let piece: Ref = FALSE;
  let proto: Bits = [];
  let fragmentOffset: Bits = [];
  let start = IPV6_HEADER;
  extensions.forEach(({ kind, bytes }, index) => {
    const needed = kind === ROUTING || kind === FRAGMENT ? 4 : 2;
    walks = bdd.and(walks, words.atLeast(length, BigInt(start + needed)));
    if (kind === FRAGMENT) {
      const word = frame.ip(start + 2, 2);
      piece = bdd.or(piece, bdd.and(walks, bdd.anyOf(PIECE_BITS.map((bit) => bitAt(word, bit)))));
      const offset: Bits = word.map((bit, i) => (i < 3 ? FALSE : bit));
      const isLater = bdd.and(walks, bdd.anyOf(offset));
      const following = extensions.at(index + 1);
      // What a later piece carries is known by name, and only if it is no header to be stepped over.
      if (following === undefined) {
        later = bdd.or(later, isLater);
        proto = words.choose(isLater, next, proto);
        fragmentOffset = words.choose(isLater, offset, fragmentOffset);
      }
      walks = bdd.without(walks, isLater);
    }
    start += bytes;
  });
  const rest = words.subtract(length, constantBits(BigInt(start)), 16);
  const long = words.atLeast(length, BigInt(start));
  return {
    proto: words.choose(walks, next, proto),
    found: bdd.or(walks, later),
    fragmentOffset,
    rest: words.where(bdd.and(walks, long), rest),
    there: walks,
    piece,
  };
}

/** Whether the packet is a piece of a datagram. */
export function isPieceOf(packet: IpPacket): Ref {
  return networkOf(packet).piece;
}

/** Values of the byte that names what follows where that is nothing to be stepped over. */
export function endsWalk(words: Words, next: Bits): Ref {
  let ends: Ref = TRUE;
  for (let kind = 0; kind < 256; kind++) {
    if (isExtension(kind)) ends = words.bdd.without(ends, words.equal(next, constantBits(BigInt(kind))));
  }
  return ends;
}

/** What is no part of an IP packet, or another thing at each hook. */
const BESIDE = ['ttl', 'iif', 'oif', 'mark', 'pkttype', 'mac.src', 'mac.ether'] as const satisfies readonly Field[];
export type Beside = (typeof BESIDE)[number] | Fact;

export function isBeside(field: Known): field is Beside {
  return isFact(field) || BESIDE.some((one) => one === field);
}

/** The value of a field of the packet, as src/evaluate/read-fields.ts reads it. */
export function readPacketField(packet: IpPacket, field: Exclude<Known, Beside>, wanted = transportNeed(field)): Bits {
  const bits = rawField(packet, field);
  if (transportNeed(field) === undefined) return bits;
  const { rest, there } = networkOf(packet);
  // Nothing is there to be read where no header was found.
  const read = packet.words.where(there, bits);
  return wanted === undefined ? read : whereReadable(packet.words, read, rest, wanted);
}

function rawField(packet: IpPacket, field: Exclude<Known, Beside>): Bits {
  const { frame, family, length } = packet;
  const v4 = family === 'v4';
  switch (field) {
    case 'saddr':
      return v4 ? frame.ip(12, 4) : frame.ip(8, 16);
    case 'daddr':
      return v4 ? frame.ip(16, 4) : frame.ip(24, 16);
    case 'proto':
      return networkOf(packet).proto;
    case 'l4found':
      return [networkOf(packet).found];
    case 'fragoff':
      return networkOf(packet).fragmentOffset;
    case 'tos':
      return v4 ? frame.ip(1) : slice(frame.ip(0, 2), 4, 8);
    case 'length':
      return slice(length, 0, 16);
    case 'l4len':
      return networkOf(packet).rest;
    case 'sport':
      return frame.transport(0, 2);
    case 'dport':
    case 'ipcomp.cpi':
      return frame.transport(2, 2);
    case 'tcp.flags':
      return frame.transport(13);
    case 'tcp.doff':
      return slice(frame.transport(12), 4, 4);
    case 'tcp.whole':
      return [wholeHeader(packet)];
    case 'icmp.type':
    case 'mh.next':
      return frame.transport(0);
    case 'icmp.code':
      return frame.transport(1);
    case 'mh.type':
      return frame.transport(2);
    case 'esp.spi':
      return frame.transport(0, 4);
    case 'ah.spi':
      return frame.transport(4, 4);
    case 'dccp.type':
      return slice(frame.transport(8), 1, 4);
    case 'tcp.options':
      throw unsupported('--tcp-option');
  }
}

/** The header says how long it is (0 where that byte is missing), and so much is there. */
function wholeHeader(packet: IpPacket): Ref {
  const { words, frame } = packet;
  const { rest, there } = networkOf(packet);
  const offset = words.where(there, whereReadable(words, slice(frame.transport(12), 4, 4), rest, 13));
  return not(words.below(rest, words.shiftLeft(offset, 2, 16)));
}

/** A device's name as a number: what stands behind the first NUL does not count. */
export function interfaceNumber(words: Words, name: Bits): Bits {
  const out: Ref[] = new Array<Ref>(128).fill(FALSE);
  let before: Ref = TRUE;
  for (let byte = 0; byte < 16; byte++) {
    const bits = name.slice(byte * 8, byte * 8 + 8);
    bits.forEach((bit, i) => (out[(15 - byte) * 8 + i] = words.bdd.and(before, bit)));
    before = words.bdd.and(before, words.bdd.anyOf(bits));
  }
  while (out.length > 0 && out[out.length - 1] === FALSE) out.pop();
  return out;
}
