import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CostOf } from '../../../codegen/classify/division.js';
import {
  classify,
  recordLayout,
  Slots,
  TableWriter,
  type Dimension,
  type Instance,
  type Range,
} from '../../../codegen/classify/index.js';
import { linear, memoryOf, mergeHits, walk, wordAccesses } from './walk.js';

const WORD = 0xffff_ffff;
/** Two addresses, a protocol, a port, flags. */
const DIMENSIONS: readonly Dimension[] = [
  { max: WORD, partition: true },
  { max: WORD, partition: true },
  { max: 255, first: 0 },
  { max: 65_535 },
  { max: 3 },
];
const MANY = { groups: 64, longest: 100_000 };
/** One diagram where that can be, or as many as there may be. */
const COSTS: readonly CostOf[] = [(groups) => groups.length, (groups) => -groups.length];
const [FEWEST] = COSTS;
/** Seeds of failures are printed by fast-check. */
const RUNS = 30;

/** Few ends, so that ranges meet, touch and nest; and the ends of the dimension itself. */
const bound = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constantFrom(0, max),
    fc.integer({ min: 0, max: Math.min(max, 12) }),
    fc.integer({ min: Math.max(0, max - 3), max }),
    fc.integer({ min: 0, max: Math.min(max, 15) }).map((top) => Math.min(max, top * 0x1000_0000)),
    fc.integer({ min: 0, max }),
  );

const rangeOf = (dimension: number): fc.Arbitrary<Range | undefined> => {
  const { max } = DIMENSIONS[dimension];
  return fc.tuple(bound(max), bound(max), fc.boolean(), fc.nat({ max: 2 })).map(([a, b, exact, tested]) => {
    const [lo, hi] = exact ? [a, a] : [Math.min(a, b), Math.max(a, b)];
    return tested === 0 || (lo === 0 && hi === max) ? undefined : { dimension, lo, hi };
  });
};

const boxes = fc
  .tuple(...DIMENSIONS.map((_, dimension) => rangeOf(dimension)))
  .map((ranges) => ranges.filter((range) => range !== undefined));

/** Rules of one to three boxes that all do the same. */
const instancesOf = (most: number): fc.Arbitrary<readonly Instance[]> =>
  fc
    .array(fc.record({ boxes: fc.array(boxes, { minLength: 1, maxLength: 3 }), final: fc.boolean() }), {
      minLength: 1,
      maxLength: most,
      size: 'max',
    })
    .map((rules) =>
      rules.flatMap(({ boxes: own, final }, rule) =>
        own.map((box): Instance => ({ rule, action: 7 * rule + (final ? 1 : 0), final, box })),
      ),
    );

/** Values on the edges of the boxes, where mistakes live, and others. */
function valuesFor(instances: readonly Instance[]): fc.Arbitrary<readonly number[]> {
  return fc.tuple(
    ...DIMENSIONS.map(({ max }, dimension) => {
      const ranges = instances.flatMap(({ box }) => box.filter((range) => range.dimension === dimension));
      const edges = ranges.flatMap(({ lo, hi }) => [lo - 1, lo, hi, hi + 1]).filter((v) => v >= 0 && v <= max);
      return edges.length === 0 ? bound(max) : fc.oneof(bound(max), fc.constantFrom(...edges));
    }),
  );
}

function checkAll(instances: readonly Instance[], packets: readonly (readonly number[])[]): void {
  for (const costOf of COSTS) checkWith(costOf, instances, packets);
}

function checkWith(costOf: CostOf, instances: readonly Instance[], packets: readonly (readonly number[])[]): void {
  const classifier = classify(instances, DIMENSIONS, MANY, costOf);
  expect(classifier).toBeDefined();
  if (classifier === undefined) return;
  const writer = new TableWriter();
  const accesses = wordAccesses(DIMENSIONS);
  const slots = new Slots();
  const layout = recordLayout(DIMENSIONS, accesses, instances);
  const roots = classifier.groups.flatMap(({ root }) =>
    writer.add([root], { dimensions: DIMENSIONS, accesses, layout, slots }),
  );
  const table = writer.finish();
  const finals = new Set(instances.filter(({ final }) => final).map(({ rule }) => rule));
  for (const values of packets) {
    const lists = roots.map((root) => walk(table, root, memoryOf(values), layout, slots.accesses));
    const met = lists.map((list) => mergeHits([list], ({ rule }) => finals.has(rule)));
    expect(met.reduce((sum, list) => sum + list.length, 0)).toBeLessThanOrEqual(classifier.longest);
    expect(mergeHits(lists, ({ rule }) => finals.has(rule))).toEqual(linear(instances, values));
  }
}

