import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxNode, coverWithBoxes } from '../../../src/space/boxes.js';
import { constant, Diagrams, FALSE, TRUE, type Node } from '../../../src/space/diagram.js';
import { hullOf, Inside } from '../../../src/space/hull.js';
import { piecesOf } from '../../../src/space/pieces.js';
import { regionsOf } from '../../../src/space/regions.js';

const ALL = { boxes: Infinity, ranges: Infinity };
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
        const regions = regionsOf(made, nodeOf(made, table));
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

  describe('of few points', () => {
    const ALL = Array.from({ length: POINTS }, (_, point) => point);
    /** Few, so that hulls are not everything. */
    const regions = fc
      .record({ points: fc.array(fc.nat(POINTS - 1), { minLength: 1, maxLength: 6 }), line: fc.boolean() })
      .map(({ points, line }) => ALL.filter((point) => points.includes(point) || (line && at(point)(1) === 3)));
    const regionNode = (made: Diagrams, points: readonly number[]): Node =>
      nodeOf(
        made,
        ALL.map((point) => (points.includes(point) ? 1 : 0)),
      );
    const inHull = (points: readonly number[]): readonly number[] => {
      const spans = SIZES.map((_, variable) => points.map((one) => at(one)(variable)));
      const ranges = spans.map((values) => [Math.min(...values), Math.max(...values)] as const);
      return ALL.filter((point) =>
        ranges.every(([lo, hi], variable) => lo <= at(point)(variable) && at(point)(variable) <= hi),
      );
    };

    it('tell their hull', () => {
      fc.assert(
        fc.property(regions, (points) => {
          const made = diagrams();
          const { variables, least, most } = hullOf(made, regionNode(made, points));
          const hull = variables.reduceRight(
            (below, variable, i) => made.test(variable, [[least[i], most[i]]], below),
            TRUE,
          );
          expect(hull).toBe(regionNode(made, inHull(points)));
        }),
        { numRuns: 60 },
      );
    });

    it('tell whether their hulls meet', () => {
      fc.assert(
        fc.property(regions, regions, (some, others) => {
          const made = diagrams();
          const [a, b] = [some, others].map((points) => hullOf(made, regionNode(made, points)));
          const hull = new Set(inHull(some));
          expect(new Inside(made, a).meets(b)).toBe(inHull(others).some((point) => hull.has(point)));
        }),
        { numRuns: 60 },
      );
    });

    it('simplify other functions, and leave them as they are in their hull', () => {
      fc.assert(
        fc.property(regions, tables(2), (points, table) => {
          const made = diagrams();
          const simple = new Inside(made, hullOf(made, regionNode(made, points))).simplified(nodeOf(made, table));
          for (const point of inHull(points)) expect(made.evaluate(simple, at(point))).toBe(table[point]);
        }),
        { numRuns: 40 },
      );
    });

    it('fall into rectangles that have nothing in common', () => {
      fc.assert(
        fc.property(regions, (points) => {
          const made = diagrams();
          const pieces = piecesOf(made, regionNode(made, points));
          expect(made.anyOf(pieces)).toBe(regionNode(made, points));
          for (const [i, piece] of pieces.entries()) {
            for (const other of pieces.slice(i + 1)) expect(made.and(piece, other)).toBe(FALSE);
          }
        }),
        { numRuns: 60 },
      );
    });
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
        const { boxes, more } = coverWithBoxes(made, [region], possible, ALL);
        expect(more).toBe(false);
        const covered = made.anyOf(boxes.map((box) => boxNode(made, box)));
        expect(made.and(covered, possible)).toBe(made.and(region, possible));
        for (let point = 0; point < POINTS; point++) {
          if (outside[point] > 0) expect(made.evaluate(covered, at(point))).toBe(inside[point]);
        }
        for (const limits of [
          { ...ALL, ranges: 1 },
          { ...ALL, boxes: 1 },
        ]) {
          const first = coverWithBoxes(made, [region], possible, limits);
          expect(first.boxes).toEqual(boxes.slice(0, first.boxes.length));
          expect(first.boxes.length).toBe(Math.min(1, boxes.length));
          expect(first.more).toBe(boxes.length > 1);
        }
        expect(coverWithBoxes(made, [FALSE], possible, { boxes: 1, ranges: 1 })).toEqual({ boxes: [], more: false });
      }),
      { numRuns: 20 },
    );
  });
});
