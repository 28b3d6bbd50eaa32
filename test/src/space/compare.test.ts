import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { BuiltinChain, Family, TableName } from '../../../grammar/model/family.js';
import type { Packet } from '../../../grammar/model/packet.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { evaluate, UnreadablePacketError } from '../../../src/evaluate/index.js';
import { payloadReader } from '../../../src/evaluate/payload/index.js';
import { boxNode, coverWithBoxes } from '../../../src/space/boxes.js';
import { compareChains, type Comparison } from '../../../src/space/compare.js';
import type { Fate } from '../../../src/space/explore.js';
import { locate, type Point } from '../../../src/space/locate.js';
import { testKey } from '../../../src/space/inputs.js';
import { holdsAt } from '../../../src/space/product.js';
import type { Input } from '../../../src/space/meaning.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { Random } from '../../../src/verify/random.js';
import { randomDump } from '../../../src/verify/random-ruleset.js';

interface Judged {
  readonly verdict: string;
  readonly by: string;
  readonly hotdrop: boolean;
}

/** Another text: a rule taken out, turned round or moved, or a wholly different one. */
function edited(text: string, seed: number, other: string): string {
  const lines = text.split('\n');
  const rules = lines.flatMap((line, i) => (line.startsWith('-A') ? [i] : []));
  const at = rules[(seed * 7) % rules.length];
  switch (seed % 4) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines[at] = lines[at].replace(
        /-j (ACCEPT|DROP|RETURN)/,
        (_, to: string) => `-j ${to === 'ACCEPT' ? 'DROP' : 'ACCEPT'}`,
      );
      break;
    case 2: {
      const to = rules[(seed * 3) % rules.length];
      [lines[at], lines[to]] = [lines[to], lines[at]];
      break;
    }
    default:
      return other;
  }
  return lines.join('\n');
}

const PAYLOAD = { no: 0, yes: 1, hotdrop: 2, dropping: 3 } as const;

function answersFor(packet: Packet, family: Family, chain: BuiltinChain, random: Random): (input: Input) => number {
  const payload = payloadReader(packet, family, chain);
  const given = new Map<string, number>();
  return (input) => {
    if (input.kind === 'payload') return PAYLOAD[payload(input.test)];
    const key = input.kind === 'test' ? `${testKey(input.test)} ${input.occurrence ?? ''}` : JSON.stringify(input);
    const sizes: Partial<Record<Input['kind'], number>> = { state: 5, 'address-type': 12, socket: 3 };
    const value = given.get(key) ?? random.below(sizes[input.kind] ?? 2);
    given.set(key, value);
    return value;
  };
}

/** Undefined where a target may have changed what a test behind it answers. */
function judge(
  ruleset: Ruleset,
  chain: BuiltinChain,
  packet: Packet,
  { space, names }: Comparison,
  point: Point,
): Judged | undefined {
  const [{ name: table, chains }] = ruleset.tables;
  const result = evaluate({
    ruleset,
    table,
    chain,
    packet,
    passTargets: true,
    oracle: (test, ref) => {
      const rule = chains.find(({ name }) => name === ref.chain)?.rules[ref.number - 1];
      const occurrence = rule && names.occurrence.get(rule);
      // A rule that the comparison has left out makes no difference, whatever its tests say on both sides.
      if (occurrence === undefined) return testKey(test).length % 2 === 0;
      const node = space.opaque(test, { occurrence });
      return space.diagrams.evaluate(node, point) === 1;
    },
  });
  if (result.kind === 'unknown') {
    if (changesConnections(ruleset)) return undefined;
    throw new Error('the reference asks what nobody answers');
  }
  const { verdict, decision } = result;
  return {
    verdict: typeof verdict === 'string' ? verdict : `reject ${verdict.reject}`,
    by: decision.by === 'policy' ? 'policy' : `${decision.rule.chain} ${decision.rule.number}`,
    hotdrop: decision.by === 'hotdrop',
  };
}

function changesConnections({ tables }: Ruleset): boolean {
  return tables[0].chains.some(({ rules }) =>
    rules.some(({ target: { effect } }) => effect.kind === 'opaque' && effect.target !== 'AUDIT'),
  );
}

function told({ verdict, decider, hotdrop }: Fate): Judged {
  return { verdict, by: decider.kind === 'policy' ? 'policy' : `${decider.chain} ${decider.number}`, hotdrop };
}

const CASES = [
  { family: 'v4', chain: 'INPUT' },
  { family: 'v6', chain: 'FORWARD' },
  { family: 'v4', chain: 'OUTPUT' },
  { family: 'v6', chain: 'INPUT' },
] as const;

