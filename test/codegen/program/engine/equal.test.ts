import { describe, expect, it } from 'vitest';
import { loadPrograms } from '../../../../bpf-runtime/kernel/raw-load.js';
import { parseDump } from '../../../../grammar/index.js';
import type { Family } from '../../../../grammar/model/family.js';
import { compile } from '../../../../codegen/program/index.js';
import { generatePackets } from '../../../../src/verify/generate.js';
import { randomDump } from '../../../../src/verify/random-ruleset.js';
import { verify } from '../../../../src/verify/verify.js';
import { reportText } from '../../../../src/verify/report.js';
import { KERNEL, skipReason } from '../../../support/machine.js';

const MISSING = skipReason(KERNEL);
const ENGINES = MISSING === '' ? (['interpreter', 'kernel'] as const) : (['interpreter'] as const);
const WHO = `interpreter, kernel${MISSING}`;

const PLACES = [
  { chain: 'INPUT', hook: 'xdp' },
  { chain: 'FORWARD', hook: 'tc' },
  { chain: 'OUTPUT', hook: 'tc' },
  { chain: 'INPUT', hook: 'netfilter' },
  { chain: 'FORWARD', hook: 'netfilter' },
  { chain: 'FORWARD', hook: 'xdp' },
] as const;

/** IPT2BPF_DAG_SEEDS: how many rulesets; IPT2BPF_SEED: the first one's seed. */
const SEEDS = Array.from(
  { length: Number(process.env.IPT2BPF_DAG_SEEDS ?? '6') },
  (_, i) => Number(process.env.IPT2BPF_SEED ?? '1') + i,
);
const PACKETS = Number(process.env.IPT2BPF_DAG_PACKETS ?? '250');

describe(`long random chains through diagrams, against the reference (${WHO})`, () => {
  const looked: number[] = [];

  it.each(SEEDS)('seed %i', { timeout: 600_000 }, async (seed) => {
    const family: Family = seed % 2 === 0 ? 'v4' : 'v6';
    const place = PLACES[seed % PLACES.length];
    const dump = randomDump(seed, {
      family,
      chain: place.chain,
      rules: 60 + ((seed * 131) % 340),
      marks: place.hook === 'tc',
      stateful: place.hook === 'netfilter',
      limits: 0.3,
      payloads: false,
      deepest: 1 + (seed % 5),
    });
    // At netfilter these are not translated.
    const refused = place.hook === 'netfilter' ? /addrtype|[SD]NAT/ : /^$/;
    const text = `${dump
      .split('\n')
      .filter((line) => line !== '' && !refused.test(line))
      .join('\n')}\n`;
    const { ruleset } = parseDump(text, { family });
    const options = { ...place, engine: 'dag' as const };
    const compiled = compile(ruleset, options);
    // What is not exact for one engine is so for all.
    if (!compiled.ok) {
      expect(compile(ruleset, { ...options, engine: 'linear' }).ok).toBe(false);
      return;
    }
    if (compiled.spec.data !== undefined) looked.push(seed);
    const packets = generatePackets(ruleset, { table: 'filter', chain: place.chain, count: PACKETS, seed });
    // Test runs at netfilter know no devices and no connections: there the kernel only verifies.
    const runs = place.hook !== 'netfilter';
    if (MISSING === '' && !runs) loadPrograms(compiled.object).close();
    const wanted = runs ? ENGINES : (['interpreter'] as const);
    const result = await verify(ruleset, text, packets, { ...options, engines: wanted, minimise: 0 });
    if (!result.ok) throw new Error('not compiled');
    const { job, engines } = result;
    expect(result.equal, reportText({ job, engines, seed, elapsed: 0 })).toBe(true);
    expect(engines.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
  });

  it('uses diagrams in some of them', () => {
    process.stdout.write(`diagrams: seeds ${looked.join(' ')}\n`);
    expect(looked.length).toBeGreaterThan(SEEDS.length / 3);
  });
});
