/** Values of one dimension from `lo` to `hi`, unsigned 32-bit numbers; never all values of the dimension. */
export interface Range {
  /** Place in the list of dimensions. */
  readonly dimension: number;
  readonly lo: number;
  readonly hi: number;
}

/** A number that every packet has. */
export interface Dimension {
  /** Highest value, at most 2^32 − 1. */
  readonly max: number;
  /** Dimensions with a number are asked first, in the order of it: those that many instances agree on. */
  readonly first?: number;
  /** Whether instances are divided by how they are here, narrow, wide or not tested: addresses, of IPv6 their upper 32 bits. */
  readonly partition?: boolean;
}

/** What one rule does with the packets of one box. */
export interface Instance {
  /** Order of evaluation, and the rule's name: below 2^31 − 1. Instances of one rule do the same or do not overlap. */
  readonly rule: number;
  /** What is done, 32 bits that mean nothing here. */
  readonly action: number;
  /** Whether nothing behind it is asked once it is met. */
  readonly final: boolean;
  /** In order of dimension, at most one for each; the others are not tested. */
  readonly box: readonly Range[];
}

/** More dimensions than bits do not fit a set of them. */
export const MAX_DIMENSIONS = 31;

export function isInside(box: readonly Range[], values: readonly number[]): boolean {
  return box.every(({ dimension, lo, hi }) => values[dimension] >= lo && values[dimension] <= hi);
}
