import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  classify,
  type Dimension,
  type Group,
  type Instance,
  type Node,
  type Range,
} from '../../../codegen/classify/index.js';
import { divided, undivided, waysToDivide } from '../../../codegen/classify/division.js';
import { InstanceTable } from '../../../codegen/classify/instance-table.js';

const WORD = 0xffff_ffff;
const SOURCE = 0;
const DESTINATION = 1;
const PORT = 2;
const DIMENSIONS: readonly Dimension[] = [
  { max: WORD, partition: true },
  { max: WORD, partition: true },
  { max: 65_535 },
];
/** Multiplying by it visits all numbers of 32 bits. */
const ODD = 0x9e37_79b1;

const tableOf = (boxes: readonly (readonly Range[])[]): InstanceTable =>
  new InstanceTable(instancesOf(boxes), DIMENSIONS);

const instancesOf = (boxes: readonly (readonly Range[])[]): readonly Instance[] =>
  boxes.map((box, rule) => ({ rule, action: rule, final: true, box }));

/** A prefix of so many bits that number `i` draws; no range where it is 0. */
function prefix(dimension: number, i: number, bits: number): readonly Range[] {
  if (bits === 0) return [];
  const size = 2 ** (32 - bits);
  const lo = Math.floor((Math.imul(i, ODD) >>> 0) / size) * size;
  return [{ dimension, lo, hi: lo + size - 1 }];
}

/** Instances with prefixes of these lengths, and one of so many ports each; of many, few instances cover others. */
const crossing = (count: number, lengths: readonly (readonly [source: number, destination: number])[], ports = 41) =>
  Array.from({ length: count }, (_, i): readonly Range[] => {
    const [source, destination] = lengths[i % lengths.length];
    const port = 1_000 * (i % ports);
    return [
      ...prefix(SOURCE, 2 * i + 1, source),
      ...prefix(DESTINATION, 2 * i + 2, destination),
      { dimension: PORT, lo: port, hi: port + (i % 900) },
    ];
  });

/** Rules of the lists of a diagram. */
function rulesOf(root: Node): ReadonlySet<number> {
  const rules = new Set<number>();
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === 'leaf') for (const { rule } of node.candidates) rules.add(rule);
    else node.children.forEach(visit);
  };
  visit(root);
  return rules;
}

/** Each rule of how many groups' lists. */
const timesOf = (groups: readonly Group[]): ReadonlyMap<number, number> => {
  const times = new Map<number, number>();
  for (const { root } of groups) for (const rule of rulesOf(root)) times.set(rule, (times.get(rule) ?? 0) + 1);
  return times;
};

describe('waysToDivide', () => {
  const narrow = 2 ** 20;
  const tested = 2 ** 32;
  const cases: readonly { readonly name: string; readonly have: readonly Dimension[]; readonly want: unknown }[] = [
    {
      name: 'each address first: narrow ones, those that test the other one, those that test it at all',
      have: DIMENSIONS,
      want: [
        [
          { dimension: SOURCE, below: narrow },
          { dimension: DESTINATION, below: tested },
          { dimension: SOURCE, below: tested },
        ],
        [
          { dimension: DESTINATION, below: narrow },
          { dimension: SOURCE, below: tested },
          { dimension: DESTINATION, below: tested },
        ],
      ],
    },
    {
      name: 'one address',
      have: [{ max: 65_535 }, { max: WORD, partition: true }],
      want: [
        [
          { dimension: 1, below: narrow },
          { dimension: 1, below: tested },
        ],
      ],
    },
    { name: 'none: by halves alone', have: [{ max: 255 }], want: [[]] },
  ];
  it.each(cases)('$name', ({ have, want }) => {
    expect(waysToDivide(have)).toEqual(want);
  });
});

