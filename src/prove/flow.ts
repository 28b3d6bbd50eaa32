import type { Family } from '../../grammar/model/family.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';
import { FALSE, TRUE, type Ref } from './bdd.js';
import { trim, type Bits, type Words } from './words.js';

/**
 * Fields behind the transport header, and how many of its bytes must be there for the reference to read them
 * (src/evaluate/read-fields.ts); 0 where fewer are there.
 */
const TRANSPORT: Readonly<Partial<Record<Field, number>>> = {
  sport: 2,
  dport: 4,
  'tcp.flags': 14,
  'tcp.doff': 13,
  'tcp.whole': 0,
  'icmp.type': 1,
  'icmp.code': 2,
  'esp.spi': 4,
  'ah.spi': 8,
  'ipcomp.cpi': 4,
  'dccp.type': 9,
  'mh.next': 1,
  'mh.type': 3,
};

/** Bytes of the transport header that the reference needs for a field; undefined for fields of other headers. */
export function transportNeed(field: Known): number | undefined {
  return isFact(field) ? undefined : TRANSPORT[field];
}

/** Bytes that programs may want to be there before they read a field. */
export const WANTED_BYTES: readonly number[] = [0, 1, 2, 3, 4, 8, 9, 13, 14, 20];

/** What a hook knows of a packet beside its bytes, and its bits: inputs that program and rules share. */
export const FACTS = {
  /** XT_CONNTRACK_STATE_* (include/uapi/linux/netfilter/xt_conntrack.h). */
  'connection state': 9,
  /** RTN_* of the packet's route (include/uapi/linux/rtnetlink.h). */
  'route type': 4,
  /** Whether the packet has a socket (bit 0), and that a file (bit 1); the file's user and group. */
  socket: 2,
  'socket user': 32,
  'socket group': 32,
  /** What iptables has answered in front of the program, a bit for each question of the manifest. */
  answers: 32,
} as const satisfies Readonly<Record<string, number>>;
export type Fact = keyof typeof FACTS;

/** What rules may ask of a packet. */
export type Known = Field | Fact;

export function isFact(known: Known): known is Fact {
  return Object.hasOwn(FACTS, known);
}

/** Bits of a field or fact. */
export function knownBits(known: Known, family: Family): number {
  return isFact(known) ? FACTS[known] : fieldBits(known, family);
}

/** The bits of a connection's state without those of its mappings. */
export const UNMAPPED = 1;
const MAPPINGS = [6, 7];

/** What a slot holds of the bits of a field or fact. */
export function slotPart({ field, wanted }: Pick<Slot, 'field' | 'wanted'>, bits: Bits): Bits {
  if (field !== 'connection state' || wanted !== UNMAPPED) return bits;
  return bits.map((bit, i) => (MAPPINGS.includes(i) ? FALSE : bit));
}

/** Name of the mark that the rules have given a packet. */
export const MARK_AFTER = 'mark after';

/** Where a program keeps a field of the packet for its rules. */
export interface Slot {
  readonly field: Known | 'counted length' | 'constant';
  /** From the start of struct flow. */
  readonly offset: number;
  /** Bytes: 1, 2, 4, or words of 8, the most significant first. */
  readonly size: number;
  /**
   * A transport field is 0 in the flow unless so many bytes are there; rules must not tell the difference. Of a
   * connection's state: {@link UNMAPPED} where its mappings are left out.
   */
  readonly wanted: number;
  /** Of a byte that is the same for all packets that are judged. */
  readonly value?: bigint;
}

/** What the rules can read of a packet, and where it lies. */
export interface Layout {
  /** Bytes of struct flow. */
  readonly bytes: number;
  readonly slots: readonly Slot[];
  /** Fields that are the same for all packets that are judged. */
  readonly constants: ReadonlyMap<Known, bigint>;
}

/** Bytes that a field takes. */
export function sizeOf(field: Known, family: Family): number {
  if (isFact(field)) return 4;
  const bits = fieldBits(field, family);
  if (bits <= 8) return 1;
  if (bits <= 16) return 2;
  if (bits <= 32) return 4;
  return Math.ceil(bits / 64) * 8;
}

/** The pieces of at most 8 bytes in which a number lies in the flow: offsets from its slot, and the bits there. */
export function pieces(
  bits: Bits,
  size: number,
): readonly { readonly at: number; readonly size: number; readonly bits: Bits }[] {
  if (size <= 8) return [{ at: 0, size, bits }];
  const all = [...bits, ...new Array<Ref>(size * 8 - bits.length).fill(FALSE)];
  return Array.from({ length: size / 8 }, (_, index) => {
    const end = size * 8 - index * 64;
    return { at: index * 8, size: 8, bits: trim(all.slice(end - 64, end)) };
  });
}

/** The bits of a transport field where so many bytes are there, else 0. */
export function whereReadable(words: Words, bits: Bits, l4len: Bits, bytes: number): Bits {
  const readable = bytes === 0 ? TRUE : words.atLeast(l4len, BigInt(bytes));
  return words.where(readable, bits);
}
