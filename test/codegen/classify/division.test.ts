import { describe, expect, it } from 'vitest';
import {
  classify,
  type Dimension,
  type Group,
  type Instance,
  type Node,
  type Range,
} from '../../../codegen/classify/index.js';
import { Divider, type CostOf } from '../../../codegen/classify/division.js';
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

/** Rules that are not named as their places are. */
const ruleOf = (place: number): number => 10 * place + 5;

const instancesOf = (
  boxes: readonly (readonly Range[])[],
  isFinal = (_: number): boolean => true,
): readonly Instance[] =>
  boxes.map((box, place) => ({ rule: ruleOf(place), action: place, final: isFinal(place), box }));

/** A prefix of so many bits that number `i` draws; no range where it is 0. */
function prefix(dimension: number, i: number, bits: number): readonly Range[] {
  if (bits === 0) return [];
  const size = 2 ** (32 - bits);
  const lo = Math.floor((Math.imul(i, ODD) >>> 0) / size) * size;
  return [{ dimension, lo, hi: lo + size - 1 }];
}

/** Instances with prefixes of these lengths, and one of so many ports each; of many, few instances cover others. */
type Lengths = readonly [source: number, destination: number];

const crossing = (count: number, lengths: readonly Lengths[], ports = 41) =>
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

const fewest: CostOf = (groups) => groups.length;
const most: CostOf = (groups) => -groups.length;
const LIMITS = { groups: 8, longest: 32 } as const;

const dividerOf = (boxes: readonly (readonly Range[])[], costOf = fewest): Divider =>
  new Divider(tableOf(boxes), costOf);

/** The groups of each way to divide. */
const allWays = (divider: Divider, groups: number): readonly (readonly Group[] | undefined)[] =>
  divider.ways().map((way) => divider.groups(way, groups));

/** Lengths of prefixes of the rules in a group: `lengths` are those of all boxes, which take turns. */
const lengthsOf = ({ root }: Group, lengths: readonly Lengths[]): ReadonlySet<string> =>
  new Set([...rulesOf(root)].map((rule) => lengths[((rule - ruleOf(0)) / 10) % lengths.length].join(' ')));

/** What a firewall's rules are: narrow in both addresses, in one of them, or wide ones; in all ways at once. */
const LENGTHS: readonly Lengths[] = [
  [28, 28],
  [24, 0],
  [0, 24],
  [10, 0],
  [0, 10],
  [9, 9],
];
const FIREWALL = crossing(4_000, LENGTHS);
const named = (...lengths: readonly Lengths[]): ReadonlySet<string> => new Set(lengths.map((one) => one.join(' ')));

describe('groups of what one diagram does not hold', () => {
  it('those that test one address are apart from those that test the other one', () => {
    const divider = dividerOf(FIREWALL);
    expect(divider.whole()).toBeUndefined();
    for (const groups of allWays(divider, 8)) {
      const parts = (groups ?? []).map((group) => lengthsOf(group, LENGTHS));
      expect(parts.length).toBeGreaterThan(1);
      for (const part of parts)
        for (const one of ['24 0', '10 0'])
          for (const other of ['0 24', '0 10']) expect(part.has(one) && part.has(other)).toBe(false);
    }
  });

  it('narrow is what covers one 4096th at most', () => {
    // So many crosses that each division is needed.
    const lengths: readonly Lengths[] = [
      [11, 0],
      [12, 0],
      [0, 11],
      [0, 12],
    ];
    const divider = dividerOf(crossing(8_000, lengths, 3), most);
    const [way] = divider.ways();
    const parts = divider.groups(way, 8)?.map((group) => lengthsOf(group, lengths)) ?? [];
    expect(parts.filter((part) => part.has('12 0'))).toEqual([named([12, 0])]);
  });

  it('each instance is in one group', () => {
    const divider = dividerOf(FIREWALL);
    for (const groups of [...allWays(divider, 64), divider.groups([], 64)]) {
      const times = timesOf(groups ?? []);
      expect(FIREWALL.map((_, place) => times.get(ruleOf(place)))).toEqual(FIREWALL.map(() => 1));
    }
  });

  it('groups are in order of their first rules; only final instances before those keep packets away', () => {
    // Those with a source come first.
    const boxes = [...crossing(900, [[24, 0]], 3), ...crossing(900, [[0, 24]], 3)];
    for (const [finals, reached] of [
      [() => true, 0.5],
      [() => false, 1],
      [(place: number) => place % 3 === 0, 1 - 1 / 6],
    ] as const) {
      const divider = new Divider(new InstanceTable(instancesOf(boxes, finals), DIMENSIONS), most);
      for (const groups of allWays(divider, 8)) {
        expect(groups?.map(({ first }) => first)).toEqual([ruleOf(0), ruleOf(900)]);
        expect(groups?.map((group) => group.reached)).toEqual([1, expect.closeTo(reached, 10)]);
      }
    }
  });

  it('no more groups than there may be', () => {
    const sets = [
      FIREWALL,
      crossing(
        6_000,
        [
          [9, 9],
          [10, 10],
          [11, 11],
          [0, 9],
          [9, 0],
        ],
        2,
      ),
      crossing(
        2_000,
        [
          [8, 8],
          [7, 9],
        ],
        1,
      ),
    ];
    const needs = sets.flatMap((boxes) => {
      const divider = dividerOf(boxes);
      return [...divider.ways(), []].map((way) => {
        const needed = divider.groups(way, 64)?.length ?? 0;
        for (let groups = 0; groups < needed + 2; groups++)
          expect(divider.groups(way, groups)?.length).toBe(groups < needed ? undefined : needed);
        return needed;
      });
    });
    expect(Math.max(...needs)).toBeGreaterThan(4);
  });

  it('one way is enough where none tells anything apart, and no attempt is made twice', () => {
    expect(dividerOf(crossing(20, [[9, 9]])).ways()).toEqual([[]]);
    expect(
      dividerOf(
        crossing(20, [
          [9, 9],
          [28, 28],
        ]),
      ).ways().length,
    ).toBe(2);
    const divider = dividerOf(FIREWALL);
    const [bySource, byDestination] = allWays(divider, 8);
    expect(allWays(divider, 8)[0]?.map(({ root }) => root)).toEqual(bySource?.map(({ root }) => root));
    expect(byDestination).toBeDefined();
  });
});

