import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { putU16, u16, u32 } from '../../packet/bytes.js';
import { findHeader } from '../find-header.js';
import { readIpPacket } from '../read-fields.js';

/** What a match that walks over the packet can read: skb->data from the network header on, and thoff. */
export interface PayloadPacket {
  readonly family: Family;
  /** The IP packet as the chain sees it, without padding. */
  readonly bytes: Uint8Array;
  /** par->thoff: the transport header; 0 where ip6t_do_table has left it so (later fragments of IPv6). */
  readonly transport: number;
  /** Source address of the Ethernet header. */
  readonly sourceMac: bigint;
}

/** The packet of a chain of `hook`: what is forwarded has its TTL decremented. Throws UnreadablePacketError. */
export function payloadPacket(packet: Packet, family: Family, hook: BuiltinChain): PayloadPacket {
  const { link, bytes } = readIpPacket(packet.frame, family, hook);
  const seen = hook === 'FORWARD' ? forwarded(bytes, family) : bytes;
  return { family, bytes: seen, transport: transportOffset(bytes, family), sourceMac: link.source };
}

/** par->thoff. */
export function transportOffset(bytes: Uint8Array, family: Family): number {
  if (family === 'v4') return (bytes[0] & 0x0f) * 4;
  const header = findHeader(bytes);
  return header.found ? header.offset : 0;
}

/** ip_decrease_ttl (include/net/ip.h), with its way of keeping the checksum right; ip6_forward has no checksum. */
function forwarded(bytes: Uint8Array, family: Family): Uint8Array {
  const seen = Uint8Array.from(bytes);
  if (family === 'v6') {
    seen[7]--;
    return seen;
  }
  seen[8]--;
  // The kernel adds htons(0x0100) to the checksum as it lies in memory, and one where the sum reaches 0xffff.
  const swap = (value: number): number => ((value & 0xff) << 8) | (value >> 8);
  const sum = swap(u16(bytes, 10)) + 1;
  putU16(seen, 10, swap((sum + (sum >= 0xffff ? 1 : 0)) & 0xffff));
  return seen;
}

/** skb_header_pointer: `length` bytes at `offset`, undefined where the packet does not have them. */
export function headerPointer({ bytes }: PayloadPacket, offset: number, length: number): Uint8Array | undefined {
  return offset + length > bytes.length ? undefined : bytes.subarray(offset, offset + length);
}

export { u16, u32 };
