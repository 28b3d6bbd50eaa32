import type { CtState, Opaque } from '../../grammar/model/condition.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { Node } from './diagram.js';
import type { Measure } from './measures.js';
import type { Segment } from './segments.js';

/** States that a connection is in, one at a time; SNAT and DNAT are bits beside them. */
export const BASE_STATES = [
  'INVALID',
  'NEW',
  'RELATED',
  'ESTABLISHED',
  'UNTRACKED',
] as const satisfies readonly CtState[];

/** What a packet's socket is like: none, one that no file belongs to, one with a file. */
export const SOCKETS = ['none', 'no file', 'file'] as const;

/** What decides beside the fields of a packet. */
export type Input =
  /** Index into {@link BASE_STATES}. */
  | { readonly kind: 'state' }
  /** Whether the bit is set. */
  | { readonly kind: 'state-bit'; readonly state: 'SNAT' | 'DNAT' }
  /** Index into ADDRESS_TYPES: what the routes say, where the address alone says nothing. */
  | { readonly kind: 'address-type'; readonly which: 'src' | 'dst'; readonly limit: 'in' | 'out' | undefined }
  /** Index into {@link SOCKETS}. */
  | { readonly kind: 'socket' }
  /** Number of the owner of the socket's file. */
  | { readonly kind: 'owner'; readonly which: 'user' | 'group' }
  | { readonly kind: 'cpu' }
  /** Whether tcp_find_option meets an option of this kind. */
  | { readonly kind: 'tcp-option'; readonly option: number }
  /** The answer of a test: no, yes. */
  | { readonly kind: 'test'; readonly test: Opaque; readonly occurrence?: string }
  /** The outcome of a walk over the packet's bytes (src/space/outcomes.ts). */
  | { readonly kind: 'payload'; readonly test: PayloadTest };

export interface MarkChange {
  readonly clear: number;
  readonly flip: number;
}

/** A mark that has come about on some of the ways: the change from the packet's own, and for which packets. */
export interface MarkWay extends MarkChange {
  readonly where: Node;
}

/** Where a condition is tested. */
export interface TestPlace {
  /** Changes of the mark on the ways that lead there; none if left out. The packets of the ways are disjoint. */
  readonly marks?: readonly MarkWay[];
  /**
   * What tells tests with memory or chance apart that read alike: each rule has a bucket, a count, a dice of its own.
   * The rule's own name if it is to be like no other.
   */
  readonly occurrence: string;
}

/** What a variable of a space stands for. */
export type Meaning =
  | { readonly kind: 'measure'; readonly measure: Measure; readonly segment: Segment }
  | { readonly kind: 'input'; readonly input: Input };
