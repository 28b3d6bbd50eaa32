import type { BuiltinChain } from '../../grammar/model/family.js';
import { readObject } from '../../codegen/object/read.js';
import { ObjectError } from '../../codegen/object/error.js';
import { analyse } from '../../codegen/program/analysis.js';
import { compile } from '../../codegen/program/index.js';
import type { Hook, Manifest } from '../../codegen/program/manifest.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { judge } from '../prove/judge.js';
import { proofJson, proofText, type Judgement, type ProofReport } from '../prove/report.js';
import type { VerifyJob } from '../verify/job.js';
import { placeOf, type TranslationOptions } from './compile.js';
import { loadRules, type DumpOptions, type LoadedDump } from './dump.js';
import { readInput } from './files.js';
import { EXIT, sayJson, show, tell, tellDiagnostics, UserError, userError, type ExitCode } from './output.js';
import { isRefusal } from './refusal.js';

export interface ProveOptions extends DumpOptions, Omit<TranslationOptions, 'hook' | 'chain'> {
  readonly hook?: Hook;
  readonly chain?: BuiltinChain;
  /** An object file to prove; the compiled dump if left out. */
  readonly object?: string;
  readonly json?: boolean;
}

/** Proves an object against a dump. Exit 0 proved, 1 refuted (or not compiled), 2 not proved. */
export async function runProof(path: string, options: ProveOptions): Promise<ExitCode> {
  const dump = loadRules(path, options);
  const jobs = options.object === undefined ? compiledJobs(dump, options) : objectJobs(dump, options, options.object);
  if (jobs === undefined) return EXIT.different;
  const reports: ProofReport[] = [];
  for (const job of jobs) reports.push({ job, judgement: await judge(job) });
  if (options.json) sayJson(reports.length === 1 ? proofJson(reports[0]) : reports.map(proofJson));
  else show(reports.map(proofText).join('\n'));
  return exitOf(reports.map(({ judgement }) => judgement));
}

function exitOf(judgements: readonly Judgement[]): ExitCode {
  if (judgements.some(({ kind }) => kind === 'refuted')) return EXIT.different;
  return judgements.every(({ kind }) => kind === 'proved') ? EXIT.same : EXIT.trouble;
}

function compiledJobs(dump: LoadedDump, options: ProveOptions): readonly VerifyJob[] | undefined {
  const { hook } = options;
  if (hook === undefined) throw userError('usage', '--prove needs --hook, or an object (--object)');
  const settings = { ...options, hook };
  const result = compile(dump.ruleset, { ...settings, source: dump.text, sourceFile: dump.file });
  if (!result.ok) {
    tellDiagnostics(result.diagnostics, dump.file, dump.text);
    if (!isRefusal(result.diagnostics)) throw new UserError(`ipt2bpf: ${dump.file}: there is nothing to prove`);
    if (options.json) sayJson({ compiled: false, diagnostics: result.diagnostics });
    tell(`ipt2bpf: ${dump.file}: ${placeOf(options)} is refused at ${hook}: there is nothing to prove`);
    return undefined;
  }
  return jobsOf(dump, result.manifest, result.object);
}

function objectJobs(dump: LoadedDump, options: ProveOptions, file: string): readonly VerifyJob[] {
  const object = new Uint8Array(readInput(file));
  const manifest = manifestOf(object, file);
  for (const [name, asked, found] of [
    ['--hook', options.hook, manifest.hook],
    ['--table', options.table, manifest.table],
    ['--family', dump.ruleset.family, manifest.family],
  ] as const) {
    if (asked !== undefined && asked !== found) {
      throw userError('other-place', `${file}: the object is for ${found}, not for ${asked} (${name})`);
    }
  }
  const jobs = jobsOf(dump, manifest, object).filter(
    ({ chain }) => options.chain === undefined || chain === options.chain,
  );
  if (jobs.length === 0) throw userError('no-chain', `${file}: the object does not judge chain ${options.chain}`);
  return jobs;
}

function manifestOf(object: Uint8Array, file: string): Manifest {
  try {
    const manifest: unknown = JSON.parse(readObject(object).manifest);
    if (isManifest(manifest)) return manifest;
  } catch (error) {
    if (!(error instanceof ObjectError) && !(error instanceof SyntaxError)) throw error;
  }
  throw userError('bad-object', `${file}: this is no object of ipt2bpf`);
}

/** The compiler's own JSON, by its format number. */
function isManifest(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 1 && 'counters' in value;
}

/** One proof for each program of the object. */
export function jobsOf({ ruleset, text }: LoadedDump, manifest: Manifest, object: Uint8Array): readonly VerifyJob[] {
  const { hook, table, mode, fragments, reject, vlan, family } = manifest;
  return manifest.programs.flatMap(({ chain }): readonly VerifyJob[] => {
    const analysed = analyse(ruleset, { hook, chain, table, mode, fragments, reject, vlan });
    if (!analysed.ok) throw new UserError(reasonsOf(analysed.diagnostics, ruleset));
    const { analysis } = analysed;
    return [{ ruleset, text, family, table, chain, object, manifest, analysis, packets: [] }];
  });
}

function reasonsOf(diagnostics: readonly Diagnostic[], { file }: Ruleset): string {
  return diagnostics.map(({ message }) => `ipt2bpf: ${file ?? 'the dump'}: ${message}`).join('\n');
}
