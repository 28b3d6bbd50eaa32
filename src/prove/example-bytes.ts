import { internetChecksum } from '../packet/checksum.js';

/** Puts the right checksum into an IPv4 header, if all of it is there. */
export function setChecksum(bytes: Uint8Array, network: number, header: number): void {
  if (bytes.length < network + header) return;
  bytes.fill(0, network + 10, network + 12);
  const sum = internetChecksum(bytes.subarray(network, network + header));
  bytes[network + 10] = sum >> 8;
  bytes[network + 11] = sum & 0xff;
}
