import type { Family } from '../../grammar/model/family.js';

const ICMP = 1;
const TCP = 6;
const ICMPV6 = 58;
const DESTINATION_UNREACHABLE = 3;
const DESTINATION_UNREACHABLE_6 = 1;

const RST = 0x04;

/** Whether an IP packet that the kernel sends on its own can be the answer of a REJECT. */
export function isRejectReply(family: Family, packet: Uint8Array): boolean {
  if (family === 'v6') {
    if (packet.length < 48) return false;
    if (packet[6] === ICMPV6) return packet[40] === DESTINATION_UNREACHABLE_6;
    return packet[6] === TCP && packet.length >= 60 && (packet[53] & RST) !== 0;
  }
  if (packet.length < 28) return false;
  const header = (packet[0] & 15) * 4;
  if (packet[9] === ICMP) return packet[header] === DESTINATION_UNREACHABLE;
  return packet[9] === TCP && packet.length >= header + 20 && (packet[header + 13] & RST) !== 0;
}

function addWords(sum: number, bytes: Uint8Array): number {
  let total = sum;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  return total;
}

/**
 * The packet as it leaves the device. Where it was caught, the checksum of an IPv4 TCP segment is only begun
 * (CHECKSUM_PARTIAL, net/ipv4/netfilter/nf_reject_ipv4.c); the device or skb_checksum_help would finish it (RFC 9293).
 */
export function finishChecksum(family: Family, packet: Uint8Array): Uint8Array {
  const bytes = packet.slice();
  if (family === 'v6' || bytes[9] !== TCP) return bytes;
  const header = (bytes[0] & 15) * 4;
  bytes[header + 16] = 0;
  bytes[header + 17] = 0;
  let sum = addWords(addWords(TCP + bytes.length - header, bytes.subarray(12, 20)), bytes.subarray(header));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes[header + 16] = (~sum >> 8) & 0xff;
  bytes[header + 17] = ~sum & 0xff;
  return bytes;
}
