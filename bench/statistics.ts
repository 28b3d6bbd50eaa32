/** The middle value; of an even number the lower one of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)];
}

/** The middle one of the differences of values that stand at the same place. */
export function medianOfDifferences(values: readonly number[], others: readonly number[]): number {
  return median(values.map((value, index) => value - others[index]));
}

/** Samples whose floor, measured next to them, is within a share of the lowest one; undefined where there are fewer than `least`. */
export function quietOnes(
  samples: readonly number[],
  floor: readonly number[],
  { lowest, share, least }: { readonly lowest: number; readonly share: number; readonly least: number },
): { readonly samples: readonly number[]; readonly floor: readonly number[] } | undefined {
  const quiet = [...samples.keys()].filter((index) => floor[index] <= lowest * (1 + share));
  if (quiet.length < least) return undefined;
  return { samples: quiet.map((index) => samples[index]), floor: quiet.map((index) => floor[index]) };
}
