/**
 * Nanoseconds, fitted to measurements by `bench/fit-cost.ts`, which writes this file. Only their ratios matter for the
 * choice of an engine.
 */
export const COST = {
  instruction: 0.0397,
  look: 32.4,
  branch: 0,
  step: 0,
  entry: 0,
  miss: 7.39,
} as const;
