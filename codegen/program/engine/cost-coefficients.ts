/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.018,
  halving: 1.34,
  look: 10.7,
  branch: 0.987,
  step: 0,
  entry: 0,
  miss: 1.6,
} as const;
