import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import type { Ref } from './bdd.js';
import type { Recogniser } from './compare.js';
import type { State } from './state.js';
import type { Pointer, Region, Value } from './value.js';

/** What stands outside of the program: the packet, the kernel, and functions that are not followed. */
export interface World {
  /** Reads memory that the program does not own. `state` may be noted a fault. */
  load(from: Pointer, size: number, state: State): Value;
  /** Writes memory that is neither stack nor flow. */
  store(to: Pointer, size: number, value: Value, state: State): void;
  /** r0 of a helper. */
  helper(number: number, state: State): Value;
  kfunc(name: string, state: State): Value;
  /** r0 of a function of the object that is not to be followed; undefined: follow it. */
  call(target: PlacedFunction, state: State): Value | undefined;
  readonly recognise?: Recogniser;
  /** A decision by something unknown: a variable for either way, or undefined where that is not allowed. */
  undecided?(why: string): Ref | undefined;
  /** An atomic operation on memory that the program does not own; `operation` is the instruction's immediate. */
  atomic?(to: Pointer, size: number, operation: number, state: State): void;
  /** A stretch of code from `at` on that is not followed: where it ends, and when. */
  detour?(at: number, state: State): readonly Ending[] | undefined;
  /** The member of a kernel struct at an address that is a number. */
  member?(base: Value, struct: string, member: string): Value | undefined;
  /** Whether reads through NULL give zeros, as those of kernel structs do whose type the verifier knows. */
  readonly readsNull?: (region: Region) => boolean;
}

/** Where a stretch of code ends. */
export interface Ending {
  readonly at: number;
  readonly when: Ref;
  /** Registers that hold nothing any more, as bits. */
  readonly clobbers: number;
}
