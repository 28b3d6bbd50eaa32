/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.0397,
  look: 0,
  branch: 0,
  step: 7.97,
  entry: 1.5,
  miss: 3.69,
} as const;
