/** Sums of 16-bit words as the kernel keeps them: little endian, 32 bits wide, not yet folded (include/net/checksum.h). */

export function addSums(a: number, b: number): number {
  const sum = (a >>> 0) + (b >>> 0);
  return (sum > 0xffff_ffff ? sum - 0xffff_ffff : sum) >>> 0;
}

/** Sum of bytes whose first stands at an even place; an odd last byte is filled up with 0 (csum_partial). */
export function sumBytes(bytes: Uint8Array, seed: number): number {
  let sum = seed >>> 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] | ((bytes[i + 1] ?? 0) << 8);
  while (sum > 0xffff_ffff) sum = (sum % 0x1_0000_0000) + Math.floor(sum / 0x1_0000_0000);
  return sum;
}

/** 16 bits of the same value, not inverted (csum_from32to16). */
export function foldTo16(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** What stands in a header's checksum field (csum_fold). */
export function foldInverted(sum: number): number {
  return ~foldTo16(sum) & 0xffff;
}
