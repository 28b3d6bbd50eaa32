/**
 * Rulesets that decision diagrams and optimizers like least, through the reference, the interpreter and the kernel: verdict, rule and
 * all counters. `IPT2BPF_HOSTILE=10000` makes them as long as that.
 */
import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../../bpf-runtime/kernel/load.js';
import { parseDump } from '../../../../grammar/index.js';
import { compile } from '../../../../codegen/program/index.js';
import type { Engine } from '../../../../codegen/program/manifest.js';
import { generatePackets } from '../../../../src/verify/generate.js';
import { Random } from '../../../../src/verify/random.js';
import { reportText } from '../../../../src/verify/report.js';
import { verify } from '../../../../src/verify/verify.js';
import { KERNEL, skipReason } from '../../../support/machine.js';

const MISSING = skipReason(KERNEL);
const ENGINES = MISSING === '' ? (['interpreter', 'kernel'] as const) : (['interpreter'] as const);
const WHO = `interpreter, kernel${MISSING}`;
const RULES = Number(process.env.IPT2BPF_HOSTILE ?? '80');
const PACKETS = Number(process.env.IPT2BPF_HOSTILE_PACKETS ?? '80');
const SEED = Number(process.env.IPT2BPF_SEED ?? '1');

interface Hostile {
  readonly name: string;
  /** Lines of a table: chains besides the built-in ones, and rules. */
  make(random: Random, count: number): { readonly chains: readonly string[]; readonly rules: readonly string[] };
}

