import type { FunctionSpec } from '../object/spec.js';

/** A function before it is assembled: its jumps name labels. */
export interface FunctionCode extends Pick<FunctionSpec, 'name' | 'params' | 'instructions'> {
  /** Most packets come to its calls, and it is no trouble to the verifier to follow it at each of them: there its code may stand. */
  readonly inline?: true;
}
