import type { BuiltinChain } from '../../grammar/model/family.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { analyse } from '../../codegen/program/analysis.js';
import { isSocketHook, isWireHook, knowsConnection } from '../../codegen/program/place.js';
import { lookupOf } from '../../codegen/program/lookup.js';
import { statesOf } from '../../codegen/program/wire-state.js';
import { compile } from '../../codegen/program/index.js';
import type { CompileOptions } from '../../codegen/program/manifest.js';
import { parseDump } from '../../grammar/index.js';
import { bindSets, parseSets } from '../../grammar/sets/index.js';
import { ObjectComparison } from './compare-object.js';
import { declaredStates } from './connection-state.js';
import { ENDLESS, isEndless } from './endless.js';
import { ENGINES, noVerdicts, type EngineName, type EngineReport, type Mismatch, type VerifyJob } from './job.js';
import { minimise } from './minimise.js';
import type { ObjectMachine } from './object-machine.js';

const DEFAULT_MINIMISE_MS = 5000;

/** What is compiled, and who is asked. */
export interface VerifyOptions extends CompileOptions {
  readonly chain: BuiltinChain;
  readonly engines?: readonly EngineName[];
  /** What `ipset save` printed: the sets of the ruleset, for iptables and for smaller examples. */
  readonly ipset?: string;
  /** At netfilter hooks: seed of the connection states that packets are declared to have. Default 0. */
  readonly stateSeed?: number;
  /** Milliseconds to look for a smaller example of each engine's first mismatch; 0: do not look. Default 5000. */
  readonly minimise?: number;
  /** Called now and then with what is being done. */
  progress?(text: string): void;
}

/** What each engine said; `equal` where no engine that ran differs from the reference. */
export type VerifyResult =
  | { readonly ok: true; readonly job: VerifyJob; readonly engines: readonly EngineReport[]; readonly equal: boolean }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles a chain and compares the reference with the object in the interpreter and in the kernel, and with real
 * iptables, on the given packets. Engines that cannot run here are reported as skipped, with the reason.
 */
export async function verify(
  ruleset: Ruleset,
  text: string,
  packets: readonly Packet[],
  options: VerifyOptions,
): Promise<VerifyResult> {
  const prepared = prepareJob(ruleset, text, packets, options);
  if (!prepared.ok) return prepared;
  const { job } = prepared;
  const wanted = options.engines ?? ENGINES;
  const engines: EngineReport[] = [];
  const refused = new Set<number>();
  for (const name of ENGINES) {
    if (name === 'model' || !wanted.includes(name)) continue;
    options.progress?.(`${name}: ${packets.length} packets`);
    const report = await ask(job, name, refused);
    engines.push(await withMinimised(job, report, options));
  }
  const equal = engines.every((engine) => engine.mismatches.length === 0);
  return { ok: true, job, engines, equal };
}

type PreparedJob =
  { readonly ok: true; readonly job: VerifyJob } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Compiles the chain. */
function prepareJob(ruleset: Ruleset, text: string, packets: readonly Packet[], options: VerifyOptions): PreparedJob {
  const compiled = compile(ruleset, { ...options, source: text });
  const analysed = analyse(ruleset, options);
  if (!compiled.ok) return compiled;
  if (!analysed.ok) return analysed;
  const { manifest, object } = compiled;
  const { analysis } = analysed;
  const { family } = ruleset;
  const { chain } = options;
  const states = knowsConnection(analysis.view)
    ? { states: declaredStates(packets.length, options.stateSeed ?? 0) }
    : {};
  const { table } = analysis;
  const sets = options.ipset === undefined ? {} : { ipset: options.ipset };
  const job: VerifyJob = {
    ruleset,
    text,
    ...sets,
    family,
    table,
    chain,
    object,
    manifest,
    analysis,
    packets,
    ...states,
  };
  return { ok: true, job };
}

