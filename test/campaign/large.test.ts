/**
 * Long rulesets through the reference, the interpreter, the kernel and iptables: verdict, rule and all counters, by every engine.
 * IPT2BPF_LARGE=N,M: so many rulesets of so many packets each; IPT2BPF_LARGE_RULES: rules of the longest; IPT2BPF_SEED: the first seed.
 */
import { describe, expect, it } from 'vitest';
import { generateRuleset, KINDS } from '../../bench/generate.js';
import { parseDump } from '../../grammar/index.js';
import type { Family } from '../../grammar/model/family.js';
import { generatePackets } from '../../src/verify/generate.js';
import { Random } from '../../src/verify/random.js';
import { randomDump } from '../../src/verify/random-ruleset.js';
import { reportText } from '../../src/verify/report.js';
import { verify } from '../../src/verify/verify.js';
import { ENGINES, ENGINES_HERE } from '../support/machine.js';

const [RULESETS, PACKETS] = (process.env.IPT2BPF_LARGE ?? '6,60').split(',').map(Number);
const MOST_RULES = Number(process.env.IPT2BPF_LARGE_RULES ?? '900');
const LEAST_RULES = 300;
const FIRST = Number(process.env.IPT2BPF_SEED ?? '1');
const HOOKS = ['xdp', 'tc'] as const;
/** What one program cannot hold is refused; rules in turn are held to no more than the kernel takes. */
const TOO_LARGE = /too (large|many|long)/;

interface Large {
  readonly name: string;
  readonly family: Family;
  readonly text: string;
}

/** Sizes from {@link LEAST_RULES} on, each factor as likely as another. */
function largeOf(seed: number): Large {
  const random = new Random(seed);
  const share = random.below(1000) / 999;
  const rules = Math.round(LEAST_RULES * (MOST_RULES / LEAST_RULES) ** share);
  const kind = ([...KINDS, 'random', 'random'] as const)[seed % (KINDS.length + 2)];
  if (kind !== 'random') {
    return { name: `${kind}, ${rules} rules`, family: 'v4', text: generateRuleset(kind, rules, seed).text };
  }
  const family = random.chance(0.5) ? 'v4' : 'v6';
  const text = randomDump(seed, { family, chain: 'INPUT', rules, marks: false, limits: 0.2, deepest: 4 });
  return { name: `random, ${family}, ${rules} rules`, family, text };
}

const SEEDS = Array.from({ length: RULESETS }, (_, i) => FIRST + i);
const CASES = SEEDS.flatMap((seed) => (['auto', 'dag', 'linear'] as const).map((engine) => ({ seed, engine })));

describe(`long rulesets, ${PACKETS} packets each (${ENGINES_HERE})`, () => {
  it.each(CASES)('seed $seed, engine $engine', { timeout: 1_800_000 }, async ({ seed, engine }) => {
    const { name, family, text } = largeOf(seed);
    const { ruleset, diagnostics } = parseDump(text, { family });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const place = { hook: HOOKS[seed % HOOKS.length], chain: 'INPUT', engine } as const;
    const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: PACKETS, seed });
    const result = await verify(ruleset, text, packets, { ...place, engines: ENGINES, minimise: 0 });
    if (!result.ok) {
      const why = result.diagnostics.map(({ message }) => message).join('; ');
      process.stdout.write(`${name}, ${engine}: refused: ${why}\n`);
      expect(engine).not.toBe('auto');
      expect(why).toMatch(TOO_LARGE);
      return;
    }
    const report = reportText({ job: result.job, engines: result.engines, seed, elapsed: 0 });
    expect(result.equal, `${name}\n${report}`).toBe(true);
    expect(result.engines.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
  });
});
