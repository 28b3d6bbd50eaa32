/** Unsigned 16-bit number in network order. */
export function u16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1];
}

/** Unsigned 32-bit number in network order. */
export function u32(bytes: Uint8Array, offset: number): number {
  return ((u16(bytes, offset) << 16) | u16(bytes, offset + 2)) >>> 0;
}

/** Unsigned number of `length` bytes in network order. */
export function unsigned(bytes: Uint8Array, offset: number, length: number): bigint {
  let value = 0n;
  for (let i = offset; i < offset + length; i++) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

export function putU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = (value >>> 8) & 0xff;
  bytes[offset + 1] = value & 0xff;
}

export function putU32(bytes: Uint8Array, offset: number, value: number): void {
  putU16(bytes, offset, value >>> 16);
  putU16(bytes, offset + 2, value & 0xffff);
}

/** Writes `value` in network order into `length` bytes. */
export function putUnsigned(bytes: Uint8Array, offset: number, length: number, value: bigint): void {
  for (let i = 0; i < length; i++) bytes[offset + i] = Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn);
}

/** `value` in network order. */
export function networkBytes(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  putUnsigned(bytes, 0, length, value);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
