import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complement, contains, intersect, intervals, type IntervalSet } from '../../../grammar/model/interval.js';

const BITS = 4;
const VALUES = Array.from({ length: 1 << BITS }, (_, value) => value);
const NUMBER = fc.integer({ min: 0, max: VALUES.length - 1 });
const INTERVAL = fc.tuple(NUMBER, NUMBER).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const SET = fc.array(INTERVAL, { maxLength: 4 }).map((parts) => intervals(...parts));

const valuesOf = (set: IntervalSet): readonly number[] => VALUES.filter((value) => contains(set, BigInt(value)));

function isNormal(set: IntervalSet): boolean {
  return set.every(({ lo, hi }, i) => lo <= hi && (i === 0 || lo > set[i - 1].hi + 1n));
}

describe('sets of numbers', () => {
  it('intersect to what both have', () => {
    fc.assert(
      fc.property(SET, SET, (a, b) => {
        const both = intersect(a, b);
        expect(isNormal(both)).toBe(true);
        expect(valuesOf(both)).toEqual(valuesOf(a).filter((value) => valuesOf(b).includes(value)));
      }),
    );
  });

  it('have a complement', () => {
    fc.assert(
      fc.property(SET, (set) => {
        const rest = complement(set, BITS);
        expect(isNormal(rest)).toBe(true);
        expect(valuesOf(rest)).toEqual(VALUES.filter((value) => !contains(set, BigInt(value))));
      }),
    );
  });
});
