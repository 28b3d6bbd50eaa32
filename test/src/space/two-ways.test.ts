import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { compareChains, type Comparison } from '../../../src/space/compare.js';
import type { Diagrams, Node } from '../../../src/space/diagram.js';
import type { Fate } from '../../../src/space/explore.js';
import { multiplied } from '../../../src/space/product.js';
import { Random } from '../../../src/verify/random.js';
import { randomDump } from '../../../src/verify/random-ruleset.js';

/** The same text for the same function of the same variables, in whatever diagrams. */
function textOf(diagrams: Diagrams, node: Node): string {
  const numbers = new Map<Node, number>();
  const lines: string[] = [];
  const walk = (f: Node): string => {
    if (f < 0) return `c${f}`;
    const known = numbers.get(f);
    if (known !== undefined) return `n${known}`;
    const children = diagrams.childrenOf(f).map(walk);
    numbers.set(f, numbers.size);
    lines.push(`${diagrams.variableOf(f)}: ${diagrams.highsOf(f).map((high, i) => `${high} ${children[i]}`)}`);
    return `n${numbers.size - 1}`;
  };
  return `${walk(node)} | ${lines.join(' | ')}`;
}

/** What a comparison says: pairs of fates, and for which packets. Rules have the same numbers in two comparisons. */
function saying(comparison: Comparison, strict: boolean): readonly string[] {
  const { space, pairs } = comparison;
  const fateText = ({ verdict, decider, hotdrop, counted }: Fate): string => {
    const who = decider.kind === 'rule' ? `${decider.chain} ${decider.number}` : 'policy';
    return `${verdict} ${who} ${hotdrop} ${strict ? counted.join() : ''}`;
  };
  return pairs
    .map((pair) => {
      const region = space.diagrams.and(multiplied(space.diagrams, comparison.regionOf(pair)), space.feasible);
      return `${fateText(pair.before)} -> ${fateText(pair.after)}: ${textOf(space.diagrams, region)}`;
    })
    .sort();
}

const PLACE = { table: 'filter', chain: 'INPUT' } as const;
/** Pairs of rulesets; a campaign may ask for more. */
const SEEDS = Array.from({ length: Number(process.env.IPT2BPF_DIFF_PAIRS ?? 12) }, (_, i) => i + 1);

describe('the first match and rectangles', () => {
  it.each(SEEDS)(
    'find the same differences: seed %i',
    async (seed) => {
      for (const rulesets of [randomPair(seed), chainsPair(seed)]) {
        for (const strict of [false, true]) {
          const found = await compareChains(...rulesets, { ...PLACE, strict });
          const wanted = await compareChains(...rulesets, { ...PLACE, strict, byRectangles: true });
          expect(saying(found, strict)).toEqual(saying(wanted, strict));
        }
      }
    },
    7_200_000,
  );
});

/** Rules with all that rules ask for, some of them others on the second side. */
function randomPair(seed: number): readonly [Ruleset, Ruleset] {
  const options = { family: 'v4', chain: 'INPUT', limits: 0.2, stateful: true, rules: 12 + (seed % 9) } as const;
  const random = new Random(seed);
  const lines = randomDump(seed, options).split('\n');
  const others = randomDump(seed + 500, options)
    .split('\n')
    .filter((line) => line.startsWith('-A INPUT'));
  const changed = lines.flatMap((line) => {
    if (!line.startsWith('-A') || random.chance(0.8)) return [line];
    return random.pick([[], [line, random.pick(others)], [line.replace(/-j (ACCEPT|RETURN)/, '-j DROP')]]);
  });
  return [parsed(lines), parsed(changed)];
}

/** Rules that count, log, call, and come back early, a few of them others on the second side. */
function chainsPair(seed: number): readonly [Ruleset, Ruleset] {
  const random = new Random(seed);
  const net = (): string => `10.${random.below(3)}.${random.below(4) * 64}.0/${random.pick([8, 16, 18, 24])}`;
  const tests = (): string =>
    [
      random.chance(0.8) ? ` -s ${net()}` : '',
      random.chance(0.3) ? ` -d ${net()}` : '',
      random.chance(0.5) ? ` -p tcp -m tcp --dport ${1 + random.below(5)}` : '',
    ].join('');
  const ends = ['-j RETURN', '-j RETURN', '-j ACCEPT', '-j DROP', '-j ACCEPT', '-j DROP', '-j LOG', ''];
  const rule = (chain: string): string => {
    const calls = chain === 'INPUT' ? ['-j outer', '-g outer'] : chain === 'outer' ? ['-j inner', '-g inner'] : [];
    return `-A ${chain}${tests()} ${random.pick([...ends, ...calls])}`;
  };
  const chains = ['INPUT', 'outer', 'inner'];
  const rules = chains.flatMap((chain) => Array.from({ length: 9 }, () => rule(chain)));
  const head = ['*filter', ':INPUT DROP [0:0]', ':outer - [0:0]', ':inner - [0:0]'];
  const changed = rules.flatMap((line) => {
    if (random.chance(0.85)) return [line];
    return random.pick([[], [line, rule(line.split(' ')[1])], [rule(line.split(' ')[1])]]);
  });
  return [parsed([...head, ...rules, 'COMMIT', '']), parsed([...head, ...changed, 'COMMIT', ''])];
}

function parsed(lines: readonly string[]): Ruleset {
  return parseDump(lines.join('\n'), { family: 'v4' }).ruleset;
}
