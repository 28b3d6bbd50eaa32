import type { RangeTest, ValueTest } from '../../../grammar/model/payload.js';

/**
 * What a match comes to. `dropping`: it holds, and has set hotdrop: the rule goes on, and the packet is dropped behind
 * it.
 */
export type PayloadAnswer = 'no' | 'yes' | 'hotdrop' | 'dropping';

export function fromBoolean(holds: boolean): PayloadAnswer {
  return holds ? 'yes' : 'no';
}

export function inRange({ lo, hi, inverted }: RangeTest, value: number): boolean {
  return (value >= lo && value <= hi) !== inverted;
}

/** A test that was not given holds. */
export function isValue(test: ValueTest | undefined, value: number): boolean {
  return test === undefined || (test.value === value) !== test.inverted;
}
