import type { SourceRange } from './diagnostic.js';
import type { Family } from './family.js';

/** Set types whose members are understood (net/netfilter/ipset). */
export const IP_SET_TYPES = [
  'hash:ip',
  'hash:net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'bitmap:ip',
  'bitmap:port',
  'bitmap:ip,mac',
  'list:set',
] as const;
export type IpSetType = (typeof IP_SET_TYPES)[number];

/** An element of a set. Which parts it has follows from the set's type; addresses are numbers in network order. */
export interface IpSetMember {
  /** The first address, without the bits that a netmask or the prefix cuts off. */
  readonly address?: bigint;
  /** Bits of the one network of the element; it is the last of its addresses. */
  readonly prefix?: number;
  /** Protocol number; absent in `bitmap:port`. */
  readonly protocol?: number;
  /** Port, or ICMP type and code (type in the upper byte); 0 for protocols that have neither. */
  readonly port?: number;
  /** The second address. */
  readonly second?: bigint;
  /** Ethernet address; absent in an element of `bitmap:ip,mac` that takes the one of the first packet. */
  readonly mac?: bigint;
  /** Name of a set in a list. */
  readonly set?: string;
  /** An exception: what it contains is not in the set. */
  readonly nomatch?: true;
  /** Seconds until it goes; 0 for never, absent where the text does not say. */
  readonly timeout?: number;
  /** Further words (`packets 3`, `comment "…"`, …) as they were given, in order. */
  readonly more?: readonly string[];
}

/** A set as `ipset save` prints it. */
export interface IpSet {
  readonly name: string;
  readonly type: IpSetType;
  /** Absent for sets that hold no addresses: any packet may be looked up. */
  readonly family?: Family;
  /** Bits of the first address that count (`netmask`, `bitmask`); absent for all. */
  readonly mask?: bigint;
  /** Addresses or ports that a bitmap has room for. */
  readonly range?: { readonly lo: bigint; readonly hi: bigint };
  /** Most elements. */
  readonly maxElements: number;
  /** Seconds that elements stay if nothing else is said; absent where elements stay for ever. */
  readonly timeout?: number;
  readonly counters: boolean;
  readonly skbinfo: boolean;
  /** Words behind the type, as they were given. */
  readonly options: readonly string[];
  /** In the order of the text; of a list in the order in which its sets are asked. */
  readonly members: readonly IpSetMember[];
  /** Of a list: its sets. */
  readonly sets: readonly (IpSet | OtherIpSet)[];
  /** A rule that changes the set while packets come: `table filter, chain INPUT, line 7`. */
  readonly changedBy?: string;
  /** A rule that compares what its elements have counted, in the same words. */
  readonly comparedBy?: string;
  /** Where it is created. */
  readonly place: SourceRange;
}

/** A set of a type that is not understood: its name and type are known alone. */
export interface OtherIpSet {
  readonly name: string;
  readonly type: 'other';
  readonly typeName: string;
  readonly place: SourceRange;
}

/** A counter of an element beside a value of 64 bits, once the element has counted the packet (ip_set_match_counter). */
export interface CounterTest {
  readonly counter: 'packets' | 'bytes';
  readonly is: 'eq' | 'ne' | 'lt' | 'gt';
  readonly value: bigint;
}

/** `-m set` (net/netfilter/xt_set.c `set_match_v4`), without its inversion. */
export interface SetTest {
  readonly name: string;
  /** Which address or port of the packet each dimension of the set is compared with. */
  readonly directions: readonly ('src' | 'dst')[];
  /** `--return-nomatch`: exceptions are hits, and other elements are none. */
  readonly returnNomatch: boolean;
  /** Options that compare the counters of the element, as words. */
  readonly counters: readonly string[];
  /** What they compare; all must hold. Nothing in a set that keeps no counters. */
  readonly compared?: readonly CounterTest[];
  /** The element does not count the packet (`! --update-counters`). */
  readonly quiet?: true;
  /** The set, where its members are known. */
  readonly set?: IpSet | OtherIpSet;
}
