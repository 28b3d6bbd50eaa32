import { TESTBED_MAC } from '../../../bpf-runtime/system/testbed.js';
import { parseAddress } from '../../../bpf-runtime/system/address-types.js';
import type { Packet } from '../../../grammar/model/packet.js';

function bytesOf(value: bigint, length: number): number[] {
  return Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn));
}

const word = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

function ethernet(type: number): number[] {
  return [...TESTBED_MAC.split(':').map((part) => parseInt(part, 16)), 2, 0, 0, 0, 0, 1, ...word(type)];
}

function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export interface Header4 {
  readonly from?: string;
  readonly to?: string;
  readonly protocol: number;
  /** Flags and fragment offset word. */
  readonly fragment?: number;
  readonly id?: number;
  readonly ttl?: number;
  readonly badChecksum?: boolean;
  /** Fill in the checksum of the TCP header that the payload begins with. */
  readonly validTcp?: boolean;
}

/** Ethernet frame of an IPv4 packet. */
export function frame4(header: Header4, given: readonly number[]): Uint8Array {
  const from = bytesOf(parseAddress(header.from ?? '198.51.100.7'), 4);
  const to = bytesOf(parseAddress(header.to ?? '192.0.2.1'), 4);
  const payload = [...given];
  if (header.validTcp === true) {
    payload.splice(16, 2, ...word(checksum([...from, ...to, 0, 6, ...word(payload.length), ...payload])));
  }
  const before = [0x45, 0, ...word(20 + payload.length), ...word(header.id ?? 7), ...word(header.fragment ?? 0)];
  const start = [...before, header.ttl ?? 64, header.protocol];
  const sum = checksum([...start, 0, 0, ...from, ...to]) ^ (header.badChecksum === true ? 0x5555 : 0);
  return Uint8Array.from([...ethernet(0x0800), ...start, ...word(sum), ...from, ...to, ...payload]);
}

/** Ethernet frame of an IPv6 packet. */
export function frame6(from: string, to: string, next: number, payload: readonly number[]): Uint8Array {
  const header = [0x60, 0, 0, 0, ...word(payload.length), next, 64];
  const addresses = [...bytesOf(parseAddress(from), 16), ...bytesOf(parseAddress(to), 16)];
  return Uint8Array.from([...ethernet(0x86dd), ...header, ...addresses, ...payload]);
}

export const SYN = 0x02;

/** TCP header without options and with a checksum of 0, which nobody before the socket looks at. */
export function tcp(sport: number, dport: number, flags = SYN): number[] {
  return [...word(sport), ...word(dport), 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0];
}

export function udp(sport: number, dport: number, data: readonly number[] = []): number[] {
  return [...word(sport), ...word(dport), ...word(8 + data.length), 0, 0, ...data];
}

export function echo(type = 8): number[] {
  const bytes = [type, 0, 0, 0, 0, 1, 0, 1];
  const sum = checksum(bytes);
  return [type, 0, ...word(sum), 0, 1, 0, 1];
}

export function packet(frame: Uint8Array, inInterface = 'eth0', outInterface = '', mark = 0): Packet {
  return { frame, inInterface, outInterface, mark };
}
