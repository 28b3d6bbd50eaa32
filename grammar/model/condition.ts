import type { DeviceGroupTest } from './device-group.js';
import type { Field } from './fields.js';
import { single, type IntervalSet } from './interval.js';
import type { SetTest } from './ip-set.js';
import type { HashlimitTest, RecentTest } from './memory.js';
import type { PayloadTest } from './payload.js';
import type { TimeTest } from './time.js';

/** Connection states of `-m conntrack --ctstate`; SNAT and DNAT are bits beside the state (nf_conntrack_common.h). */
export const CT_STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'] as const;
/** One of {@link CT_STATES}. */
export type CtState = (typeof CT_STATES)[number];

/** Address types of `-m addrtype` by their RTN_* number (include/uapi/linux/rtnetlink.h). */
export const ADDRESS_TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
] as const;
/** One of {@link ADDRESS_TYPES}. */
export type AddressType = (typeof ADDRESS_TYPES)[number];

/** A test that may be inverted, on ids from `lo` to `hi`. */
export interface IdTest {
  readonly lo: number;
  readonly hi: number;
  readonly inverted: boolean;
}

/** `-m owner`: every part that is there must hold (net/netfilter/xt_owner.c). */
export interface OwnerTest {
  readonly socket?: { readonly inverted: boolean };
  readonly user?: IdTest;
  readonly group?: IdTest;
}

/** A test whose answer is not in the packet: each hook says whether it can know it. */
export type Opaque =
  | { readonly name: 'ctstate'; readonly states: readonly CtState[] }
  /** Any other test on the connection entry (`--ctproto`, `--ctexpire`, …), by its words. */
  | { readonly name: 'conntrack'; readonly words: readonly string[] }
  | {
      readonly name: 'addrtype';
      readonly which: 'src' | 'dst';
      readonly types: readonly AddressType[];
      /** `--limit-iface-in` / `--limit-iface-out`. */
      readonly limitInterface?: 'in' | 'out';
    }
  /**
   * `-m limit`: one token bucket a rule, spent only where this test is reached. `average` is the interval in
   * units of 1/10000 s between tokens (XT_LIMIT_SCALE), `burst` the bucket's size (net/netfilter/xt_limit.c).
   */
  | { readonly name: 'limit'; readonly average: number; readonly burst: number }
  | { readonly name: 'recent'; readonly test: RecentTest }
  | { readonly name: 'hashlimit'; readonly test: HashlimitTest }
  /** `-m quota`: so many bytes of packets that come to the test, then none (net/netfilter/xt_quota.c). */
  | { readonly name: 'quota'; readonly bytes: bigint; readonly inverted: boolean }
  /** Packet number `packet` (from 0) of each `every` that come to the test (net/netfilter/xt_statistic.c). */
  | { readonly name: 'nth'; readonly every: number; readonly packet: number; readonly inverted: boolean }
  /** `-m connlimit`: a rule remembers the connections that come to it (net/netfilter/nf_conncount.c); its words. */
  | { readonly name: 'connlimit'; readonly words: readonly string[] }
  | ({ readonly name: 'owner' } & OwnerTest)
  | { readonly name: 'time'; readonly test: TimeTest }
  /** Number of the processor that handles the packet. */
  | { readonly name: 'cpu'; readonly cpu: number; readonly inverted: boolean }
  /** `-m devgroup`: the group of a network device. */
  | ({ readonly name: 'devgroup' } & DeviceGroupTest)
  /** Chance: `share` of 2^31 of the packets, or the others if inverted (net/netfilter/xt_statistic.c). */
  | { readonly name: 'random'; readonly share: number; readonly inverted: boolean }
  /**
   * `-m physdev`. A packet that no bridge has seen matches if every option is inverted (net/netfilter/xt_physdev.c).
   */
  | { readonly name: 'bridge-port'; readonly allInverted: boolean; readonly words: readonly string[] }
  /** Whether the packet is in an IP set. */
  | { readonly name: 'set'; readonly test: SetTest }
  /** The same of a set whose elements count packets, and are asked by some rule what they have counted. */
  | { readonly name: 'counted-set'; readonly test: SetTest }
  /** A match that is kept verbatim and not understood. */
  | { readonly name: 'module'; readonly module: string; readonly words: readonly string[] };