/** The report with its first mismatch on fewer rules and a plainer packet, where a packet by itself shows one. */
async function withMinimised(job: VerifyJob, report: EngineReport, options: VerifyOptions): Promise<EngineReport> {
  const { engine } = report;
  const budget = options.minimise ?? DEFAULT_MINIMISE_MS;
  const mismatch = report.mismatches.find(({ index }) => index >= 0);
  if (mismatch === undefined || engine === 'model' || budget <= 0) return report;
  options.progress?.(`${engine}: looking for a smaller example`);
  const reproduce = (text: string, packets: readonly Packet[]): Promise<readonly Mismatch[]> =>
    askAgain(job, engine, text, packets, options);
  const minimised = await minimise(job, mismatch, { budget, reproduce });
  return minimised === undefined ? report : { ...report, minimised };
}

async function askAgain(
  { family }: VerifyJob,
  engine: Exclude<EngineName, 'model'>,
  text: string,
  packets: readonly Packet[],
  options: VerifyOptions,
): Promise<readonly Mismatch[]> {
  const { ruleset, diagnostics } = parseDump(text, { family });
  if (diagnostics.some(({ severity }) => severity === 'error')) return [];
  const bound = options.ipset === undefined ? ruleset : bindSets(ruleset, parseSets(options.ipset).sets);
  const prepared = prepareJob(bound, text, packets, options);
  return prepared.ok ? (await ask(prepared.job, engine, new Set())).mismatches : [];
}

/** Asks one engine. `refused` collects what objects did not accept, for iptables to contradict. */
export async function ask(
  job: VerifyJob,
  name: Exclude<EngineName, 'model'>,
  refused: Set<number>,
): Promise<EngineReport> {
  const needsRoot = name !== 'interpreter';
  if (needsRoot && process.geteuid?.() !== 0) return skipped(name, 'needs root');
  if (needsRoot && process.platform !== 'linux') return skipped(name, 'needs Linux');
  if (name === 'iptables') {
    if (isEndless(job)) return skipped(name, ENDLESS);
    const { compareWithIptables } = await import('./compare-iptables.js');
    return orSkipped(name, () => compareWithIptables(job, refused));
  }
  const machine = name === 'kernel' ? await kernelMachine(job) : await interpreterMachine(job);
  if ('skipped' in machine) return machine;
  try {
    const comparison = new ObjectComparison(job, name, machine);
    const report = comparison.run();
    // iptables sees connections of its own, not the states that packets were declared to have.
    const asked = lookupOf(job.analysis) !== undefined;
    const declared = asked || (job.states !== undefined && statesOf(job.analysis).size > 0);
    if (!declared) for (const index of comparison.refused) refused.add(index);
    return report;
  } finally {
    machine.close();
  }
}

async function interpreterMachine(job: VerifyJob): Promise<ObjectMachine> {
  if (!isWireHook(job.manifest.hook)) {
    const { NetfilterInterpreter } = await import('./netfilter-interpreter.js');
    return new NetfilterInterpreter(job);
  }
  const { InterpreterMachine } = await import('./interpreter-machine.js');
  return new InterpreterMachine(job);
}

async function kernelMachine(job: VerifyJob): Promise<ObjectMachine | (EngineReport & { readonly skipped: string })> {
  const { KernelMachine, SocketMachine } = await import('./kernel-machine.js');
  const { isMissingTool } = await import('./missing-tool.js');
  try {
    return isSocketHook(job.manifest.hook) ? new SocketMachine(job) : new KernelMachine(job);
  } catch (error) {
    const reason = isMissingTool(error);
    if (reason === undefined) throw error;
    return skipped('kernel', reason);
  }
}

async function orSkipped(name: EngineName, run: () => EngineReport): Promise<EngineReport> {
  const { isMissingTool, isUnsupportedRuleset } = await import('./missing-tool.js');
  try {
    return run();
  } catch (error) {
    const reason = isMissingTool(error) ?? isUnsupportedRuleset(error);
    if (reason === undefined) throw error;
    return skipped(name, reason);
  }
}

function skipped(engine: EngineName, reason: string): EngineReport & { readonly skipped: string } {
  return { engine, skipped: reason, packets: 0, unasked: {}, verdicts: noVerdicts(), notes: [], mismatches: [] };
}