describe('classify', () => {
  const CROSSING = instancesOf(FIREWALL);

  it('takes the way to divide that costs least, whichever comes first', () => {
    const firsts = (groups: readonly Group[] | undefined): readonly number[] | undefined =>
      groups?.map(({ first, edges }) => first + edges);
    const ways = allWays(new Divider(new InstanceTable(CROSSING, DIMENSIONS), fewest), 8).map(firsts);
    expect(ways[0]).not.toEqual(ways[1]);
    for (const wanted of ways) {
      const costOf: CostOf = (groups) => (firsts(groups)?.join() === wanted?.join() ? 1 : 2);
      const made = classify(CROSSING, DIMENSIONS, LIMITS, costOf);
      expect(firsts(made?.groups)).toEqual(wanted);
      expect(made?.cost).toBe(1);
    }
  });

  it('takes the other way where one has too many groups', () => {
    const boxes = crossing(
      4_000,
      [
        [28, 28],
        [24, 0],
        [0, 24],
        [0, 10],
      ],
      3,
    );
    const counts = allWays(dividerOf(boxes), 8).map((groups) => groups?.length ?? 0);
    expect(Math.min(...counts)).toBeLessThan(Math.max(...counts));
    expect(
      classify(instancesOf(boxes), DIMENSIONS, { ...LIMITS, groups: Math.min(...counts) }, most)?.groups.length,
    ).toBe(Math.min(...counts));
  });

  it('attempts nothing more where one diagram has too many hits', () => {
    const everywhere = Array.from({ length: 400 }, (_, i): readonly Range[] => (i < 40 ? [] : prefix(i % 2, i, 24)));
    const instances = instancesOf(everywhere, () => false);
    const asked: number[] = [];
    const costOf: CostOf = (groups) => asked.push(groups.length);
    expect(classify(instances, DIMENSIONS, LIMITS, costOf)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  describe('one diagram', () => {
    const DENSE = crossing(
      100,
      [
        [24, 0],
        [0, 24],
      ],
      3,
    );
    /** Wide ones, and one that is narrow. */
    const ODD = [
      ...crossing(
        100,
        [
          [10, 0],
          [0, 10],
        ],
        3,
      ),
      ...crossing(1, [[28, 0]], 3),
    ];
    const SMALL = crossing(400, [
      [24, 0],
      [9, 0],
    ]);
    const final = (): boolean => true;
    const cases: readonly {
      readonly name: string;
      readonly boxes: readonly (readonly Range[])[];
      readonly isFinal: (place: number) => boolean;
      readonly costOf: CostOf;
      readonly want: number;
    }[] = [
      { name: 'that is large stays if it costs least', boxes: DENSE, isFinal: final, costOf: fewest, want: 1 },
      { name: 'that is large is divided if that costs less', boxes: DENSE, isFinal: final, costOf: most, want: 2 },
      {
        name: 'that is large stays where a rule may go on',
        boxes: DENSE,
        isFinal: (place) => place !== 7,
        costOf: most,
        want: 1,
      },
      { name: 'that is large is divided further while it is', boxes: ODD, isFinal: final, costOf: most, want: 3 },
      { name: 'that is small stays', boxes: SMALL, isFinal: final, costOf: most, want: 1 },
    ];
    it.each(cases)('$name', ({ boxes, isFinal, costOf, want }) => {
      const instances = instancesOf(boxes, isFinal);
      const [whole] = new Divider(new InstanceTable(instances, DIMENSIONS), costOf).groups([], 1) ?? [];
      expect(whole.edges > 4 * boxes.length).toBe(boxes !== SMALL);
      expect(classify(instances, DIMENSIONS, LIMITS, costOf)?.groups.length).toBe(want);
    });
  });
});
