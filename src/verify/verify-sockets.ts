import type { BuiltinChain } from '../../grammar/model/family.js';
import { analyseChains } from '../../codegen/program/analysis.js';
import { compile } from '../../codegen/program/index.js';
import type { CompileOptions } from '../../codegen/program/manifest.js';
import { knowsConnection } from '../../codegen/program/place.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { declaredStates } from './connection-state.js';
import { generatePackets } from './generate.js';
import type { EngineName, EngineReport, VerifyJob } from './job.js';
import { ask, type VerifyResult } from './verify.js';

export interface SocketVerifyOptions extends CompileOptions {
  readonly engines: readonly EngineName[];
  /** Packets of each chain; generated ones if left out. */
  readonly packets?: readonly Packet[];
  /** How many to generate, all chains together, and the seed of all that is left to chance. */
  readonly count: number;
  readonly seed: number;
  /** Text for `ipset restore`. */
  readonly ipset?: string;
  progress?(text: string): void;
}

/** Verifies an object for sockets, chain by chain: packets as the chain sees them, as if each came to a socket. */
export async function verifySockets(
  ruleset: Ruleset,
  text: string,
  options: SocketVerifyOptions,
): Promise<VerifyResult> {
  const compiled = compile(ruleset, { ...options, source: text });
  if (!compiled.ok) return compiled;
  const analysed = analyseChains(ruleset, options);
  if (!analysed.ok) return analysed;
  const { object, manifest } = compiled;
  const { family } = ruleset;
  const { analyses } = analysed;
  const count = Math.ceil(options.count / analyses.length);
  const sets = options.ipset === undefined ? {} : { ipset: options.ipset };
  const jobs = analyses.map((analysis): VerifyJob => {
    const { table, view } = analysis;
    const chain = analysis.chain as BuiltinChain;
    const packets = options.packets ?? generatePackets(ruleset, { table, chain, count, seed: options.seed });
    const states = knowsConnection(view) ? { states: declaredStates(packets.length, options.seed) } : {};
    return { ruleset, text, ...sets, family, table, chain, object, manifest, analysis, packets, ...states };
  });
  const engines: EngineReport[] = [];
  for (const job of jobs) {
    const refused = new Set<number>();
    for (const name of ['interpreter', 'kernel', 'iptables'] as const) {
      if (!options.engines.includes(name)) continue;
      options.progress?.(`${name}: ${job.chain}, ${job.packets.length} packets`);
      const report = await ask(job, name, refused);
      engines.push(jobs.length === 1 ? report : { ...report, chain: job.chain });
    }
  }
  const [first] = jobs;
  const packets = jobs.flatMap((job) => job.packets);
  return {
    ok: true,
    job: { ...first, packets },
    engines,
    equal: engines.every(({ mismatches }) => mismatches.length === 0),
  };
}
