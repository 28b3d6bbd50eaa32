/** Reads the bytes of a packet as far as they were captured. */
export class PacketReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    /** Bytes of the whole packet. */
    readonly length: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether so many bytes are there at a place (skb_header_pointer). */
  has(at: number, count: number): boolean {
    return at + count <= Math.min(this.length, this.bytes.length);
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at);
  }

  u32(at: number): number {
    return this.view.getUint32(at);
  }

  /** Capital hexadecimal digits. */
  hex(at: number, count: number): string {
    return [...this.bytes.subarray(at, at + count)].map((byte) => hexByte(byte).toUpperCase()).join('');
  }

  ipv4(at: number): string {
    return [...this.bytes.subarray(at, at + 4)].join('.');
  }

  /** All eight groups with all their digits, as the kernel's `%pI6` has them. */
  ipv6(at: number): string {
    return Array.from({ length: 8 }, (_, i) =>
      this.u16(at + 2 * i)
        .toString(16)
        .padStart(4, '0'),
    ).join(':');
  }
}

export const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');