describe('divided', () => {
  /** What a firewall's rules are: narrow in both addresses, in one of them, or wide ones; in all ways at once. */
  const FIREWALL = crossing(4_000, [
    [28, 28],
    [24, 0],
    [0, 24],
    [10, 0],
    [0, 10],
    [9, 9],
  ]);

  it('those that test one address alone have small diagrams, where all together have none', () => {
    const table = tableOf(FIREWALL);
    expect(undivided(table)).toBeUndefined();
    for (const way of waysToDivide(DIMENSIONS)) expect(divided(table, way, 8)?.length).toBeLessThanOrEqual(3);
  });

  it('all instances are in one group each', () => {
    const table = tableOf(FIREWALL);
    for (const way of [...waysToDivide(DIMENSIONS), []]) {
      const groups = divided(table, way, 64);
      expect(groups).toBeDefined();
      const times = timesOf(groups ?? []);
      expect(FIREWALL.map((_, rule) => times.get(rule))).toEqual(FIREWALL.map(() => 1));
    }
  });

  it('groups are in order of their first rules, and tell what share comes to them', () => {
    for (const way of waysToDivide(DIMENSIONS)) {
      const groups = divided(tableOf(FIREWALL), way, 8) ?? [];
      expect(groups.map(({ first }) => first)).toEqual(groups.map(({ first }) => first).sort((a, b) => a - b));
      expect(groups.map(({ reached }) => reached)).toEqual(groups.map(({ first }) => 1 - first / FIREWALL.length));
      expect(groups[0].reached).toBe(1);
    }
  });

  it('no more groups than there may be: undefined, and never more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.array(fc.constantFrom(...[0, 9, 10, 13, 24, 32].flatMap((s) => [0, 10, 28].map((d) => [s, d] as const))), {
          minLength: 2,
          maxLength: 6,
        }),
        (most, lengths) => {
          const table = tableOf(crossing(1_500, lengths));
          for (const way of waysToDivide(DIMENSIONS)) {
            const free = divided(table, way, 64);
            expect(free).toBeDefined();
            const needed = free?.length ?? 0;
            expect(divided(table, way, most)?.length).toBe(needed <= most ? needed : undefined);
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  it('one instance cannot be divided', () => {
    expect(divided(tableOf([[]]), [], 8)).toBeUndefined();
  });
});

describe('classify', () => {
  const CROSSING = instancesOf(
    crossing(4_000, [
      [28, 28],
      [24, 0],
      [0, 24],
      [10, 0],
      [0, 10],
    ]),
  );

  it('takes the way to divide that costs least, whichever comes first', () => {
    const table = new InstanceTable(CROSSING, DIMENSIONS);
    const [bySource, byDestination] = waysToDivide(DIMENSIONS).map((way) => divided(table, way, 8));
    const firsts = (groups: readonly Group[] | undefined): readonly number[] | undefined =>
      groups?.map(({ first }) => first);
    expect(firsts(bySource)).not.toEqual(firsts(byDestination));
    for (const wanted of [bySource, byDestination]) {
      const cost = (groups: readonly Group[]): number => (firsts(groups)?.join() === firsts(wanted)?.join() ? 1 : 2);
      expect(firsts(classify(CROSSING, DIMENSIONS, { groups: 8, longest: 32, cost })?.groups)).toEqual(firsts(wanted));
    }
  });

  it('divides nothing that one small diagram holds', () => {
    const plain = instancesOf(crossing(400, [[24, 0]]));
    const cost = (): number => expect.unreachable('there is nothing to choose from');
    expect(classify(plain, DIMENSIONS, { groups: 8, longest: 32, cost })?.groups.length).toBe(1);
  });

  describe('one large diagram', () => {
    const DENSE = crossing(
      100,
      [
        [24, 0],
        [0, 24],
      ],
      3,
    );
    const fewest = (groups: readonly Group[]): number => groups.length;
    const most = (groups: readonly Group[]): number => -groups.length;
    const cases: readonly {
      readonly name: string;
      readonly isFinal: boolean;
      readonly cost: (groups: readonly Group[]) => number;
      readonly want: number;
    }[] = [
      { name: 'stays if it costs least', isFinal: true, cost: fewest, want: 1 },
      { name: 'is divided if that costs less', isFinal: true, cost: most, want: 2 },
      { name: 'stays where a packet may have several hits', isFinal: false, cost: most, want: 1 },
    ];
    it.each(cases)('$name', ({ isFinal, cost, want }) => {
      const instances = instancesOf(DENSE).map((one) => ({ ...one, final: isFinal || one.rule % 2 === 0 }));
      expect(classify(instances, DIMENSIONS, { groups: 8, longest: 32, cost })?.groups.length).toBe(want);
    });
  });
});
