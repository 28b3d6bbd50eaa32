import { fieldBits, FIELDS, type Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';

/**
 * `struct flow`: what the entry function has read of the packet, on its stack; chain functions get a pointer to it.
 * Because a chain function knows of it only its size, the verifier keeps nothing of what a test has learnt about a
 * field, and the states behind a test merge (processed instructions = emitted instructions).
 *
 * Fields wider than 64 bits are words of 64 bits, most significant first; all words are numbers in host order.
 */
export interface FlowLayout {
  /** Size in bytes, a multiple of 8. */
  readonly bytes: number;
  readonly offsets: ReadonlyMap<Field, number>;
  /** Offsets of what a hook knows beside the packet. */
  readonly facts: ReadonlyMap<Fact, number>;
  /** Offset of {@link MAX_OPTION_BYTES} bytes for the TCP options, where some rule tests them. */
  readonly optionBytes?: number;
  /** Offsets of what is kept of chains that are judged once for all jumps to them, where there are such. */
  readonly visits?: VisitOffsets;
}

/** How much of chains that are judged once is kept at one time (`visits/plan.ts`). */
export interface VisitRoom {
  readonly slots: number;
  readonly deciders: number;
}

export interface VisitOffsets {
  /** u64: how often each rule counts that matches now; 0 while it is found out which chains decide. */
  readonly times: number;
  /** One bit for each chain that may decide: whether it does. */
  readonly deciding: number;
  /** A u64 for each number of visits. */
  readonly counts: number;
}

/**
 * What a hook knows of a packet beside its bytes, and the bytes it takes, a multiple of 4. `asked`: what iptables has
 * answered. `places`: which of the tests that it is asked where they stand have an answer, and which one is to get it
 * next (netfilter/places.ts). `in-group`, `out-group`: groups of the packet's devices. `targets`: bits of those that have matched and are left to iptables. `traced`: whether
 * rules write events of it.
 */
export type Fact = 'owner' | 'route-type' | 'targets' | 'asked' | 'places' | 'traced' | 'in-group' | 'out-group';
const FACT_BYTES: Readonly<Record<Fact, number>> = {
  owner: 12,
  'route-type': 4,
  targets: 4,
  asked: 4,
  places: 12,
  traced: 4,
  'in-group': 4,
  'out-group': 4,
};

/** A TCP header has at most 60 bytes. */
export const MAX_OPTION_BYTES = 40;

/** u32: length counted by the rules' counters (skb->len at the hook). */
export const FLOW_LENGTH = 0;
/** u32: rule of an event, or that is counted, set just before; in early mode the rule that drops. */
export const FLOW_RULE = 4;
/** No rule: a hotdrop, which counts nothing. */
export const NO_RULE = -1;
/** u32: offset of the transport header from the IP header. */
export const FLOW_THOFF = 8;
/** u32: offset of the IP header from the start of the frame. */
export const FLOW_L3 = 12;
/** u32: not 0 in a piece of an IPv6 datagram. */
export const FLOW_FRAGMENT = 16;
/** u32: bits of the connection's state, where the hook knows it. */
export const FLOW_STATE = 20;
const FLOW_HEADER = 24;

/** Bytes that a field takes in the flow: 1, 2, 4, or a multiple of 8. */
export function storedBytes(field: Field, family: Family): number {
  const bits = fieldBits(field, family);
  if (bits <= 8) return 1;
  if (bits <= 16) return 2;
  if (bits <= 32) return 4;
  return Math.ceil(bits / 64) * 8;
}

/** The verifier takes what is stored at a multiple of this for a register that was put away (kernel/bpf/verifier.c check_stack_write_fixed_off). */
const SPILL_BYTES = 8;

/**
 * No field that is smaller lies at a multiple of 8 bytes: there the verifier would remember what tests have learnt of it, and where the
 * code of a chain stands in the entry it would follow the chain once for each of the ways that a branch has parted.
 */
export function layoutFlow(
  used: ReadonlySet<Field>,
  family: Family,
  known: ReadonlySet<Fact> = new Set(),
  visits?: VisitRoom,
): FlowLayout {
  const fields = (Object.keys(FIELDS) as Field[])
    .filter((field) => used.has(field))
    .sort((a, b) => storedBytes(b, family) - storedBytes(a, family));
  const offsets = new Map<Field, number>();
  const room = new Room(FLOW_HEADER);
  for (const field of fields) offsets.set(field, room.take(storedBytes(field, family)));
  let at = room.end;
  const facts = new Map<Fact, number>();
  at = (at + 3) & ~3;
  for (const fact of known) {
    facts.set(fact, at);
    at += FACT_BYTES[fact];
  }
  const end = (at + 7) & ~7;
  const layout = used.has('tcp.options')
    ? { bytes: end + MAX_OPTION_BYTES, offsets, facts, optionBytes: end }
    : { bytes: end, offsets, facts };
  return visits === undefined ? layout : withVisits(layout, visits);
}

function withVisits(layout: FlowLayout, { slots, deciders }: VisitRoom): FlowLayout {
  const times = layout.bytes;
  const deciding = times + 8;
  const counts = deciding + 8 * Math.ceil(deciders / 64);
  return { ...layout, bytes: counts + 8 * slots, visits: { times, deciding, counts } };
}

/** Bytes from an offset on, of which some are taken. */
class Room {
  private readonly taken = new Set<number>();

  constructor(private readonly from: number) {}

  /** Behind the last byte that is taken. */
  get end(): number {
    return Math.max(this.from, ...[...this.taken].map((byte) => byte + 1));
  }

  /** The first place for a number of 1, 2 or 4 bytes, or of several words of 8. */
  take(bytes: number): number {
    const step = Math.min(bytes, SPILL_BYTES);
    let at = this.from;
    while ((step < SPILL_BYTES && at % SPILL_BYTES === 0) || !this.isFree(at, bytes)) at += step;
    for (let byte = at; byte < at + bytes; byte++) this.taken.add(byte);
    return at;
  }

  private isFree(at: number, bytes: number): boolean {
    for (let byte = at; byte < at + bytes; byte++) if (this.taken.has(byte)) return false;
    return true;
  }
}
