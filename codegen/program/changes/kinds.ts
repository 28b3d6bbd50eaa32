/** What each kind of packet change touches: the one list that code, views and the surroundings of a chain go by. */
import { singleChanges, type PacketChange, type SingleChange } from '../../../grammar/model/change.js';
import type { Field } from '../../../grammar/model/fields.js';

interface ChangeKind {
  /** Fields that its code reads in the flow. */
  readonly reads: readonly Field[];
  /** Fields that may have another value behind it. */
  readonly writes: readonly Field[];
  /**
   * Those of {@link writes} by which a test may have another answer. Of a segment that gets one option more, that its header is whole
   * stays true, and nothing else is asked of the lengths of header and segment.
   */
  readonly retold: readonly Field[];
  /** It writes into the packet. */
  readonly bytes: boolean;
  /** It is written for the queueing discipline of the device (`skb->priority`). */
  readonly priority: boolean;
}

const IN_PLACE = { bytes: true, priority: false } as const;

const KINDS: Readonly<Record<SingleChange['kind'], ChangeKind>> = {
  tos: { reads: ['tos'], writes: ['tos'], retold: ['tos'], ...IN_PLACE },
  hops: { reads: ['ttl'], writes: ['ttl'], retold: ['ttl'], ...IN_PLACE },
  class: { reads: [], writes: [], retold: [], bytes: false, priority: true },
  'tcp-flags': { reads: [], writes: ['tcp.flags'], retold: ['tcp.flags'], ...IN_PLACE },
  'segment-size': {
    reads: ['fragoff', 'tcp.options'],
    writes: ['length', 'l4len', 'tcp.doff', 'tcp.options'],
    retold: ['length', 'tcp.options'],
    ...IN_PLACE,
  },
  'strip-options': {
    reads: ['fragoff', 'tcp.options'],
    writes: ['tcp.options'],
    retold: ['tcp.options'],
    ...IN_PLACE,
  },
};

/** All fields by which a test may have another answer behind some change. */
export const RETOLD: ReadonlySet<Field> = new Set(Object.values(KINDS).flatMap(({ retold }) => retold));

const kindsOf = (change: PacketChange): readonly ChangeKind[] => singleChanges(change).map(({ kind }) => KINDS[kind]);

/** Fields that a change reads in the flow. */
export function changeFields(change: PacketChange): readonly Field[] {
  return kindsOf(change).flatMap(({ reads }) => reads);
}

/** Fields that may be others behind a change. */
export function changedFields(change: PacketChange): readonly Field[] {
  return kindsOf(change).flatMap(({ writes }) => writes);
}

/** Fields by which a test may have another answer behind a change. */
export function retoldFields(change: PacketChange): readonly Field[] {
  return kindsOf(change).flatMap(({ retold }) => retold);
}

/** The same of TCPMSS, whatever the size is (`--clamp-mss-to-pmtu` is not read as a change). */
export const RETOLD_BY_SEGMENT_SIZE = KINDS['segment-size'].retold;

/** Whether a change writes into the packet. */
export function changesBytes(change: PacketChange): boolean {
  return kindsOf(change).some(({ bytes }) => bytes);
}

/** Whether a change is for the queueing discipline. */
export function changesPriority(change: PacketChange): boolean {
  return kindsOf(change).some(({ priority }) => priority);
}
