import type { AddressType, CtState } from './condition.js';
import type { Family } from './family.js';

/** A packet at the door of a chain, with what the kernel knows beside its bytes. */
export interface Packet {
  /** Ethernet frame without FCS: 14 bytes of header (plus VLAN tags, if any), then IP. */
  readonly frame: Uint8Array;
  /** Name of the input interface; '' where there is none (OUTPUT). */
  readonly inInterface: string;
  /** Name of the output interface; '' where there is none (INPUT, PREROUTING). */
  readonly outInterface: string;
  /** skb->mark on entry, 32 bits unsigned. */
  readonly mark: number;
}

/** What a hook knows beside the packet. Left out means not known: tests on it are then undecided. */
export interface Surroundings {
  /** Declared connection state, plus SNAT / DNAT where those bits are set. */
  readonly ctstate?: readonly CtState[];
  /** Owner of the packet's socket: of its file, if it has one; `none` where the packet has no socket. */
  readonly owner?: 'none' | { readonly file?: { readonly user: number; readonly group: number } };
  /** Seconds since 1970, and minutes that the kernel's time zone is west of UTC (0 if left out). */
  readonly time?: { readonly seconds: number; readonly minutesWest?: number };
  readonly cpu?: number;
  /** Group of a network device (`ip link set … group`), by the device's name. */
  deviceGroup?(interfaceName: string): number;
  /** Type of an address as `inet_addr_type` finds it, given as its number in network order. */
  addressType?(family: Family, address: bigint, interfaceName: string | undefined): AddressType;
}
