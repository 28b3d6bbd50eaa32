import { isatty } from 'node:tty';
import { compile } from '../../codegen/program/index.js';
import type { CompileOptions, Manifest } from '../../codegen/program/manifest.js';
import { fillCommands } from '../../codegen/program/sets/batch.js';
import { residualText } from '../../codegen/program/netfilter/residual.js';

import { loadRules, type DumpOptions } from './dump.js';
import { checkWritable, writeWhole } from './files.js';
import { EXIT, sayJson, tell, tellDiagnostics, UserError, userError, type ExitCode } from './output.js';
import { optimizerLines, planLines, unforcedLines } from './plan-lines.js';
import { exactElsewhere, isRefusal } from './refusal.js';

export type TranslationOptions = Omit<CompileOptions, 'source' | 'sourceFile'>;

interface Options extends DumpOptions, TranslationOptions {
  readonly output: string;
  readonly residual?: string;
  readonly fill?: string;
  /** Directory in a BPF file system. */
  readonly pins: string;
  readonly stats?: boolean;
  readonly json?: boolean;
}

/** Compiles and writes the object; a refusal writes nothing and exits 1. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  checkOutput(options, path);
  const { ruleset, text, file } = loadRules(path, options);
  const result = compile(ruleset, { ...options, source: text, sourceFile: file });
  tellDiagnostics(result.diagnostics, file, text);
  if (!result.ok) {
    if (!isRefusal(result.diagnostics)) throw new UserError(`ipt2bpf: ${file}: nothing was written`);
    if (options.json) sayJson({ compiled: false, diagnostics: result.diagnostics });
    tell(`ipt2bpf: ${file}: ${placeOf(options)} is refused at ${options.hook}; nothing was written`);
    const others = exactElsewhere(ruleset, options).map((hook) => `--hook ${hook}`);
    if (others.length > 0) tell(`it would be exact with ${others.join(', or ')}`);
    return EXIT.different;
  }
  const { manifest, object, plans, optimizer, diagnostics } = result;
  if (options.residual !== undefined) write(options.residual, residualText(ruleset, manifest, options.pins));
  if (options.fill !== undefined) write(options.fill, fillText(manifest, options.pins));
  write(options.output, object);
  if (options.json) {
    const { source: _source, ...rest } = manifest;
    const stats = options.stats ? { plans, optimizer } : {};
    sayJson({ compiled: true, output: options.output, bytes: object.length, manifest: rest, ...stats, diagnostics });
  } else {
    tellSummary(options.output === '-' ? '<stdout>' : options.output, manifest, object.length);
    if (options.engine === 'dag') for (const line of unforcedLines(manifest.mode, plans)) tell(line);
    if (options.stats) for (const line of [...optimizerLines(optimizer), ...planLines(plans)]) tell(line);
  }
  return EXIT.same;
}

function write(path: string, content: string | Uint8Array): void {
  if (path === '-') process.stdout.write(content);
  else writeWhole(path, content);
}

/** What fills the IP sets of the object, where the runtime does not. */
function fillText({ sets }: Manifest, pins: string): string {
  const text = sets === undefined ? '' : fillCommands(sets, pins);
  if (text !== undefined) return text;
  throw userError('no-times', '--fill: elements of the IP sets have times, which begin when the object is loaded');
}

/** The chain, or the table, that is compiled. */
export function placeOf({ chain, table }: Pick<Options, 'chain' | 'table'>): string {
  return chain === undefined ? `table ${table ?? 'filter'}` : `chain ${chain}`;
}

function checkOutput({ output, json, residual, fill, hook }: Options, dump: string): void {
  if (residual !== undefined && hook !== 'netfilter') {
    throw userError('usage', '--residual is for --hook netfilter: at the other hooks all of iptables stays');
  }
  if (residual !== undefined) checkWritable(residual, [dump, output]);
  if (fill !== undefined) checkWritable(fill, [dump, output, ...(residual === undefined ? [] : [residual])]);
  const toStdout = [output, residual, fill].filter((path) => path === '-').length + (json ? 1 : 0);
  if (toStdout > 1) throw userError('usage', 'only one of -o, --residual, --fill and --json can go to stdout');
  if (output === '-' && isatty(1)) throw userError('usage', 'an object file is nothing for a terminal');
  checkWritable(output, [dump]);
}

function tellSummary(name: string, manifest: Manifest, bytes: number): void {
  const rules = manifest.counters.filter((counter) => counter.kind === 'rule').length;
  const chains = manifest.programs.map((program) => program.chain).join(', ');
  tell(
    `${name}: ${manifest.table} ${chains} for ${manifest.hook}, ${manifest.mode}, ${rules} ${rules === 1 ? 'rule' : 'rules'}, ${bytes} bytes`,
  );
  tell(`needs Linux ${manifest.needs.kernel} or newer (${manifest.needs.features.join(', ')})`);
  for (const assumption of manifest.assumptions) tell(`assumes: ${assumption}`);
  for (const rule of manifest.deferred)
    tell(`deferred: line ${rule.line}: rule ${rule.number} of ${rule.chain}: ${rule.reason}`);
}
