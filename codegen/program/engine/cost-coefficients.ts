/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.025,
  halving: 1.35,
  look: 9.91,
  branch: 0.366,
  step: 0,
  entry: 0,
  miss: 3.49,
} as const;
