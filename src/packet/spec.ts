import type { Packet } from '../../grammar/model/packet.js';

/**
 * A packet described by what is special about it. Lengths, checksums, next headers and the rest follow from the other
 * fields unless they are given, right or wrong: a field that is given is written as it is. Addresses are numbers in
 * network order.
 */
export interface PacketSpec {
  readonly link?: LinkSpec;
  readonly ip: Ipv4Spec | Ipv6Spec;
  readonly transport?: TransportSpec;
  /** Cuts header and payload behind the IP header to this many bytes, lengths in the IP header too. */
  readonly cut?: number;
  /** Bytes of padding behind the IP packet. */
  readonly padding?: number;
}

/** What a packet is beside its bytes. */
export type PacketPlace = Partial<Omit<Packet, 'frame'>>;

/** An Ethernet header. */
export interface LinkSpec {
  /** MAC addresses; 02:00:00:00:00:01 to 02:00:00:00:00:02 if left out. */
  readonly source?: bigint;
  readonly destination?: bigint;
  /** Tags, outermost first. */
  readonly vlans?: readonly VlanSpec[];
  readonly etherType?: number;
}

/** A VLAN tag. */
export interface VlanSpec {
  readonly id: number;
  /** EtherType of the tag, 0x8100 if left out. */
  readonly tag?: number;
  readonly priority?: number;
}

/** An IPv4 header. What is left out is reckoned so that the packet is sound. */
export interface Ipv4Spec {
  readonly family: 'v4';
  readonly source: bigint;
  readonly destination: bigint;
  readonly version?: number;
  /** In 32-bit words. */
  readonly headerLength?: number;
  readonly tos?: number;
  /** In bytes. */
  readonly totalLength?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In units of 8 bytes, 13 bits. */
  readonly fragmentOffset?: number;
  readonly ttl?: number;
  readonly protocol?: number;
  readonly checksum?: number;
  /** At most 40 bytes; filled up with end-of-options to a multiple of 4. */
  readonly options?: Uint8Array;
}

/** An IPv6 header with its extensions. What is left out is reckoned so that the packet is sound. */
export interface Ipv6Spec {
  readonly family: 'v6';
  readonly source: bigint;
  readonly destination: bigint;
  readonly version?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly payloadLength?: number;
  readonly hopLimit?: number;
  /** Next header of the fixed header. */
  readonly nextHeader?: number;
  readonly extensions?: readonly ExtensionSpec[];
}

interface ExtensionBase {
  /** The header that is said to follow. */
  readonly nextHeader?: number;
  /** The length field, in the header's own units. */
  readonly length?: number;
}

/** An IPv6 extension header. */
export type ExtensionSpec =
  /** Options are filled up with padding to a multiple of 8 bytes with the header. */
  | (ExtensionBase & { readonly kind: 'hop-by-hop' | 'destination'; readonly options?: Uint8Array })
  | (ExtensionBase & {
      readonly kind: 'routing';
      readonly type?: number;
      readonly segmentsLeft?: number;
      readonly data?: Uint8Array;
    })
  /** `offset` in bytes, a multiple of 8. */
  | (ExtensionBase & {
      readonly kind: 'fragment';
      readonly offset?: number;
      readonly more?: boolean;
      readonly id?: number;
      /** The two bits between offset and M flag. */
      readonly spare?: number;
    })
  /** `data` behind the fixed 12 bytes. */
  | (ExtensionBase & {
      readonly kind: 'authentication';
      readonly spi?: number;
      readonly reserved?: number;
      readonly data?: Uint8Array;
    });

/** What the IP packet carries. What is left out is reckoned so that the packet is sound. */
export type TransportSpec =
  | {
      readonly kind: 'tcp';
      readonly sport: number;
      readonly dport: number;
      /** Byte 13. */
      readonly flags?: number;
      readonly sequence?: number;
      readonly acknowledgment?: number;
      /** In 32-bit words. */
      readonly dataOffset?: number;
      readonly window?: number;
      readonly checksum?: number;
      readonly urgent?: number;
      /** At most 40 bytes; filled up with end-of-options to a multiple of 4. */
      readonly options?: Uint8Array;
      readonly payload?: Uint8Array;
    }
  | {
      readonly kind: 'udp' | 'udplite';
      readonly sport: number;
      readonly dport: number;
      readonly length?: number;
      readonly checksum?: number;
      readonly payload?: Uint8Array;
    }
  | {
      readonly kind: 'icmp' | 'icmp6';
      readonly type: number;
      readonly code?: number;
      readonly checksum?: number;
      /** Bytes 4–7. */
      readonly rest?: number;
      readonly payload?: Uint8Array;
    }
  /** Any other protocol, or the inside of a later fragment. */
  | { readonly kind: 'other'; readonly protocol: number; readonly payload?: Uint8Array };
