import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxNode, coverWithBoxes } from '../../../src/space/boxes.js';
import { constant, Diagrams, FALSE, type Node } from '../../../src/space/diagram.js';

const SIZES = [7, 5, 6];
const POINTS = SIZES[0] * SIZES[1] * SIZES[2];
const at = (point: number) => (variable: number) =>
  [point % 7, Math.floor(point / 7) % 5, Math.floor(point / 35)][variable];

function diagrams(): Diagrams {
  const made = new Diagrams();
  for (const size of SIZES) made.addVariable(size);
  return made;
}

/** The function of a table: its value at each point. */
function nodeOf(made: Diagrams, table: readonly number[], variable = 0, base = 0): Node {
  if (variable === SIZES.length) return constant(table[base]);
  const step = [1, 7, 35][variable];
  const values = Array.from({ length: SIZES[variable] }, (_, value) => value);
  const children = values.map((value) => nodeOf(made, table, variable + 1, base + value * step));
  return made.node(variable, values, children);
}

const tables = (most: number): fc.Arbitrary<readonly number[]> =>
  fc.array(fc.nat(most), { minLength: POINTS, maxLength: POINTS });

describe('diagrams', () => {
  it('tell where a function comes to each of its constants', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }).chain(tables), (table) => {
        const made = diagrams();
        const regions = made.regionsOf(nodeOf(made, table));
        expect(new Set(regions.keys())).toEqual(new Set(table));
        for (const [value, region] of regions) {
          expect(region).toBe(
            nodeOf(
              made,
              table.map((one) => (one === value ? 1 : 0)),
            ),
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  it('tell the hull of a region', () => {
    // Few points, so that hulls are not everything.
    const sparse = fc.array(fc.nat(POINTS - 1), { maxLength: 6 });
    fc.assert(
      fc.property(sparse, fc.boolean(), (points, line) => {
        const made = diagrams();
        const inside = (point: number): boolean => points.includes(point) || (line && at(point)(1) === 3);
        const all = Array.from({ length: POINTS }, (_, point) => point);
        const region = all.filter(inside);
        const spans = SIZES.map((_, variable) => region.map((point) => at(point)(variable)));
        const hull = all.map((point) =>
          region.length > 0 &&
          spans.every((values, i) => Math.min(...values) <= at(point)(i) && at(point)(i) <= Math.max(...values))
            ? 1
            : 0,
        );
        expect(
          made.hullOf(
            nodeOf(
              made,
              all.map((point) => (inside(point) ? 1 : 0)),
            ),
          ),
        ).toBe(nodeOf(made, hull));
      }),
      { numRuns: 60 },
    );
  });

  it('join any number of functions', () => {
    fc.assert(
      fc.property(fc.array(tables(1), { maxLength: 5 }), (several) => {
        const made = diagrams();
        const joined = Array.from({ length: POINTS }, (_, i) => Math.max(0, ...several.map((table) => table[i])));
        expect(made.anyOf(several.map((table) => nodeOf(made, table)))).toBe(nodeOf(made, joined));
      }),
      { numRuns: 40 },
    );
  });

  it('are covered by rectangles that hold the packets of a region and no other possible one', () => {
    fc.assert(
      fc.property(tables(1), tables(3), (inside, outside) => {
        const made = diagrams();
        const region = nodeOf(made, inside);
        const possible = nodeOf(
          made,
          outside.map((one) => Math.min(1, one)),
        );
        const { boxes, more } = coverWithBoxes(made, region, possible, Infinity);
        expect(more).toBe(false);
        const covered = made.anyOf(boxes.map((box) => boxNode(made, box)));
        expect(made.and(covered, possible)).toBe(made.and(region, possible));
        for (let point = 0; point < POINTS; point++) {
          if (outside[point] > 0) expect(made.evaluate(covered, at(point))).toBe(inside[point]);
        }
        expect(coverWithBoxes(made, FALSE, possible, 1)).toEqual({ boxes: [], more: false });
      }),
      { numRuns: 20 },
    );
  });
});