const withPackets = (instances: fc.Arbitrary<readonly Instance[]>) =>
  instances.chain((list) =>
    fc.record({ instances: fc.constant(list), packets: fc.array(valuesFor(list), { minLength: 40, maxLength: 40 }) }),
  );

describe('diagrams in a table against one instance after the other', () => {
  it('random boxes', () => {
    fc.assert(
      fc.property(withPackets(instancesOf(60)), ({ instances, packets }) => checkAll(instances, packets)),
      { numRuns: RUNS },
    );
  });

  it('no instances: no groups', () => {
    expect(classify([], DIMENSIONS, MANY, FEWEST)).toEqual({
      groups: [],
      cost: 0,
      longest: 0,
      depth: 0,
      candidates: 0,
    });
  });

  const hostile: readonly {
    readonly name: string;
    readonly box: (i: number) => readonly Range[];
    readonly count: number;
  }[] = [
    {
      name: 'boxes that all overlap, each a little smaller',
      count: 300,
      box: (i) => [
        { dimension: 0, lo: i, hi: WORD - i },
        { dimension: 1, lo: 2 * i, hi: WORD - 7 * i },
        { dimension: 3, lo: i, hi: 65_534 - i },
      ],
    },
    {
      name: 'crosses: each wide in one address and narrow in the other',
      count: 400,
      box: (i) => [{ dimension: i % 2, lo: 1000 * i, hi: 1000 * i + 10 }],
    },
    {
      name: 'stairs in three dimensions',
      count: 300,
      box: (i) => [
        { dimension: 0, lo: i * 1000, hi: i * 1000 + 900_000 },
        { dimension: 1, lo: (i * 7919) % 100_000, hi: ((i * 7919) % 100_000) + 60_000 },
        { dimension: 3, lo: (i * 31) % 5000, hi: ((i * 31) % 5000) + 3000 },
      ],
    },
  ];
  it.each(hostile)('$name', ({ box, count }) => {
    for (const finals of [0, 1, 2]) {
      const instances = Array.from({ length: count }, (_, i): Instance => {
        const final = finals === 0 ? false : i % finals === 0;
        return { rule: i, action: i, final, box: box(i) };
      });
      fc.assert(
        fc.property(fc.array(valuesFor(instances), { minLength: 100, maxLength: 100 }), (packets) =>
          checkAll(instances, packets),
        ),
        { numRuns: 1 },
      );
    }
  });

  it('a long list of addresses is one diagram, whose first branch is most of the work', () => {
    const instances = Array.from({ length: 60_000 }, (_, rule): Instance => {
      const address = Math.imul(rule, 0x9e37_79b1) >>> 0;
      return { rule, action: rule, final: true, box: [{ dimension: 0, lo: address, hi: address }] };
    });
    expect(classify(instances, DIMENSIONS, MANY, FEWEST)?.groups.length).toBe(1);
  });

  it('refuses more hits than the limit, and more groups', () => {
    const everywhere = Array.from({ length: 20 }, (_, rule): Instance => ({ rule, action: 0, final: false, box: [] }));
    expect(classify(everywhere, DIMENSIONS, { groups: 8, longest: 20 }, FEWEST)?.longest).toBe(20);
    expect(classify(everywhere, DIMENSIONS, { groups: 8, longest: 19 }, FEWEST)).toBeUndefined();
    expect(classify(everywhere, DIMENSIONS, { groups: 0, longest: 20 }, FEWEST)).toBeUndefined();
  });
});
