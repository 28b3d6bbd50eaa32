/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.0505,
  halving: 1.96,
  look: 20.5,
  branch: 0,
  step: 0,
  entry: 0.083,
  miss: 3.46,
} as const;
