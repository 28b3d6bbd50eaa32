import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Entry, Step } from './step.js';
import type { WalkValue } from './walk-value.js';

/** A function that looks into one diagram, walked by itself. */
export interface Finder {
  readonly places: readonly Step[];
  /** Places in lists that are kept. */
  readonly entries: ReadonlyMap<bigint, Entry>;
  /** Walks a function that looks for the place of a list's next hit, and says at which place that begins. */
  advance(placed: PlacedFunction, registers: readonly (WalkValue | undefined)[]): number;
  /** Walks it with these arguments, and says at which place that begins. */
  begin(placed: PlacedFunction, registers: readonly (WalkValue | undefined)[]): number;
}
