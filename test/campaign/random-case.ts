import { parseDump } from '../../grammar/index.js';
import type { Family } from '../../grammar/model/family.js';
import type { Hook, Mode } from '../../codegen/program/manifest.js';
import { generatePackets } from '../../src/verify/generate.js';
import type { Engine } from '../../codegen/program/manifest.js';
import type { EngineName } from '../../src/verify/job.js';
import { randomDump, type FilterChain } from '../../src/verify/random-ruleset.js';
import { reportText } from '../../src/verify/report.js';
import { verify, type VerifyResult } from '../../src/verify/verify.js';

/** One random ruleset, where it is compiled for, and how. All of it follows from the seed. */
export interface RandomCase {
  readonly seed: number;
  readonly family: Family;
  readonly chain: FilterChain;
  readonly hook: Hook;
  readonly mode: Mode;
  readonly engine: Engine;
}

const PLACES = [
  { chain: 'INPUT', hook: 'xdp' },
  { chain: 'FORWARD', hook: 'tc' },
  { chain: 'OUTPUT', hook: 'tc' },
  { chain: 'FORWARD', hook: 'xdp' },
  { chain: 'INPUT', hook: 'tc' },
] as const;

/**
 * Every place with both families; each fourth ruleset needs an early object; of the others some are looked up in diagrams
 * where they can be, all of them with IPT2BPF_ENGINE=dag.
 */
export function caseOf(seed: number): RandomCase {
  const family = seed % 2 === 0 ? 'v4' : 'v6';
  const mode = Math.floor(seed / 10) % 4 === 3 ? 'early' : 'exact';
  const forced = (['auto', 'linear', 'dag'] as const).find((name) => name === process.env.IPT2BPF_ENGINE);
  const engine = forced ?? (Math.floor(seed / 2) % 3 === 0 ? 'dag' : 'linear');
  return { seed, family, ...PLACES[Math.floor(seed / 2) % PLACES.length], mode, engine };
}

export function nameOf({ seed, family, chain, hook, mode, engine }: RandomCase): string {
  return `seed ${seed}: ${family} ${chain} at ${hook}, ${mode}, ${engine}`;
}

export function dumpOf({ seed, family, chain, hook, mode }: RandomCase): string {
  return randomDump(seed, { family, chain, stateful: mode === 'early', marks: hook !== 'xdp' || mode === 'early' });
}

export interface CaseOutcome {
  readonly text: string;
  readonly result: VerifyResult;
  /** Empty where all engines agree. */
  readonly trouble: string;
}

/** Compiles the ruleset and asks the engines about directed packets. */
export async function runCase(
  random: RandomCase,
  packets: number,
  engines: readonly EngineName[],
): Promise<CaseOutcome> {
  const { seed, family, chain, hook, mode, engine } = random;
  const text = dumpOf(random);
  const { ruleset, diagnostics } = parseDump(text, { family });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(`${nameOf(random)}: ${errors[0].message}\n${text}`);
  const directed = generatePackets(ruleset, { table: 'filter', chain, count: packets, seed });
  const result = await verify(ruleset, text, directed, { chain, hook, mode, engine, engines });
  return { text, result, trouble: troubleOf(random, text, result) };
}

function troubleOf(random: RandomCase, text: string, result: VerifyResult): string {
  if (!result.ok) return `${nameOf(random)}: ${result.diagnostics.map(({ message }) => message).join('; ')}\n${text}`;
  if (result.equal) return '';
  const report = reportText({ job: result.job, engines: result.engines, seed: random.seed, elapsed: 0 });
  return `${nameOf(random)}\n${report}\n${text}`;
}
