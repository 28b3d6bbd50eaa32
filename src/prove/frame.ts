import type { Variables } from './variables.js';
import { swapBytes, type Bits } from './words.js';

/**
 * How a frame lies in memory: what cannot be a symbol, because the program makes addresses of it. Every frame of the
 * domain is of one shape.
 */
export interface Shape {
  /** VLAN tags of 4 bytes behind the addresses. */
  readonly tags: number;
  /** Bytes of the IP header with its options; for IPv6 40. */
  readonly header: number;
}

const LINK = 14;

export const networkOffset = ({ tags }: Shape): number => LINK + 4 * tags;

export const FRAME_LENGTH = 'frame length';
export const TOTAL_LENGTH = 'total length';

/** The bytes of a frame as variables, the same one for the same place of a header whatever stands before it. */
export class Frame {
  constructor(
    private readonly variables: Variables,
    readonly shape: Shape,
    /** Where the 16 bits of {@link TOTAL_LENGTH} stand in the IP header. */
    private readonly lengthAt: number,
    /** What the first byte of the IP header is, where the shape says it. */
    private readonly first: Bits,
  ) {}

  /** One byte, counted from the start of the frame. */
  byte(offset: number): Bits {
    const network = networkOffset(this.shape);
    if (offset < network) return this.variables.word(`link ${offset}`, 8);
    const at = offset - network;
    if (at === 0) return this.first;
    if (at === this.lengthAt) return this.variables.word(TOTAL_LENGTH, 16).slice(8);
    if (at === this.lengthAt + 1) return this.variables.word(TOTAL_LENGTH, 16).slice(0, 8);
    const { header } = this.shape;
    return at < header ? this.variables.word(`ip ${at}`, 8) : this.variables.word(`transport ${at - header}`, 8);
  }

  /** Bytes as they lie in memory, the first one least significant. */
  little(offset: number, size: number): Bits {
    return Array.from({ length: size }, (_, i) =>
      [...this.byte(offset + i), 1, 1, 1, 1, 1, 1, 1, 1].slice(0, 8),
    ).flat();
  }

  /** A number in network order. */
  number(offset: number, size: number): Bits {
    return swapBytes(this.little(offset, size), size);
  }

  /** Byte of the IP header. */
  ip(offset: number, size = 1): Bits {
    return this.number(networkOffset(this.shape) + offset, size);
  }

  /** Bytes from the transport header on. */
  transport(offset: number, size = 1): Bits {
    return this.number(networkOffset(this.shape) + this.shape.header + offset, size);
  }
}
