import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limit } from '../../../../grammar/modules/match/limit.js';
import { rows, testRows } from '../rows.js';
import { canonical, conditionOf, PLAIN } from '../support.js';

testRows(
  limit,
  rows(
    PLAIN,
    ['', '--limit 3/hour'],
    ['--limit 3', '--limit 3/sec'],
    ['--limit 3/minute', '--limit 3/min'],
    ['--limit 60/m', '--limit 1/sec'],
    ['--limit 10/hour', '--limit 10/hour'],
    ['--limit 1000/hour', '--limit 1000/hour'],
    ['--limit 24/day', '--limit 1/hour'],
    ['--limit 5/day', '--limit 5/day'],
    ['--limit 7000/second', '--limit 10000/sec'],
    ['--limit 3abc', '--limit 3/sec'],
    ['--limit 1/s --limit-burst 5', '--limit 1/sec'],
    ['--limit-burst 0x0a --limit 2/s', '--limit 2/sec --limit-burst 10'],
    ['--limit 12/hour --limit-burst 10000', '--limit 12/hour --limit-burst 10000'],
    ['--limit 10001/s'],
    ['--limit 0/s'],
    ['--limit -1/s'],
    ['--limit 1/'],
    ['--limit 1/week'],
    ['--limit 1/sx'],
    ['--limit x/s'],
    ['! --limit 1/s'],
    ['--limit-burst 10001'],
    ['--limit-burst 0'],
    // What the kernel's 32-bit bucket cannot hold.
    ['--limit 1/day'],
    ['--limit 1/hour --limit-burst 100', '--limit 1/hour --limit-burst 100'],
    ['--limit 1/hour --limit-burst 120'],
    ['--limit 2/day --limit-burst 9', '--limit 2/day --limit-burst 9'],
    ['--limit 2/day --limit-burst 10'],
  ),
);

describe('condition of limit', () => {
  it.each([
    { words: '--limit 10/s --limit-burst 20', average: 1000, burst: 20 },
    { words: '', average: 12_000_000, burst: 5 },
    { words: '--limit 3/s', average: 3333, burst: 5 },
  ])('$words', ({ words, average, burst }) => {
    expect(conditionOf(limit, words, PLAIN)).toEqual({
      kind: 'opaque',
      test: { name: 'limit', average, burst },
    });
  });

  it('prints what reads as printed', () => {
    const unit = fc.constantFrom('s', 'min', 'hour', 'day');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10000 }), unit, fc.integer({ min: 1, max: 10 }), (count, name, burst) => {
        const once = canonical(limit, `--limit ${count}/${name} --limit-burst ${burst}`, PLAIN);
        fc.pre(once !== undefined);
        const twice = canonical(limit, once ?? '', PLAIN);
        // Rounding may move a rate once more, but then it stays.
        expect(canonical(limit, twice ?? '', PLAIN)).toBe(twice);
      }),
    );
  });
});
