import type { BuiltinChain } from '../../grammar/model/family.js';
import type { ConnectionState } from '../verify/connection-state.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import type { Assignment, Bdd, Ref } from './bdd.js';
import type { Known } from './flow.js';
import type { Shape } from './frame.js';
import type { ObjectWorld } from './object-world.js';
import type { State } from './state.js';
import type { Value } from './value.js';
import type { Variables } from './variables.js';
import type { Bits, Words } from './words.js';

/** What becomes of a packet at a hook: exactly one of the three for each. */
export interface Arrivals {
  /** Left to the stack, not counted. */
  readonly passed: Ref;
  /** Dropped by a policy of the object, not counted. */
  readonly dropped: Ref;
  /** Judged by the chain. */
  readonly judged: Ref;
}

/** The symbols of one proof. */
export interface Symbols {
  readonly bdd: Bdd;
  readonly words: Words;
  readonly variables: Variables;
}

/** What an entry function has written down of a packet for rules of iptables that come behind it. */
export interface Note {
  readonly code: Bits;
  /** Bits of the mark to be turned over. */
  readonly mark: Bits;
  readonly targets: Bits;
}

/** What the kernel gives an entry function, and is given by it. */
export type EntryWorld = ObjectWorld & {
  /** Marks that the program writes; the event of each is `mark` and its place. */
  readonly marks: readonly Bits[];
  /** Notes that it writes; the event of each is `note` and its place. */
  readonly notes: readonly Note[];
};

/** A function that is called, and what it gives; undefined: it is followed. */
export type Called = (placed: PlacedFunction, state: State) => Value | undefined;

/** Packets of one shape at a hook, as the reference sees them. */
export interface ShapedEntry {
  readonly arrivals: Arrivals;
  /** Those that there are. */
  readonly frames: Ref;
  /** `skb->len`: what a matched rule counts. */
  readonly counted: Bits;
  /** The value of a field; `wanted`: transport fields are 0 unless so many bytes of their header are there. */
  read(field: Known, wanted?: number): Bits;
  world(call: Called): EntryWorld;
}

/** A packet with these symbols, and the state of its connection where the hook knows it. */
export interface Example {
  readonly packet: Packet;
  readonly state?: ConnectionState;
}

/** A hook: which packets its programs get, and how. */
export interface EntryModel {
  readonly shapes: readonly Shape[];
  /** Shapes with little in common: what is the same in both is a constant of the program. */
  readonly samples: readonly [Shape, Shape];
  /** Whether verdicts that the program cannot carry out are noted for rules of iptables (netfilter). */
  readonly notes?: {
    /** When there is no room for a note, and the packet is dropped. */
    readonly full: Ref;
    /** The mark that came with the packet. */
    readonly mark: Bits;
  };
  at(shape: Shape): ShapedEntry;
  example(shape: Shape, values: Assignment, chain: BuiltinChain): Example;
}
