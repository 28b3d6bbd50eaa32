import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
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

/** A diagram has fewer places than this for each byte of its table; several that are walked one behind the other have more. */
const PLACES_PER_BYTE = 0.125;
/** … and where it is looked for the next entry of a list, from each entry on. */
const PLACES_PER_BYTE_FOUND = 2;
const SOME_PLACES = 4000;

/** After so many places a walk is given up. */
export function mostPlaces({ code, finds }: Pick<WalkSettings, 'code' | 'finds'>): number {
  const each = finds === undefined ? PLACES_PER_BYTE : PLACES_PER_BYTE_FOUND;
  return SOME_PLACES + each * (code.spec.data?.bytes.length ?? 0);
}
