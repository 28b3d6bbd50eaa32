/** A checksum where a 16-bit word has become another one (RFC 1624, equation 3). */
export function changedSum(sum: number, before: number, after: number): number {
  let next = (~sum & 0xffff) + (~before & 0xffff) + after;
  while (next > 0xffff) next = (next & 0xffff) + (next >>> 16);
  return ~next & 0xffff;
}
