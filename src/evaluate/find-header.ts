import { u16 } from '../packet/bytes.js';
import { PROTOCOL } from '../packet/numbers.js';

/** Bytes of the fixed IPv6 header. */
export const IPV6_HEADER = 40;

/** ipv6_ext_hdr (net/ipv6/exthdrs_core.c): extension headers and "no next header". */
export function isExtensionHeader(nextHeader: number): boolean {
  switch (nextHeader) {
    case PROTOCOL.HOPOPTS:
    case PROTOCOL.ROUTING:
    case PROTOCOL.FRAGMENT:
    case PROTOCOL.AUTH:
    case PROTOCOL.NONE:
    case PROTOCOL.DSTOPTS:
      return true;
    default:
      return false;
  }
}

/** Where the walk over the headers ended. */
export type FoundHeader =
  | {
      readonly found: true;
      readonly protocol: number;
      /** From the IPv6 header; 0 for a later fragment, where the kernel leaves it as it was. */
      readonly offset: number;
      /** Bytes; 0 unless the packet is a later fragment. */
      readonly fragmentOffset: number;
    }
  | { readonly found: false };

const NOT_FOUND: FoundHeader = { found: false };

/**
 * ipv6_find_hdr(skb, &thoff, -1, &fragoff, NULL) of net/ipv6/exthdrs_core.c, called with `thoff` 0 as ip6t_do_table
 * does. `packet` starts at the IPv6 header and ends where the packet does. The offset found may lie behind the end:
 * the kernel does not look at the header it has found.
 */
export function findHeader(packet: Uint8Array): FoundHeader {
  let nextHeader = packet[6];
  let start = IPV6_HEADER;
  while (isExtensionHeader(nextHeader) && nextHeader !== PROTOCOL.NONE) {
    if (start + 2 > packet.length) return NOT_FOUND;
    const following = packet[start];
    const length = packet[start + 1];
    if (nextHeader === PROTOCOL.ROUTING && start + 4 > packet.length) return NOT_FOUND;
    if (nextHeader === PROTOCOL.FRAGMENT) {
      if (start + 4 > packet.length) return NOT_FOUND;
      const fragmentOffset = u16(packet, start + 2) & ~0x7;
      if (fragmentOffset !== 0) return laterFragment(following, fragmentOffset);
      start += 8;
    } else if (nextHeader === PROTOCOL.AUTH) {
      start += (length + 2) << 2;
    } else {
      start += (length + 1) << 3;
    }
    nextHeader = following;
  }
  return { found: true, protocol: nextHeader, offset: start, fragmentOffset: 0 };
}

/** What a later fragment carries is known from its fragment header alone, and only if that is no extension header. */
function laterFragment(nextHeader: number, fragmentOffset: number): FoundHeader {
  if (isExtensionHeader(nextHeader) && nextHeader !== PROTOCOL.NONE) return NOT_FOUND;
  return { found: true, protocol: nextHeader, offset: 0, fragmentOffset };
}
