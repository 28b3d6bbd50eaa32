/** What a target does to the IP header and then goes on. */
export type HeaderChange =
  /** `tos = (tos & ~clear) ^ flip`, of the TOS byte or traffic class (net/netfilter/xt_DSCP.c, ipt_ECN.c). */
  | { readonly kind: 'tos'; readonly clear: number; readonly flip: number }
  /** TTL or hop limit, kept between 0 and 255 (net/netfilter/xt_HL.c). */
  | { readonly kind: 'hops'; readonly how: 'set' | 'add'; readonly value: number };

/** What a target does to the TCP header and then goes on; it drops packets whose header is not whole. */
export type TcpChange =
  /** `flags = (flags & ~clear) | set`, of ECE and CWR (net/ipv4/netfilter/ipt_ECN.c set_ect_tcp). */
  | { readonly kind: 'tcp-flags'; readonly clear: number; readonly set: number }
  /** Lowers the maximum segment size, or adds the option (net/netfilter/xt_TCPMSS.c tcpmss_mangle_packet). */
  | { readonly kind: 'segment-size'; readonly size: number }
  /** Overwrites options of these kinds with padding (net/netfilter/xt_TCPOPTSTRIP.c). */
  | { readonly kind: 'strip-options'; readonly kinds: readonly number[] };

/** What a target does to a packet, or to what the kernel keeps of it, and then goes on. */
export type PacketChange =
  | HeaderChange
  | TcpChange
  /** skb->priority (net/netfilter/xt_CLASSIFY.c). */
  | { readonly kind: 'class'; readonly value: number }
  /** One after the other. */
  | { readonly kind: 'each'; readonly of: readonly PacketChange[] };

/** A change without parts. */
export type SingleChange = Exclude<PacketChange, { kind: 'each' }>;

/** The parts of a change, in order. */
export function singleChanges(change: PacketChange): readonly SingleChange[] {
  return change.kind === 'each' ? change.of.flatMap(singleChanges) : [change];
}

/** The byte of the IP header behind a change. */
export function changedByte(change: HeaderChange, before: number): number {
  if (change.kind === 'tos') return (before & ~change.clear) ^ change.flip;
  if (change.how === 'set') return change.value;
  return Math.min(255, Math.max(0, before + change.value));
}

/** The segment size that is announced where a SYN has none (RFC 9293, RFC 8200): a new option never says more. */
export const DEFAULT_SEGMENT_SIZE = { v4: 536, v6: 1220 } as const;
