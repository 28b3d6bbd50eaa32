import type { Field } from '../../grammar/model/fields.js';
import type { IntervalSet } from '../../grammar/model/interval.js';

/** A test that a packet is to pass: `(field & mask) ∈ set`. */
export interface Wish {
  readonly field: Field;
  readonly mask: bigint;
  readonly set: IntervalSet;
}
