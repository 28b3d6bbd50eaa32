import type { Variables } from './variables.js';
import { constantBits, swapBytes, type Bits } from './words.js';

/**
 * How a frame lies in memory: what cannot be a symbol, because the program makes addresses of it. Every frame of the
 * domain is of one shape.
 */
export interface Shape {
  /** VLAN tags of 4 bytes behind the addresses. */
  readonly tags: number;
  /** Bytes of the IP header with its options; for IPv6 with its extension headers. */
  readonly header: number;
  /** IPv6: the headers to be stepped over, in their order. */
  readonly extensions?: readonly Extension[];
}

/** A header that ipv6_find_hdr steps over: its number in the header before it, and its bytes. */
export interface Extension {
  readonly kind: number;
  readonly bytes: number;
}

export const [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION] = [0, 43, 44, 51, 60];

/** ipv6_ext_hdr (net/ipv6/exthdrs_core.c), without the header that says that nothing follows. */
export function isExtension(kind: number): boolean {
  return [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION].includes(kind);
}

const LINK = 14;

export const networkOffset = ({ tags }: Shape): number => LINK + 4 * tags;

export const FRAME_LENGTH = 'frame length';
export const TOTAL_LENGTH = 'total length';
const NEXT_HEADER = 'next header';

/** The bytes of a frame as variables, the same one for the same place of a header whatever stands before it. */
export class Frame {
  /** IPv6: bytes whose value the shape says, and those that name what follows, by their offset in the packet. */
  private readonly fixed = new Map<number, number>();

  constructor(
    private readonly variables: Variables,
    readonly shape: Shape,
    /** Where the 16 bits of {@link TOTAL_LENGTH} stand in the IP header, if they do. */
    private readonly lengthAt: number | undefined,
    /** What the first byte of the IP header is, where the shape says it. */
    private readonly first: Bits,
  ) {
    let at = 40;
    let naming = 6;
    for (const { kind, bytes } of shape.extensions ?? []) {
      this.fixed.set(naming, kind);
      naming = at;
      if (kind !== FRAGMENT) this.fixed.set(at + 1, kind === AUTHENTICATION ? bytes / 4 - 2 : bytes / 8 - 1);
      at += bytes;
    }
    this.naming = naming;
  }

  /** Offset of the byte that names the transport header. */
  private readonly naming: number;

  /** IPv6: what the last header says that follows. */
  get nextHeader(): Bits {
    return this.variables.word(NEXT_HEADER, 8);
  }

  /** One byte, counted from the start of the frame. */
  byte(offset: number): Bits {
    const network = networkOffset(this.shape);
    if (offset < network) return this.variables.word(`link ${offset}`, 8);
    const at = offset - network;
    if (at === 0) return this.first;
    if (at === this.lengthAt) return this.variables.word(TOTAL_LENGTH, 16).slice(8);
    if (this.lengthAt !== undefined && at === this.lengthAt + 1)
      return this.variables.word(TOTAL_LENGTH, 16).slice(0, 8);
    const { header, extensions } = this.shape;
    if (extensions !== undefined) {
      const fixed = this.fixed.get(at);
      if (fixed !== undefined) return constantBits(BigInt(fixed));
      if (at === this.naming) return this.nextHeader;
    }
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