/** Tests with memory. */
export type MemoryTest = Extract<Opaque, { name: (typeof MEMORY_TESTS)[number] }>;

const MEMORY_TESTS = ['limit', 'recent', 'hashlimit', 'quota', 'nth', 'connlimit', 'counted-set'] as const;

/** Whether a test has memory: it must be asked where iptables asks it, and there alone. */
export function remembers(test: Opaque): test is MemoryTest {
  return MEMORY_TESTS.some((name) => name === test.name);
}

/**
 * The meaning of a match over packet fields; what every stage reads. `all` and `any` are evaluated left to right
 * and stop early, because `hotdrop` (the packet is dropped at once, the rule is not counted) depends on order.
 */
export type Condition =
  /** `(field & mask) ∈ set`; no mask means all bits. */
  | { readonly kind: 'in'; readonly field: Field; readonly mask?: bigint; readonly set: IntervalSet }
  /** Plain negation. Never put a `hotdrop` below it: inversion in the kernel does not undo a hotdrop. */
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  /** If `when` holds, the packet is dropped at once; otherwise true. */
  | { readonly kind: 'hotdrop'; readonly when: Condition }
  | { readonly kind: 'opaque'; readonly test: Opaque }
  /** A walk over the packet's bytes. Below `not` only where it never drops (`mayDrop`). */
  | { readonly kind: 'payload'; readonly test: PayloadTest };

export const TRUE: Condition = { kind: 'all', of: [] };
export const FALSE: Condition = { kind: 'any', of: [] };

/** Whether it holds for every packet as it stands: {@link TRUE}. */
export function isTrue(condition: Condition): boolean {
  return condition.kind === 'all' && condition.of.length === 0;
}

/** Whether it holds for no packet as it stands: {@link FALSE}. */
export function isFalse(condition: Condition): boolean {
  return condition.kind === 'any' && condition.of.length === 0;
}

export function all(...of: readonly Condition[]): Condition {
  return of.length === 1 ? of[0] : { kind: 'all', of };
}

export function any(...of: readonly Condition[]): Condition {
  return of.length === 1 ? of[0] : { kind: 'any', of };
}

export function not(of: Condition): Condition {
  return of.kind === 'not' ? of.of : { kind: 'not', of };
}

/** `of`, inverted if asked. */
export function invertIf(inverted: boolean, of: Condition): Condition {
  return inverted ? not(of) : of;
}

export function inSet(field: Field, set: IntervalSet, mask?: bigint): Condition {
  return mask === undefined ? { kind: 'in', field, set } : { kind: 'in', field, mask, set };
}

export function equals(field: Field, value: bigint | number, mask?: bigint): Condition {
  return inSet(field, single(value), mask);
}

export function atLeast(field: Field, value: number): Condition {
  return { kind: 'in', field, set: [{ lo: BigInt(value), hi: (1n << 64n) - 1n }] };
}

export function hotdrop(when: Condition): Condition {
  return { kind: 'hotdrop', when };
}

export function opaque(test: Opaque): Condition {
  return { kind: 'opaque', test };
}

export function payload(test: PayloadTest): Condition {
  return { kind: 'payload', test };
}

/** The condition with each opaque test put through `change`. */
export function mapOpaque(condition: Condition, change: (test: Opaque) => Opaque): Condition {
  switch (condition.kind) {
    case 'opaque':
      return opaque(change(condition.test));
    case 'not':
      return { kind: 'not', of: mapOpaque(condition.of, change) };
    case 'hotdrop':
      return { kind: 'hotdrop', when: mapOpaque(condition.when, change) };
    case 'all':
    case 'any':
      return { kind: condition.kind, of: condition.of.map((part) => mapOpaque(part, change)) };
    case 'in':
    case 'payload':
      return condition;
  }
}
