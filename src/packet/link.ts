import { u16, unsigned } from './bytes.js';
import { isVlanTag } from './numbers.js';

/** Bytes of an Ethernet header, and of a VLAN tag. */
export const ETHERNET_HEADER = 14;
export const VLAN_TAG = 4;

export interface Link {
  readonly destination: bigint;
  readonly source: bigint;
  /** VLAN ids of the tags, outermost first. */
  readonly vlans: readonly number[];
  /** EtherType behind the tags. */
  readonly etherType: number;
  /** Offset of the network header. */
  readonly network: number;
}

/**
 * Ethernet header and VLAN tags (eth_type_trans; skb_vlan_untag of net/core/skbuff.c, which wants two bytes behind each
 * tag). Undefined where the frame ends within them.
 */
export function readLink(frame: Uint8Array): Link | undefined {
  if (frame.length < ETHERNET_HEADER) return undefined;
  const vlans: number[] = [];
  let network = ETHERNET_HEADER;
  let etherType = u16(frame, 12);
  while (isVlanTag(etherType)) {
    if (frame.length < network + VLAN_TAG + 2) return undefined;
    vlans.push(u16(frame, network) & 0x0fff);
    etherType = u16(frame, network + 2);
    network += VLAN_TAG;
  }
  return { destination: unsigned(frame, 0, 6), source: unsigned(frame, 6, 6), vlans, etherType, network };
}
