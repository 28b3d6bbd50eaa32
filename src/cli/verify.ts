import { readFileSync, writeFileSync } from 'node:fs';
import type { Packet } from '../../grammar/model/packet.js';
import { CaptureError, readCapture, writePcap } from '../packet/index.js';
import { generatePackets } from '../verify/generate.js';
import { ENGINES, type Chain, type EngineName } from '../verify/job.js';
import { reportJson, reportJunit, reportText } from '../verify/report.js';
import { verify } from '../verify/verify.js';
import { analyse } from '../../codegen/program/analysis.js';
import type { TranslationOptions } from './compile.js';
import { loadDump, type DumpOptions, type LoadedDump } from './dump.js';
import { EXIT, reasonOf, say, sayJson, tell, tellDiagnostics, UserError, type ExitCode } from './output.js';

interface Options extends DumpOptions, TranslationOptions {
  readonly chain: Chain;
  readonly pcap?: string;
  readonly packets: number;
  readonly seed: number;
  readonly engines: string;
  readonly savePcap?: string;
  readonly junit?: string;
  readonly json?: boolean;
}

/** Compares all engines on packets. Exit 0 equal, 1 not (or refused), 2 trouble. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const dump = loadDump(path, options);
  const engines = readEngines(options.engines);
  if (!Number.isInteger(options.packets) || options.packets < 1)
    throw new UserError('ipt2bpf: --packets must be a whole number from 1');
  if (!Number.isInteger(options.seed)) throw new UserError('ipt2bpf: --seed must be a whole number');
  const started = Date.now();
  const packets = options.pcap === undefined ? generated(dump, options) : captured(options.pcap, options);
  const progress = (text: string): void => {
    if (process.stderr.isTTY) tell(`ipt2bpf: ${text}`);
  };
  const result = await verify(dump.ruleset, dump.text, packets, {
    ...options,
    engines,
    progress,
    sourceFile: dump.file,
  });
  if (!result.ok) {
    tellDiagnostics(result.diagnostics, dump.file, dump.text);
    tell(`ipt2bpf: ${dump.file}: chain ${options.chain} is refused at ${options.hook}: there is nothing to verify`);
    return EXIT.different;
  }
  const seed = options.pcap === undefined ? { seed: options.seed } : {};
  const report = { job: result.job, engines: result.engines, ...seed, elapsed: Date.now() - started };
  if (options.json) sayJson(reportJson(report));
  else say(reportText(report));
  if (options.junit !== undefined) write(options.junit, reportJunit(report));
  if (options.savePcap !== undefined && !result.equal) {
    const frames = result.engines.flatMap((engine) => engine.mismatches.map(({ packet }) => ({ frame: packet.frame })));
    write(options.savePcap, writePcap(frames));
  }
  if (result.engines.every((engine) => engine.skipped !== undefined)) {
    throw new UserError('ipt2bpf: no engine could be asked: nothing was verified');
  }
  return result.equal ? EXIT.same : EXIT.different;
}

function readEngines(text: string): readonly EngineName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(ENGINES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UserError(`ipt2bpf: unknown engine "${unknown}" (known: ${ENGINES.join(', ')})`);
  return ENGINES.filter((name) => names.includes(name));
}

function generated(dump: LoadedDump, options: Options): readonly Packet[] {
  const result = analyse(dump.ruleset, options);
  if (!result.ok) return [];
  const { table } = result.analysis;
  return generatePackets(dump.ruleset, { table, chain: options.chain, count: options.packets, seed: options.seed });
}

function captured(path: string, options: Options): readonly Packet[] {
  try {
    const { packets } = readCapture(readFileSync(path));
    const place = {
      inInterface: options.chain === 'OUTPUT' ? '' : 'eth0',
      outInterface: options.chain === 'OUTPUT' || options.chain === 'FORWARD' ? 'eth0' : '',
    };
    return packets.map(({ frame }): Packet => ({ frame, ...place, mark: 0 }));
  } catch (error) {
    if (error instanceof CaptureError) throw new UserError(`ipt2bpf: ${path}: ${error.message}`);
    throw new UserError(`ipt2bpf: ${path}: ${reasonOf(error)}`);
  }
}

function write(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new UserError(`ipt2bpf: ${path}: ${reasonOf(error)}`);
  }
}
