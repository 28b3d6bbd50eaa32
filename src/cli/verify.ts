import { type BuiltinChain, isLeaving } from '../../grammar/model/family.js';
import { readFileSync } from 'node:fs';
import { didYouMean } from '../../grammar/modules/value/suggest.js';
import type { Packet } from '../../grammar/model/packet.js';
import { CaptureError, readCapture, writePcap } from '../packet/index.js';
import { generatePackets } from '../verify/generate.js';
import { ENGINES, type EngineName, type EngineReport } from '../verify/job.js';
import { reportJson, reportJunit, reportText } from '../verify/report.js';
import { verify, type VerifyResult } from '../verify/verify.js';
import { isSocketHook } from '../../codegen/program/place.js';
import { analyse } from '../../codegen/program/analysis.js';
import { placeOf, type TranslationOptions } from './compile.js';
import { loadRules, type DumpOptions, type LoadedDump } from './dump.js';
import { checkWritable, writeWhole } from './files.js';
import { isRefusal } from './refusal.js';
import { EXIT, reasonOf, sayJson, show, tell, tellDiagnostics, UserError, userError, type ExitCode } from './output.js';

interface Options extends DumpOptions, TranslationOptions {
  /** May be missing at netfilter alone. */
  readonly chain?: BuiltinChain;
  readonly pcap?: string;
  readonly packets: number;
  readonly seed: number;
  readonly engines: string;
  readonly savePcap?: string;
  readonly junit?: string;
  readonly json?: boolean;
  readonly prove?: boolean;
  readonly object?: string;
}

/** Compares all engines on packets. Exit 0 equal, 1 not (or refused), 2 trouble. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  if (options.prove) return (await import('./prove.js')).runProof(path, options);
  if (options.object !== undefined) throw userError('usage', '--object is for --prove');
  const engines = readEngines(options.engines);
  const { pcap, junit, savePcap } = options;
  for (const output of [junit, savePcap]) {
    if (output !== undefined) checkWritable(output, [path, ...(pcap === undefined ? [] : [pcap])]);
  }
  const dump = loadRules(path, options);
  const started = Date.now();
  const progress = (text: string): void => {
    if (process.stderr.isTTY) tell(`ipt2bpf: ${text}`);
  };
  const result = await compared(dump, options, engines, progress);
  if (!result.ok) {
    tellDiagnostics(result.diagnostics, dump.file, dump.text);
    if (!isRefusal(result.diagnostics)) throw new UserError(`ipt2bpf: ${dump.file}: there is nothing to verify`);
    if (options.json) sayJson({ compiled: false, diagnostics: result.diagnostics });
    tell(`ipt2bpf: ${dump.file}: ${placeOf(options)} is refused at ${options.hook}: there is nothing to verify`);
    return EXIT.different;
  }
  const seed = pcap === undefined ? { seed: options.seed } : {};
  const report = { job: result.job, engines: result.engines, ...seed, elapsed: Date.now() - started };
  if (junit !== undefined) writeWhole(junit, reportJunit(report));
  refuseIfUnasked(result.engines);
  if (options.json) sayJson(reportJson(report));
  else show(reportText(report));
  if (savePcap !== undefined && !result.equal) {
    const frames = result.engines.flatMap((engine) => engine.mismatches.map(({ packet }) => ({ frame: packet.frame })));
    writeWhole(savePcap, writePcap(frames));
  }
  return result.equal ? EXIT.same : EXIT.different;
}

/** Runs the engines: on the wire packet by packet, at netfilter on conversations. */
async function compared(
  dump: LoadedDump,
  options: Options,
  engines: readonly EngineName[],
  progress: (text: string) => void,
): Promise<VerifyResult> {
  const { pcap, chain, hook } = options;
  const { ipset: _file, ...others } = options;
  const sets = dump.ipset === undefined ? {} : { ipset: dump.ipset };
  const settings = { ...others, ...sets, engines, progress, sourceFile: dump.file };
  if (hook === 'netfilter') {
    const { verifyNetfilter } = await import('../verify/verify-netfilter.js');
    const { packets: count, ...rest } = settings;
    const given = pcap === undefined ? {} : { packets: captured(pcap, chain) };
    return verifyNetfilter(dump.ruleset, dump.text, { ...rest, ...given, count });
  }
  if (isSocketHook(hook)) {
    const { verifySockets } = await import('../verify/verify-sockets.js');
    const { packets: count, ...rest } = settings;
    const given = pcap === undefined ? {} : { packets: captured(pcap, chain) };
    return verifySockets(dump.ruleset, dump.text, { ...rest, ...given, count });
  }
  if (chain === undefined) throw userError('usage', `--hook ${hook} needs a chain`);
  const packets = pcap === undefined ? generated(dump, { ...options, chain }) : captured(pcap, chain);
  return verify(dump.ruleset, dump.text, packets, { ...settings, chain });
}

/** "Equal" without a second opinion would be no evidence. */
function refuseIfUnasked(engines: readonly EngineReport[]): void {
  if (engines.some(({ skipped }) => skipped === undefined)) return;
  const reasons = engines.map(({ engine, skipped }) => `${engine} skipped: ${skipped}`).join('; ');
  throw userError('nothing-verified', `nothing was verified (${reasons})`);
}

/** The reference, `model`, is always asked: naming it alone leaves nothing to compare it with. */
function readEngines(text: string): readonly EngineName[] {
  const names = text.split(',').map((name) => name.trim());
  const known: readonly string[] = ENGINES;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, ENGINES) ?? `known: ${ENGINES.join(', ')}`;
    throw userError('usage', `unknown engine "${unknown}" (${hint})`);
  }
  const engines = ENGINES.filter((name) => names.includes(name));
  if (engines.every((name) => name === 'model')) {
    throw userError('usage', 'model is the reference: name an engine to compare it with');
  }
  return engines;
}

function generated(dump: LoadedDump, options: Options & { readonly chain: BuiltinChain }): readonly Packet[] {
  const result = analyse(dump.ruleset, options);
  if (!result.ok) return [];
  const { table } = result.analysis;
  return generatePackets(dump.ruleset, { table, chain: options.chain, count: options.packets, seed: options.seed });
}

function captured(path: string, chain: BuiltinChain | undefined): readonly Packet[] {
  try {
    const { packets } = readCapture(readFileSync(path));
    if (packets.length === 0) throw userError('no-packet', `${path}: there is no packet in it`);
    const place = {
      inInterface: chain !== undefined && isLeaving(chain) ? '' : 'eth0',
      outInterface: chain === 'FORWARD' || (chain !== undefined && isLeaving(chain)) ? 'eth0' : '',
    };
    return packets.map(({ frame }): Packet => ({ frame, ...place, mark: 0 }));
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof CaptureError) throw userError('bad-capture', `${path}: ${error.message}`);
    throw userError('not-readable', `${path}: ${reasonOf(error)}`);
  }
}
