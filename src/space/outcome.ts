import { constant } from './diagram.js';

/**
 * What a condition comes to, as constants of diagrams: those of the reference (src/evaluate/outcome.ts), so that a
 * condition that never drops is a diagram of 0 and 1.
 */
export const OUTCOME = {
  no: 0,
  yes: 1,
  /** The packet is dropped at once. */
  hotdrop: 2,
  /** It holds, and the packet is dropped behind the rule. */
  dropping: 3,
} as const;

export const NO = constant(OUTCOME.no);
export const YES = constant(OUTCOME.yes);
export const HOTDROP = constant(OUTCOME.hotdrop);
export const DROPPING = constant(OUTCOME.dropping);
