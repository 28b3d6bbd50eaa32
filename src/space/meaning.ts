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
  /** Whether a field has a value that is asked for, or a test holds, after a target has changed what it reads. */
  | { readonly kind: 'changed'; readonly what: string; readonly asked?: { readonly test: Opaque; readonly by: string } }
  /** What a target does that is not understood: 0 goes on, 1 accepts, 2 drops. */
  | { readonly kind: 'target'; readonly target: string; readonly words: readonly string[]; readonly occurrence: string }
  /** The outcome of a walk over the packet's bytes (src/space/outcomes.ts). */
  | { readonly kind: 'payload'; readonly test: PayloadTest; readonly rewritten?: string };

export interface MarkChange {
  readonly clear: number;
  readonly flip: number;
}

/**
 * What has happened to packets on some of the ways that lead to a test: the change of the mark from the packet's own,
 * and for which packets.
 */
export interface Way extends MarkChange {
  readonly where: Node;
  /** The mark was taken from elsewhere before the change; equal texts stand for equal marks. */
  readonly otherMark?: string;
  /** The packet was rewritten, but for its devices; equal texts stand for equal changes. */
  readonly rewritten?: string;
  /** The mark of its connection was set; equal texts stand for equal changes. */
  readonly connectionMark?: string;
  /** It was given another connection, or none; equal texts stand for equal changes. */
  readonly tracked?: string;
}

/** Where a condition is tested. */
export interface TestPlace {
  /** The ways that lead there, if not that of the unchanged packet alone. Their packets are disjoint. */
  readonly ways?: readonly Way[];
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
