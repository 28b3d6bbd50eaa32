import type { BuiltinChain } from '../../grammar/model/family.js';
import { analyseChains, type Analysis } from '../../codegen/program/analysis.js';
import { compile } from '../../codegen/program/index.js';
import type { CompileOptions } from '../../codegen/program/manifest.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { ObjectComparison } from './compare-object.js';
import type { SequenceReport } from './compare-sequences.js';
import { declaredStates } from './connection-state.js';
import { converse } from './conversation.js';
import { chainsAt } from '../../codegen/program/place.js';
import { ENDLESS, isEndless } from './endless.js';
import { generatePackets } from './generate.js';
import { noVerdicts, type EngineName, type EngineReport, type Mismatch, type VerifyJob } from './job.js';
import { settleLocal } from './local-destinations.js';
import { NetfilterInterpreter } from './netfilter-interpreter.js';
import { Random } from './random.js';
import type { VerifyResult } from './verify.js';

export interface NetfilterVerifyOptions extends Omit<CompileOptions, 'hook'> {
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

/**
 * Verifies an object for netfilter hooks: chain by chain in the interpreter, with declared states of connections; and
 * as a whole in the kernel, attached, on a sequence of packets with answers, errors and connections, beside real
 * iptables, with the states that the kernel itself finds.
 */
export async function verifyNetfilter(
  ruleset: Ruleset,
  text: string,
  options: NetfilterVerifyOptions,
): Promise<VerifyResult> {
  const compiled = compile(ruleset, { ...options, hook: 'netfilter', source: text });
  if (!compiled.ok) return compiled;
  const analysed = analyseChains(ruleset, { ...options, hook: 'netfilter' });
  if (!analysed.ok) return analysed;
  const { object, manifest } = compiled;
  const { family } = ruleset;
  const random = new Random(options.seed);
  const chains = analysed.analyses.map(({ chain }) => chain as BuiltinChain);
  const jobs = analysed.analyses.map((analysis, i): VerifyJob => {
    const { table } = analysis;
    const chain = chains[i];
    const packets =
      options.packets ??
      generatePackets(ruleset, { table, chain, count: Math.ceil(options.count / chains.length), seed: options.seed });
    const states = declaredStates(packets.length, options.seed);
    return { ruleset, text, family, table, chain, object, manifest, analysis, packets, states };
  });
  const conversations = converse(
    shuffled(
      jobs.flatMap(({ packets }) => packets),
      random,
    ),
    random,
  );
  const settled = analysed.analyses.some(asksForLocal) ? settleLocal(conversations, family) : undefined;
  const sequence = settled?.packets ?? conversations;
  const whole: VerifyJob = { ...jobs[0], packets: sequence };
  const engines: EngineReport[] = [];
  if (options.engines.includes('interpreter')) {
    for (const job of jobs) {
      options.progress?.(`interpreter: ${job.chain}, ${job.packets.length} packets`);
      const report = new ObjectComparison(job, 'interpreter', new NetfilterInterpreter(job)).run();
      engines.push(jobs.length === 1 ? report : { ...report, chain: job.chain });
    }
  }
  const live = (['kernel', 'iptables'] as const).filter((name) => options.engines.includes(name));
  if (live.length > 0) {
    options.progress?.(`kernel and iptables: ${sequence.length} packets`);
    const timed = analysed.analyses.some(isTimed);
    engines.push(...(await askLive(whole, live, timed, { ipset: options.ipset, local: settled?.local })));
  }
  return { ok: true, job: whole, engines, equal: engines.every(({ mismatches }) => mismatches.length === 0) };
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** Whether some rule asks for what two runs may answer differently. */
function isTimed({ rules }: Analysis): boolean {
  let timed = false;
  for (const { meaning } of rules) {
    visitCondition(meaning.condition, {
      opaque: (test) =>
        (timed ||= !['ctstate', 'addrtype', 'owner', 'set', 'module', 'bridge-port', 'conntrack'].includes(test.name)),
    });
  }
  return timed;
}

/** Whether some rule asks whether an address is local. */
function asksForLocal({ rules }: Analysis): boolean {
  let asks = false;
  for (const { meaning } of rules) {
    visitCondition(meaning.condition, { opaque: (test) => (asks ||= test.name === 'addrtype') });
  }
  return asks;
}

/** The object in the kernel beside iptables: they are asked together, or neither. */
async function askLive(
  job: VerifyJob,
  names: readonly ('kernel' | 'iptables')[],
  timed: boolean,
  host: { readonly ipset: string | undefined; readonly local: readonly string[] | undefined },
): Promise<readonly EngineReport[]> {
  const skip = (reason: string): readonly EngineReport[] =>
    names.map((engine) => ({
      engine,
      skipped: reason,
      packets: 0,
      unasked: {},
      verdicts: noVerdicts(),
      notes: [],
      mismatches: [],
    }));
  if (process.platform !== 'linux') return skip('needs Linux');
  if (process.geteuid?.() !== 0) return skip('needs root');
  const { hook } = job.analysis;
  if (chainsAt(hook, job.table).some((chain) => isEndless({ ...job, chain }))) return skip(ENDLESS);
  const { compareSequences } = await import('./compare-sequences.js');
  const { isMissingTool, isUnsupportedRuleset } = await import('./missing-tool.js');
  try {
    const { family, text, ruleset, object, manifest, packets } = job;
    const judge = { object, manifest };
    const { ipset, local } = host;
    const given = { ...(ipset === undefined ? {} : { ipset }), ...(local === undefined ? {} : { local }) };
    const report = compareSequences({ family, ruleset: text, bound: ruleset, judge, packets, timed, ...given });
    return names.map((engine) => reportOf(engine, report, packets, timed));
  } catch (error) {
    const reason = isMissingTool(error) ?? isUnsupportedRuleset(error);
    if (reason === undefined) throw error;
    return skip(reason);
  }
}

function reportOf(
  engine: 'kernel' | 'iptables',
  report: SequenceReport,
  packets: readonly Packet[],
  timed: boolean,
): EngineReport {
  const states = Object.entries(report.states).map(([state, count]) => `${count} ${state}`);
  const object = [
    `attached at ${packets.length} packets of conversations, ${report.reached} of them came to a chain: ${states.join(', ')}`,
    timed
      ? 'verdicts that the answers of tests with memory allow; counters not compared'
      : `verdict and answer of each packet as iptables', ${report.counters} counters in packets and bytes`,
  ];
  const real = [`${report.referenced} verdicts as the reference has them with the state that the kernel saw`];
  const mine = engine === 'kernel' ? 'object' : 'iptables';
  const mismatches = report.mismatches
    .filter(({ who }) => who === mine)
    .map(({ what, index, want, have }): Mismatch => {
      const packet = packets[Math.max(index, 0)];
      return { engine, packet, index, what: what === 'reference' ? 'verdict' : what, want, have };
    });
  const unasked = { 'packet that comes to no chain': packets.length - report.reached };
  const notes = engine === 'kernel' ? object : real;
  return { engine, packets: report.reached, unasked, verdicts: report.verdicts, notes, mismatches };
}
