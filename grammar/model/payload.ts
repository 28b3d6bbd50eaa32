/** A closed range of numbers, or everything else. */
export interface RangeTest {
  readonly lo: number;
  readonly hi: number;
  readonly inverted: boolean;
}

/** A number, or any other one. */
export interface ValueTest {
  readonly value: number;
  readonly inverted: boolean;
}

/** Flags that are asked of a chunk of some type: `(flags & mask) == set`. */
export interface ChunkFlags {
  readonly type: number;
  readonly mask: number;
  readonly set: number;
}

/** `where` the value is from: the packet, or the value before it as the new base (`@`). */
export interface U32Step {
  readonly op: 'and' | 'shl' | 'shr' | 'at';
  readonly number: number;
}

/** The 32-bit word at `start`, the steps done with it, and the ranges of which one must hold the result. */
export interface U32Location {
  readonly start: number;
  readonly steps: readonly U32Step[];
  readonly ranges: readonly { readonly lo: number; readonly hi: number }[];
}

/** struct sock_filter (include/uapi/linux/filter.h). */
export interface ClassicInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** A comparison of one field of a header with a number. */
export interface Comparison {
  readonly op: 'eq' | 'lt' | 'gt';
  readonly value: number;
  readonly inverted: boolean;
}

/** An address of a segment list, under a mask. */
export interface SegmentTest {
  readonly which: 'previous' | 'next' | 'last';
  readonly address: bigint;
  readonly mask: bigint;
  readonly inverted: boolean;
}

/**
 * A test that walks over the packet's bytes. Offsets count from the IP header; the packet ends where the stack has
 * trimmed it. The answer is no, yes, or that the packet is dropped at once; an inversion that the kernel does inside
 * the match is part of the test.
 */
export type PayloadTest =
  /** net/netfilter/xt_sctp.c `match_packet`. */
  | {
      readonly kind: 'sctp-chunks';
      readonly match: 'any' | 'all' | 'only';
      /** Chunk types, in ascending order. */
      readonly types: readonly number[];
      /** At most one for each type. */
      readonly flags: readonly ChunkFlags[];
      readonly inverted: boolean;
    }
  /** net/netfilter/xt_dccp.c `dccp_find_option`. */
  | { readonly kind: 'dccp-option'; readonly option: number; readonly inverted: boolean }
  /** net/netfilter/xt_tcpmss.c. */
  | { readonly kind: 'tcp-mss'; readonly size: RangeTest }
  /** Flags of a TCP header wherever the transport header is said to be (net/netfilter/xt_ecn.c `match_tcp`). */
  | { readonly kind: 'tcp-ecn'; readonly echo?: boolean; readonly reduced?: boolean }
  /** net/ipv6/netfilter/ip6t_ah.c. */
  | { readonly kind: 'ah'; readonly spi: RangeTest; readonly length?: ValueTest; readonly reserved: boolean }
  /** net/ipv6/netfilter/ip6t_frag.c. */
  | {
      readonly kind: 'frag';
      readonly id: RangeTest;
      readonly reserved: boolean;
      readonly first: boolean;
      readonly more: boolean;
      readonly last: boolean;
    }
  /** net/ipv6/netfilter/ip6t_rt.c. */
  | {
      readonly kind: 'rt';
      readonly segmentsLeft: RangeTest;
      readonly length?: ValueTest;
      readonly type?: ValueTest;
      readonly reserved: boolean;
      readonly addresses?: { readonly list: readonly bigint[]; readonly strict: boolean };
    }
  /** net/ipv6/netfilter/ip6t_hbh.c. */
  | {
      readonly kind: 'options';
      readonly header: 'hop-by-hop' | 'destination';
      readonly length?: ValueTest;
      /** Types and lengths (any if left out) of the first options, in this order. */
      readonly options?: readonly { readonly type: number; readonly length?: number }[];
    }
  /** net/ipv6/netfilter/ip6t_ipv6header.c; `headers` are protocol numbers, 255 an upper-layer protocol. */
  | {
      readonly kind: 'headers';
      readonly headers: readonly number[];
      readonly soft: boolean;
      readonly inverted: boolean;
    }
  /** net/ipv6/netfilter/ip6t_srh.c. */
  | {
      readonly kind: 'srh';
      readonly nextHeader: readonly Comparison[];
      readonly length: readonly Comparison[];
      readonly segmentsLeft: readonly Comparison[];
      readonly lastEntry: readonly Comparison[];
      /** As it lies in the header, read in the byte order of the machine. */
      readonly tag: readonly Comparison[];
      /** Segments by their place beside the active one, or in the list. */
      readonly segments: readonly SegmentTest[];
    }
  /** net/ipv6/netfilter/ip6t_eui64.c. */
  | { readonly kind: 'eui64' }
  /** net/netfilter/xt_u32.c `u32_match_it`. */
  | { readonly kind: 'u32'; readonly locations: readonly U32Location[] }
  /** net/netfilter/xt_string.c: the text lies within bytes `from` to `to` (exclusive) of the packet. */
  | {
      readonly kind: 'string';
      readonly algorithm: 'bm' | 'kmp';
      readonly text: Uint8Array;
      readonly from: number;
      readonly to: number;
      readonly ignoreCase: boolean;
    }
  /** net/netfilter/xt_bpf.c: the program returns something else than 0. */
  | { readonly kind: 'classic-bpf'; readonly program: readonly ClassicInstruction[] };

/** Whether the test may drop the packet at once. Only a test that does not may be negated from outside. */
export function mayDrop(test: PayloadTest): boolean {
  switch (test.kind) {
    case 'sctp-chunks':
    case 'dccp-option':
    case 'tcp-mss':
    case 'ah':
    case 'frag':
    case 'rt':
    case 'options':
    case 'headers':
    case 'srh':
      return true;
    case 'tcp-ecn':
    case 'eui64':
    case 'u32':
    case 'string':
    case 'classic-bpf':
      return false;
  }
}

/**
 * Whether the match can drop the packet and hold all the same: the kernel inverts what `hotdrop` was set beside, so the
 * rule goes on, is counted where its other matches hold, and its target runs before the packet is dropped.
 */
export function mayDropMatching(test: PayloadTest): boolean {
  return (test.kind === 'sctp-chunks' || test.kind === 'dccp-option') && test.inverted;
}

/** The same text for the same test: one function of a program answers all of them. */
export function payloadKey(test: PayloadTest): string {
  return JSON.stringify(test, (_, value: unknown) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value instanceof Uint8Array ? [...value] : value,
  );
}
