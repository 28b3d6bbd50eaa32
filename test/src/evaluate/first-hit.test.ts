import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FirstHit } from '../../../src/evaluate/first-hit.js';

const SIZE = 40;

describe('the first rule whose rectangle holds a point', () => {
  const range = fc.tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const sides = fc.array(fc.option(range, { nil: undefined }), { minLength: 3, maxLength: 3 });
  const point = fc.array(fc.nat(SIZE - 1), { minLength: 3, maxLength: 3 });

  it('is the one that a walk over all of them finds', () => {
    fc.assert(
      fc.property(
        fc.array(sides, { maxLength: 60 }),
        fc.array(point, { minLength: 1, maxLength: 8 }),
        fc.nat(60),
        (all, points, from) => {
          const rectangles = all.map((rule) => {
            const variables = rule.flatMap((side, variable) => (side === undefined ? [] : [variable]));
            const given = rule.flatMap((side) => (side === undefined ? [] : [side]));
            return { variables, least: given.map(([lo]) => lo), most: given.map(([, hi]) => hi) };
          });
          const first = new FirstHit(rectangles, () => SIZE);
          for (const values of points) {
            const holds = (rule: number): boolean =>
              all[rule].every((side, i) => side === undefined || (side[0] <= values[i] && values[i] <= side[1]));
            const walked = all.findIndex((_, rule) => rule >= from && holds(rule));
            const found = first.find((variable) => values[variable], from, all.length, holds);
            expect(found).toBe(walked < 0 ? all.length : walked);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
