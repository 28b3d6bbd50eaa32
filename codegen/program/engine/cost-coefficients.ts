/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.0476,
  halving: 1.63,
  look: 21.4,
  branch: 0,
  step: 0,
  entry: 3.01,
  miss: 4.23,
} as const;