const TABLES: readonly TargetsOfTable[] = [
  { table: 'filter', chain: 'INPUT', goingOn: ['AUDIT --type accept', 'CONNMARK --set-mark 1', 'MARK --set-mark 1'] },
  { table: 'raw', chain: 'PREROUTING', goingOn: ['CT --notrack', 'NOTRACK', 'TRACE'] },
];

/** Pairs of rulesets for each chain; a campaign may ask for more. */
const PAIRS = Number(process.env.IPT2BPF_DIFF_PAIRS ?? 4);
/** Rectangles for each pair of rules: where there are more, none of these may hold a packet too many. */
const MOST_BOXES = 500;
const PACKETS = Number(process.env.IPT2BPF_DIFF_PACKETS ?? 120);

describe('a test that stands behind a mark', () => {
  it('is the same one elsewhere, whatever packets come to it there', async () => {
    const dump = (...rules: readonly string[]): Ruleset => {
      const head = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
      return parseDump([...head, ...rules, 'COMMIT', ''].join('\n'), { family: 'v6' }).ruleset;
    };
    const marking = dump(
      '-A INPUT -p tcp -j MARK --set-mark 1',
      '-A INPUT -m mark --mark 1 -j DROP',
      '-A INPUT -j RETURN',
      '-A INPUT -p ipv6-icmp -j ACCEPT',
    );
    const plain = dump('-A INPUT -p ipv6-icmp -j DROP');
    const { pairs } = await compareChains(marking, plain, { table: 'filter', chain: 'INPUT' });
    expect(pairs.map(({ before, after }) => `${before.verdict} ${after.verdict}`).sort()).toEqual([
      'accept drop',
      'drop accept',
    ]);
  });
});

interface Counts {
  readonly same: number;
  readonly different: number;
}

/** Packets directed at the rules of both sides are judged by the reference, and held against the comparison. */
function holdAgainstReference(
  a: Ruleset,
  b: Ruleset,
  comparison: Comparison,
  chain: BuiltinChain,
  seed: number,
): Counts {
  const { family, tables } = a;
  const { space, pairs } = comparison;
  const { diagrams } = space;
  const regions = pairs.map((pair) => comparison.regionOf(pair));
  const covers = regions.map((region) => {
    const { boxes, more } = coverWithBoxes(diagrams, region, space.feasible, { boxes: MOST_BOXES, ranges: Infinity });
    return { more, held: diagrams.anyOf(boxes.map((box) => boxNode(diagrams, box))) };
  });
  const random = new Random(seed);
  const packets = [a, b].flatMap((ruleset, i) =>
    generatePackets(ruleset, { table: tables[0].name, chain, count: PACKETS, seed: 2 * seed + i }),
  );
  let [same, different] = [0, 0];
  for (const packet of packets) {
    const where = `${family} ${chain} seed ${seed} ${Buffer.from(packet.frame).toString('hex')}`;
    try {
      const point = locate(space, packet, answersFor(packet, family, chain, random));
      // Answers that no connection gives together.
      if (diagrams.evaluate(space.feasible, point) !== 1) continue;
      const before = judge(a, chain, packet, comparison, point);
      const after = judge(b, chain, packet, comparison, point);
      if (before === undefined || after === undefined) continue;
      const found = pairs.filter((_, i) => holdsAt(diagrams, regions[i], point));
      if (before.verdict === after.verdict) expect(found, where).toEqual([]);
      else
        expect(
          found.map((pair) => [told(pair.before), told(pair.after)]),
          where,
        ).toEqual([[before, after]]);
      const covered = covers.some(({ held }) => diagrams.evaluate(held, point) === 1);
      if (before.verdict === after.verdict) expect(covered, where).toBe(false);
      else if (!covers.some(({ more }) => more)) expect(covered, where).toBe(true);
      if (before.verdict === after.verdict) same++;
      else different++;
    } catch (error) {
      if (!(error instanceof UnreadablePacketError)) throw error;
    }
  }
  return { same, different };
}

