import { concat, networkBytes, u16 } from './bytes.js';

/** One's complement sum of 16-bit words in network order, folded to 16 bits; an odd last byte counts as the high half (RFC 1071). */
export function onesComplementSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += u16(bytes, i);
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1] << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/** The Internet checksum: what makes the sum of the bytes all ones (RFC 1071). */
export function internetChecksum(bytes: Uint8Array): number {
  return ~onesComplementSum(bytes) & 0xffff;
}

/** Whether the bytes, their checksum field among them, sum up to all ones. */
export function checksumHolds(bytes: Uint8Array): boolean {
  return onesComplementSum(bytes) === 0xffff;
}

/** Addresses as numbers in network order, 4 or 16 bytes wide. */
export interface AddressPair {
  readonly bytes: 4 | 16;
  readonly source: bigint;
  readonly destination: bigint;
}

/**
 * Checksum of a transport header and its payload with the pseudo header of RFC 9293 section 3.1 (IPv4) or RFC 8200
 * section 8.1 (IPv6); the checksum field in `segment` must be 0.
 */
export function transportChecksum(addresses: AddressPair, protocol: number, segment: Uint8Array): number {
  const { bytes, source, destination } = addresses;
  const width = bytes === 4 ? 2 : 4;
  const pseudo = concat(
    networkBytes(source, bytes),
    networkBytes(destination, bytes),
    bytes === 4 ? Uint8Array.of(0, protocol) : new Uint8Array(0),
    networkBytes(BigInt(segment.length), width),
    bytes === 16 ? Uint8Array.of(0, 0, 0, protocol) : new Uint8Array(0),
  );
  return internetChecksum(concat(pseudo, segment));
}
