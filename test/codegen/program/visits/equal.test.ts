/**
 * Chains that are judged once for all jumps to them, against the reference: verdict, rule and all counters. `IPT2BPF_VISITS_SEEDS`: how many rulesets;
 * `IPT2BPF_SEED`: the first one's seed.
 */
import { describe, expect, it } from 'vitest';
import { loadPrograms } from '../../../../bpf-runtime/kernel/raw-load.js';
import { compile } from '../../../../codegen/program/index.js';
import { generatePackets } from '../../../../src/verify/generate.js';
import { Random } from '../../../../src/verify/random.js';
import { reportText } from '../../../../src/verify/report.js';
import { verifyNetfilter } from '../../../../src/verify/verify-netfilter.js';
import { verify } from '../../../../src/verify/verify.js';
import { KERNEL, skipReason } from '../../../support/machine.js';
import { rulesetOf } from '../rulesets.js';
import { chainGraph } from './chain-graphs.js';

const MISSING = skipReason(KERNEL);
const ENGINES = MISSING === '' ? (['interpreter', 'kernel'] as const) : (['interpreter'] as const);
const FIRST = Number(process.env.IPT2BPF_SEED ?? '1');
const SEEDS = Array.from({ length: Number(process.env.IPT2BPF_VISITS_SEEDS ?? '12') }, (_, i) => FIRST + i);
const PACKETS = Number(process.env.IPT2BPF_VISITS_PACKETS ?? '150');

const PLACES = [
  { hook: 'xdp', chain: 'INPUT' },
  { hook: 'tc', chain: 'OUTPUT' },
  { hook: 'netfilter', chain: 'INPUT' },
  { hook: 'tc', chain: 'FORWARD' },
  { hook: 'cgroup', chain: 'INPUT' },
] as const;
const JUDGES = ['linear', 'dag', 'auto'] as const;

describe(`chains that are judged once, against the reference (interpreter, kernel${MISSING})`, () => {
  const visited: number[] = [];

  it.each(SEEDS)('seed %i', { timeout: 300_000 }, async (seed) => {
    const random = new Random(seed);
    const place = PLACES[seed % PLACES.length];
    const engine = JUDGES[seed % JUDGES.length];
    const unlike = seed % 2 === 0 ? 0 : 0.03;
    const text = chainGraph(random, {
      chain: place.chain,
      chains: 4 + random.below(11),
      rules: 3 + (seed % 3) * 3,
      unlike,
    });
    const ruleset = rulesetOf(text);
    const options = { ...place, engine, visitOnce: Math.floor(seed / 3) % 3, reject: 'drop' } as const;
    const compiled = compile(ruleset, options);
    if (!compiled.ok) throw new Error(`seed ${seed}: ${compiled.diagnostics.map(({ message }) => message).join('; ')}`);
    if (compiled.spec.program.functions.some(({ name }) => name.endsWith('visits'))) visited.push(seed);
    const packets = generatePackets(ruleset, { table: 'filter', chain: place.chain, count: PACKETS, seed });
    // Test runs at netfilter know no devices and no connections: there the kernel only verifies.
    const runs = place.hook !== 'netfilter';
    if (MISSING === '' && !runs) loadPrograms(compiled.object).close();
    const result = await verify(ruleset, text, packets, {
      ...options,
      engines: runs ? ENGINES : ['interpreter'],
      minimise: 0,
    });
    if (!result.ok) throw new Error('not compiled');
    const { job, engines } = result;
    expect(result.equal, `${reportText({ job, engines, seed, elapsed: 0 })}\n${text}`).toBe(true);
    expect(engines.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
  });

  it('judges chains once in most of them', () => {
    expect(visited.length).toBeGreaterThan(SEEDS.length / 2);
  });

  it('a table of whose chains one alone leads to others', { timeout: 300_000 }, async () => {
    const graph = chainGraph(new Random(FIRST), { chain: 'INPUT', chains: 8, rules: 5, unlike: 0 });
    const text = graph.replace('COMMIT', '-A FORWARD -p udp\n-A FORWARD -p tcp -j DROP\n-A OUTPUT -p tcp\nCOMMIT');
    const options = {
      engines: ['interpreter'],
      count: 3 * PACKETS,
      seed: FIRST,
      visitOnce: 0,
      reject: 'drop',
    } as const;
    const result = await verifyNetfilter(rulesetOf(text), text, options);
    if (!result.ok) throw new Error('not compiled');
    expect(result.engines.map(({ chain, mismatches }) => [chain, mismatches])).toEqual([
      ['INPUT', []],
      ['FORWARD', []],
      ['OUTPUT', []],
    ]);
  });
});
