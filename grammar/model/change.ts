/** What a target does to a packet and then goes on. */
export type PacketChange =
  /** `tos = (tos & ~clear) ^ flip`, of the TOS byte or traffic class (net/netfilter/xt_DSCP.c, ipt_ECN.c). */
  | { readonly kind: 'tos'; readonly clear: number; readonly flip: number }
  /** TTL or hop limit, kept between 0 and 255 (net/netfilter/xt_HL.c). */
  | { readonly kind: 'hops'; readonly how: 'set' | 'add'; readonly value: number };

/** The byte behind a change. */
export function changedByte(change: PacketChange, before: number): number {
  if (change.kind === 'tos') return (before & ~change.clear) ^ change.flip;
  if (change.how === 'set') return change.value;
  return Math.min(255, Math.max(0, before + change.value));
}
