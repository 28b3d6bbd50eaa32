/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.0199,
  halving: 1.56,
  look: 11.6,
  branch: 0.63,
  step: 0,
  entry: 0.761,
  miss: 1.46,
} as const;
