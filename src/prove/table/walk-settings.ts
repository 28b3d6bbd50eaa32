import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Ref } from '../bdd.js';
import type { Code } from '../object-code.js';
import type { ObjectWorld } from '../object-world.js';
import type { Memory } from '../state.js';
import type { Region, Value } from '../value.js';
import type { Words } from '../words.js';
import type { HitTaker } from './keeping.js';

export interface WalkSettings {
  readonly code: Code;
  readonly words: Words;
  readonly world: ObjectWorld;
  readonly flow: Region;
  readonly context: Region;
  /** The flow as the entry leaves it. */
  readonly memory: Memory;
  /** Bytes of the flow that rules read. */
  readonly isRead: (offset: number, size: number) => boolean;
  /** Part of a chain, if the function holds chains. */
  chainPart(placed: PlacedFunction, registers: readonly (Value | undefined)[]): bigint | undefined;
  /** Codes that chains may return. */
  readonly codes: readonly number[];
  /** Instructions at which a new place begins, beside those of loops. */
  readonly cuts: ReadonlySet<number>;
  readsTables(placed: PlacedFunction): boolean;
  /** Whether a function answers a test with memory. */
  remembers(placed: PlacedFunction): boolean;
  /** Walks a function that looks into a diagram, for whatever hit it is given. */
  readonly finds?: true;
  /** Whether a function that looks into a diagram and keeps a place is walked by itself, too, if it is called from one place alone. */
  readonly alone: boolean;
  /** Walks a function that takes hits of several lists, from places at these offsets. */
  taker(settings: WalkSettings, placed: PlacedFunction, slots: readonly number[]): HitTaker;
  /** Whether diagrams are asked which ways are open, and not ranges of single numbers alone. */
  readonly thorough: boolean;
}

/** What happens on a way, and when. */
export interface Event {
  readonly name: string;
  readonly when: Ref;
}
