import { u16, u32 } from '../packet/bytes.js';
import { IPV6_HEADER } from './find-header.js';

/** Option types of the hop-by-hop header (include/uapi/linux/in6.h). */
const TLV = { PAD1: 0, PADN: 1, ROUTERALERT: 5, CALIPSO: 7, IOAM: 49, JUMBO: 194 } as const;
const MAX_PADDING = 7;
const MAX_PAYLOAD = 65535;

export interface HopByHopLimits {
  /** net.ipv6.max_hbh_opts_number (8): how many options beside padding; negative: unknown ones are dropped. */
  readonly options: number;
  /** net.ipv6.max_hbh_length: bytes of the header; no limit if left out. */
  readonly bytes?: number;
}

export const DEFAULT_HOP_BY_HOP_LIMITS: HopByHopLimits = { options: 8 };

export type HopByHopReading =
  | { readonly kind: 'fine' }
  | { readonly kind: 'bad'; readonly why: string }
  /** An option that the host's security labels decide. */
  | { readonly kind: 'label' };

const FINE: HopByHopReading = { kind: 'fine' };
const bad = (why: string): HopByHopReading => ({ kind: 'bad', why });

/**
 * ipv6_parse_hopopts and ip6_parse_tlv (net/ipv6/exthdrs.c). `packet` starts at an IPv6 header whose next header is
 * the hop-by-hop one, and is trimmed to the payload length.
 */
export function readHopByHop(packet: Uint8Array, limits: HopByHopLimits): HopByHopReading {
  if (packet.length < IPV6_HEADER + 8) return bad('the hop-by-hop header is cut off');
  const length = (packet[IPV6_HEADER + 1] + 1) << 3;
  if (packet.length < IPV6_HEADER + length) return bad('the hop-by-hop header is cut off');
  if (limits.bytes !== undefined && length > limits.bytes) return bad('the hop-by-hop header is too long');
  const end = IPV6_HEADER + length;
  let padding = 0;
  let count = 0;
  for (let at = IPV6_HEADER + 2; at < end;) {
    const type = packet[at];
    if (type === TLV.PAD1) {
      if (++padding > MAX_PADDING) return bad('too much padding');
      at++;
      continue;
    }
    if (end - at < 2) return bad('an option without its length');
    const optionLength = packet[at + 1] + 2;
    if (optionLength > end - at) return bad('an option longer than the header');
    if (type === TLV.PADN) {
      padding += optionLength;
      if (padding > MAX_PADDING) return bad('too much padding');
      if (packet.subarray(at + 2, at + optionLength).some((byte) => byte !== 0)) return bad('padding that is not zero');
    } else {
      if (++count > Math.abs(limits.options)) return bad('too many options');
      const reading = readOption(packet, at, limits);
      if (reading.kind !== 'fine') return reading;
      padding = 0;
    }
    at += optionLength;
  }
  return FINE;
}

function readOption(packet: Uint8Array, at: number, limits: HopByHopLimits): HopByHopReading {
  const type = packet[at];
  switch (type) {
    case TLV.ROUTERALERT:
      return packet[at + 1] === 2 ? FINE : bad('a router alert of the wrong length');
    case TLV.IOAM:
      // Only aligned ones are ignored where IOAM is off.
      return at % 4 === 0 ? FINE : bad('an IOAM option that is not aligned');
    case TLV.JUMBO:
      return readJumbo(packet, at);
    case TLV.CALIPSO:
      if (packet[at + 1] < 8 || packet[at + 6] * 4 + 8 > packet[at + 1]) return bad('a broken CALIPSO option');
      return { kind: 'label' };
    default:
      // ip6_tlvopt_unknown: the two upper bits say whether to go on.
      return type >> 6 === 0 && limits.options >= 0 ? FINE : bad(`option ${type} is not known`);
  }
}

/** ipv6_hop_jumbo. */
function readJumbo(packet: Uint8Array, at: number): HopByHopReading {
  if (packet[at + 1] !== 4 || (at & 3) !== 2) return bad('a jumbo option of wrong length or alignment');
  const length = u32(packet, at + 2);
  if (length <= MAX_PAYLOAD) return bad('a jumbo option for a packet that is none');
  if (u16(packet, 4) !== 0) return bad('a jumbo option beside a payload length');
  return length > packet.length - IPV6_HEADER ? bad('a jumbo packet that is cut off') : FINE;
}
