import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../../../grammar/modules/value/suggest.js';

describe('nearest name', () => {
  it.each([
    ['tpc', ['udp', 'tcp'], 'tcp'],
    ['accept', ['DROP', 'ACCEPT'], 'ACCEPT'],
    ['contrack', ['connmark', 'conntrack'], 'conntrack'],
    ['--dprot', ['--sport', '--dport'], '--dport'],
    ['xyz', ['abc', 'tcp'], undefined],
    ['', ['tcp'], undefined],
  ])('to %s', (word, names, want) => expect(nearest(word, names)).toBe(want));

  it('is the one of the fewest steps', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 });
    fc.assert(
      fc.property(text, text, (word, name) => {
        const most = word.length <= 3 ? 1 : word.length <= 7 ? 2 : 3;
        expect(nearest(word, [name])).toBe(steps(word, name) <= most ? name : undefined);
      }),
      { numRuns: 3000 },
    );
  });
});

/** Insertions, deletions, replacements and swaps of neighbours between two texts, by the definition. */
function steps(a: string, b: string): number {
  const known = new Map<string, number>();
  const at = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const key = `${i} ${j}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
    const least = Math.min(
      at(i - 1, j) + 1,
      at(i, j - 1) + 1,
      at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
      swap,
    );
    known.set(key, least);
    return least;
  };
  return at(a.length, b.length);
}
