import { type BuiltinChain, type Family, isLeaving } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Link } from '../packet/link.js';
import type { HopByHopLimits } from './hop-by-hop.js';

/** Why a packet does not come to a chain. */
export type ReachCode =
  /** Link: too short for its header; not the family's EtherType; tagged with a VLAN id; sent to somebody else. */
  | 'not-ethernet'
  | 'other-protocol'
  | 'other-vlan'
  | 'other-host'
  /** ip_rcv_core and ip6_rcv_core. */
  | 'short-header'
  | 'bad-version'
  | 'bad-header-length'
  | 'bad-checksum'
  | 'truncated'
  | 'bad-total-length'
  | 'bad-hop-by-hop'
  | 'multicast-source'
  | 'reserved-scope'
  | 'loopback-address'
  /** Routes: a source or destination that is never routed; none known; the packet goes to the other chain. */
  | 'martian-source'
  | 'martian-destination'
  | 'no-route'
  | 'other-chain'
  /** ip_rcv_options. */
  | 'bad-options'
  | 'source-route'
  | 'security-label'
  /** ip_forward and ip6_forward. */
  | 'link-group'
  | 'ttl-exceeded'
  | 'unforwardable-source'
  | 'too-big';

export type Reach =
  /** `fragment`: at INPUT, IPv4 is judged after reassembly, not piece by piece. */
  | { readonly kind: 'reaches'; readonly fragment: boolean }
  /** The stack drops it, or takes it elsewhere. */
  | { readonly kind: 'never'; readonly code: ReachCode; readonly why: string }
  /** Facts of the host that are not given here decide. */
  | { readonly kind: 'depends'; readonly code: ReachCode; readonly why: string };

export interface ReachSettings {
  readonly family: Family;
  readonly hook: BuiltinChain;
  /**
   * What the routes say of the destination: `local` (an address, broadcast address or joined group of this host),
   * `forward`, or `none` (no route, or a source that the routes refuse: reverse path filter, an own address).
   */
  readonly route: 'local' | 'forward' | 'none';
  /** MAC address of the input device; unicast frames to any address are taken if left out. */
  readonly deviceMac?: bigint;
  /** net.ipv4.conf.*.route_localnet; false if left out. */
  readonly routeLocalnet?: boolean;
  /** net.ipv4.conf.*.accept_source_route; false if left out. */
  readonly acceptSourceRoute?: boolean;
  /** net.*.conf.*.drop_unicast_in_l2_multicast; false if left out. */
  readonly dropUnicastInGroupFrames?: boolean;
  readonly hopByHop?: HopByHopLimits;
  /** MTU of the route; packets of any size are forwarded if left out. */
  readonly mtu?: number;
}

/** What the checks read of a frame: its link header, the bytes behind it, and the settings. */
export interface Arrival {
  readonly link: Link;
  /** From the IP header to the end of the frame. */
  readonly bytes: Uint8Array;
  readonly packet: Packet;
  /** The device is the loopback one. */
  readonly loopback: boolean;
  readonly settings: ReachSettings;
}

export function never(code: ReachCode, why: string): Reach {
  return { kind: 'never', code, why };
}

export function depends(code: ReachCode, why: string): Reach {
  return { kind: 'depends', code, why };
}

export type FrameKind = 'unicast' | 'multicast' | 'broadcast';

const BROADCAST = 0xffffffffffffn;

export function frameKind(link: Link): FrameKind {
  if (link.destination === BROADCAST) return 'broadcast';
  return (link.destination & (1n << 40n)) === 0n ? 'unicast' : 'multicast';
}

export function isIngress(hook: BuiltinChain): boolean {
  return !isLeaving(hook);
}
