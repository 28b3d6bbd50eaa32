import { describe, expect, it } from 'vitest';
import { flowsText, shareText } from '../../../src/space/flows.js';

describe('numbers of flows', () => {
  it.each([
    { have: 1n, want: '1 flow' },
    { have: 999_999n, want: '999999 flows' },
    { have: 1n << 56n, want: '2^56 flows' },
    { have: (1n << 56n) - 1n, want: '2^56 flows' },
    { have: 3n << 54n, want: '2^56 flows' },
    { have: 5n << 54n, want: '2^56 flows' },
    { have: 3n << 250n, want: '2^252 flows' },
  ])('$have: $want', ({ have, want }) => expect(flowsText(have)).toBe(want));
});

describe('shares', () => {
  it.each([
    { part: 7n, whole: 7n, want: 'all' },
    { part: 1n, whole: 3n, want: '33.3 %' },
    { part: 2n, whole: 3n, want: '66.7 %' },
    { part: 1n, whole: 10n, want: '10.0 %' },
    { part: 1n, whole: 1000n, want: '0.1 %' },
    { part: 1n, whole: 1n << 96n, want: 'less than 0.1 %' },
    { part: (1n << 96n) - 1n, whole: 1n << 96n, want: 'more than 99.9 %' },
  ])('$part of $whole: $want', ({ part, whole, want }) => expect(shareText(part, whole)).toBe(want));
});