describe('differences of two chains', () => {
  it.each(CASES)(
    '$family $chain: exactly the packets that the reference judges differently, by the same rules',
    async ({ family, chain }) => {
      let different = 0;
      let same = 0;
      for (let seed = 1; seed <= PAIRS; seed++) {
        const rules = 12 + (seed % 9);
        const text = randomDump(seed, { family, chain, limits: 0.2, stateful: true, rules });
        const other = randomDump(seed + 1000, { family, chain, limits: 0.2, stateful: true, rules });
        const a = parseDump(text, { family }).ruleset;
        const b = parseDump(edited(text, seed, other), { family }).ruleset;
        const comparison = await compareChains(a, b, { table: 'filter', chain });
        const counts = holdAgainstReference(a, b, comparison, chain, seed);
        same += counts.same;
        different += counts.different;
      }
      if (process.env.IPT2BPF_DIFF_PAIRS !== undefined)
        console.log(`${family} ${chain}: ${same} same, ${different} different`);
      expect(Math.min(different, same)).toBeGreaterThan(0);
    },
    7_200_000,
  );

  it.each([1, 2, 3])('hold where broad rules stand before many narrow ones: seed %i', async (seed) => {
    const random = new Random(seed);
    const net = (): string => `10.${random.below(4)}.${random.below(60)}.0/${random.pick([20, 24, 24, 32])}`;
    const rules = Array.from({ length: 150 }, () => {
      const source = random.chance(0.6) ? `-s ${net()} ` : '';
      const destination = random.chance(0.6) ? `-d ${net()} ` : '';
      const port = random.chance(0.5) ? `-p tcp -m tcp --dport ${1 + random.below(80)} ` : '-p udp ';
      return `-A INPUT ${source}${destination}${port}-j ${random.chance(0.5) ? 'ACCEPT' : 'DROP'}`;
    });
    const dump = (lines: readonly string[]): Ruleset =>
      parseDump(['*filter', ':INPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n'), { family: 'v4' }).ruleset;
    const [a, b] = [dump(rules), dump([...rules.slice(0, 140), '-A INPUT -p tcp -j DROP', ...rules.slice(140)])];
    const comparison = await compareChains(a, b, { table: 'filter', chain: 'INPUT' });
    const { same, different } = holdAgainstReference(a, b, comparison, 'INPUT', seed);
    expect(Math.min(same, different)).toBeGreaterThan(0);
    // Told apart by sources and by destinations, which are not multiplied out.
    expect(comparison.pairs.some((pair) => comparison.regionOf(pair).length > 1)).toBe(true);
  });

  it.each(TABLES)(
    'hold where packets come back early from chains, and targets go on: $table',
    async (place) => {
      const counts = [];
      for (let seed = 1; seed <= 2 + PAIRS; seed++) counts.push(await holdsInChains(place, seed));
      const [same, different] = [counts.map((one) => one.same), counts.map((one) => one.different)];
      if (process.env.IPT2BPF_DIFF_PAIRS !== undefined) console.log(place.table, { same, different });
      expect(Math.max(...same)).toBeGreaterThan(0);
      expect(Math.max(...different)).toBeGreaterThan(0);
    },
    7_200_000,
  );
});

interface TargetsOfTable {
  readonly table: TableName;
  readonly chain: BuiltinChain;
  /** That go on. */
  readonly goingOn: readonly string[];
}

/** Chains that are left from many places, with rules taken out and turned into others. */
async function holdsInChains({ table, chain, goingOn }: TargetsOfTable, seed: number): Promise<Counts> {
  const random = new Random(seed);
  const net = (): string => `10.${random.below(4)}.${random.below(30)}.0/${random.pick([16, 20, 24, 32])}`;
  const tests = (): string =>
    [
      random.chance(0.9) ? ` -s ${net()}` : '',
      random.chance(0.3) ? ` -d ${net()}` : '',
      random.chance(0.5) ? ` -p tcp -m tcp --dport ${1 + random.below(40)}` : '',
      random.chance(0.1) ? ' -m conntrack --ctstate NEW' : '',
    ].join('');
  const ends = ['RETURN', 'RETURN', 'ACCEPT', 'DROP', ...goingOn].map((target) => `-j ${target}`);
  const rules = [
    ...Array.from({ length: 12 }, () => `-A ${chain}${tests()} ${random.pick(['-j outer', '-j outer', '-g outer'])}`),
    ...Array.from({ length: 50 }, () => `-A outer${tests()} ${random.pick([...ends, '-j inner', '-g inner'])}`),
    ...Array.from({ length: 30 }, () => `-A inner${tests()} ${random.pick(ends)}`),
  ];
  const dump = (lines: readonly string[]): Ruleset => {
    const head = [`*${table}`, `:${chain} DROP [0:0]`, ':outer - [0:0]', ':inner - [0:0]'];
    const { ruleset, diagnostics } = parseDump([...head, ...lines, 'COMMIT', ''].join('\n'), { family: 'v4' });
    expect(diagnostics).toEqual([]);
    return ruleset;
  };
  const changed = rules.flatMap((rule, i) => {
    if (i % 17 === seed % 17) return [];
    return i % 23 === seed % 23 ? [`-A ${rule.split(' ')[1]}${tests()} -j ${i < 12 ? 'outer' : 'RETURN'}`] : [rule];
  });
  const [a, b] = [dump(rules), dump(changed)];
  const comparison = await compareChains(a, b, { table, chain });
  return holdAgainstReference(a, b, comparison, chain, seed);
}
