/**
 * Nanoseconds. `bench/fit-cost.ts` fits them to measurements and writes this file; these here are of eight times in docs/classification.md, with
 * `instruction` held fixed. Only their ratios matter for the choice of an engine.
 */
export const COST = {
  instruction: 0.0397,
  halving: 2.5,
  look: 32.4,
  branch: 0,
  step: 0,
  entry: 0,
  miss: 7.39,
} as const;