const BUILT_IN = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`);
const pick = <T>(random: Random, of: readonly T[]): T => of[random.below(of.length)];
const TARGETS = ['-j ACCEPT', '-j DROP', ''] as const;
const address = (random: Random): string => `10.${random.below(4)}.${random.below(4)}.${random.below(8)}`;
const many = (count: number, rule: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => rule(i));

const KINDS: readonly Hostile[] = [
  {
    name: 'all rules overlap',
    make: (random, count) => ({
      chains: [],
      rules: many(count, (i) => {
        const bits = random.below(9);
        const ports = `${random.below(30_000)}:${30_000 + random.below(35_000)}`;
        return `-A INPUT -s 10.0.0.0/${bits} -d 10.0.0.0/${random.below(9)} -p ${i % 2 ? 'tcp' : 'udp'} -m ${i % 2 ? 'tcp' : 'udp'} --dport ${ports} ${i % 3 === 0 ? '' : pick(random, TARGETS)}`;
      }),
    }),
  },
  {
    name: 'all masks differ',
    make: (random, count) => ({
      chains: [],
      rules: many(count, (i) => {
        const mask = (shift: number): string =>
          [24, 16, 8, 0].map((at) => (((0xff00ff00 >>> 0) ^ Math.imul(i + shift, 0x9e3779b1)) >>> at) & 255).join('.');
        return `-A INPUT -s ${address(random)}/${mask(1)} -d ${address(random)}/${mask(7)} ${pick(random, TARGETS)}`;
      }),
    }),
  },
  {
    name: 'deep chains with RETURN and goto',
    make: (random, count) => {
      const depth = Math.min(40, Math.max(4, count >> 3));
      const chains = many(depth, (i) => `C${i}`);
      const each = Math.max(2, Math.floor(count / depth));
      const body = chains.flatMap((chain, level) =>
        many(each, (i) => {
          const to = chains[level + 1];
          const test = `-s 10.0.0.0/${8 + random.below(18)}`;
          if (to !== undefined && i === each - 1) return `-A ${chain} -j ${to}`;
          if (to !== undefined && random.below(6) === 0)
            return `-A ${chain} ${test} -${pick(random, ['j', 'g'])} ${to}`;
          return `-A ${chain} ${test} -d ${address(random)} ${pick(random, ['-j RETURN', '-j RETURN', '-j DROP', ''])}`;
        }),
      );
      return { chains, rules: ['-A INPUT -p tcp -j C0', '-A INPUT -j C0', ...body] };
    },
  },
  {
    name: 'rules that only count, and negations',
    make: (random, count) => ({
      chains: [],
      rules: many(count, (i) => {
        const not = (): string => (random.below(2) === 0 ? '! ' : '');
        return `-A INPUT ${not()}-s ${address(random)}/${24 + random.below(9)} ${not()}-d ${address(random)} ${i % 20 === 19 ? '-j DROP' : ''}`;
      }),
    }),
  },
  {
    // Each in a list of its own: a packet has one hit, behind which it goes on.
    name: 'rules that only count, of one protocol each',
    make: (_, count) => ({ chains: [], rules: many(Math.min(200, count), (i) => `-A INPUT -p ${20 + i}`) }),
  },
  {
    // All of them decide, and so many are in several diagrams.
    name: 'rules that all decide',
    make: (random, count) => ({
      chains: [],
      rules: many(6 * count, (i) => {
        const wide = `10.${random.below(256)}.0.0/${1 + random.below(15)}`;
        const narrow = (): string =>
          `10.${random.below(256)}.${random.below(256)}.${random.below(256)}/${25 + random.below(8)}`;
        const [from, to] = [
          [wide, narrow()],
          [narrow(), wide],
          [narrow(), narrow()],
        ][i % 3];
        const ports = `${random.below(30_000)}:${30_000 + random.below(35_000)}`;
        return `-A INPUT -s ${from} -d ${to} -p tcp -m tcp --dport ${ports} ${pick(random, TARGETS.slice(0, 2))}`;
      }),
    }),
  },
];

/** Rules that surely fit in a program when they are judged in turn. */
const MOST_IN_TURN = 20_000;
/** Functions of a program (BPF_MAX_SUBPROGS). */
const MOST_FUNCTIONS = 256;

describe('diagrams that nearly each need functions of their own', () => {
  const mostRules = 2_000;
  const masks = KINDS.find(({ name }) => name === 'all masks differ')?.make(new Random(SEED), mostRules).rules ?? [];
  const text = ['*filter', ...BUILT_IN, ...masks, 'COMMIT', ''].join('\n');
  const compiled = compile(parseDump(text, { family: 'v4' }).ruleset, { hook: 'xdp', chain: 'INPUT', engine: 'dag' });
  if (!compiled.ok) throw new Error('not compiled');

  it('are made as long as a program has functions', () => {
    expect(compiled.spec.program.functions.length).toBeGreaterThan(60);
    expect(compiled.spec.program.functions.length).toBeLessThan(MOST_FUNCTIONS / 2);
  });

  it.skipIf(MISSING !== '')(`load${MISSING}`, () => {
    loadObject(compiled.object).close();
  });
});

describe(`hostile rules, ${RULES} of them (${WHO})`, () => {
  const cases = KINDS.flatMap((kind) => (['linear', 'dag', 'auto'] as const).map((engine) => ({ ...kind, engine })));
  it.each(cases)('$name, engine $engine', { timeout: 900_000 }, async ({ name, make, engine }) => {
    const random = new Random(SEED);
    const { chains, rules } = make(random, RULES);
    const text = ['*filter', ...BUILT_IN, ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT', ''].join(
      '\n',
    );
    const { ruleset, diagnostics } = parseDump(text, { family: 'v4' });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const place = { hook: 'xdp', chain: 'INPUT', engine: engine satisfies Engine } as const;
    const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: PACKETS, seed: SEED });
    const result = await verify(ruleset, text, packets, { ...place, engines: ENGINES, minimise: 0 });
    // The kernel takes a million instructions.
    if (!result.ok && engine === 'linear' && rules.length > MOST_IN_TURN) {
      expect(result.diagnostics).toMatchObject([{ code: 'too-large' }]);
      return;
    }
    if (!result.ok) throw new Error(`${name}: ${result.diagnostics.map(({ message }) => message).join('; ')}`);
    expect(result.equal, reportText({ job: result.job, engines: result.engines, seed: SEED, elapsed: 0 })).toBe(true);
    expect(result.engines.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
  });
});
