import { describe, expect, it } from 'vitest';
import { median, medianOfDifferences, quantile, quietOnes } from '../../bench/statistics.js';

describe('statistics of samples', () => {
  it.each([
    { name: 'the middle of an odd number', have: [5, 1, 3], want: 3 },
    { name: 'the lower one of two', have: [4, 1, 3, 2], want: 2 },
  ])('median: $name', ({ have, want }) => {
    expect(median(have)).toBe(want);
  });

  it('what drifts during a run is not in the median of differences', () => {
    expect(medianOfDifferences([15, 35, 56], [10, 30, 50])).toBe(5);
  });

  it('quantile: the value below which a share lies', () => {
    expect([0, 0.25, 1].map((share) => quantile([10, 20, 30, 40, 50], share))).toEqual([10, 20, 50]);
  });

  it('quiet ones are those whose own floor is low, whatever they are themselves', () => {
    const limits = { lowest: 40, share: 0.1, least: 2 };
    expect(quietOnes([90, 50, 70], [41, 49, 44], limits)).toEqual({ samples: [90, 70], floor: [41, 44] });
    expect(quietOnes([90, 50, 70], [41, 49, 45], limits)).toBeUndefined();
  });
});
