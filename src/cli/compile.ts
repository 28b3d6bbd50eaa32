import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { compile } from '../../codegen/program/index.js';
import { chainsOf, type CompileOptions } from '../../codegen/program/manifest.js';
import { loadDump, type DumpOptions } from './dump.js';
import { EXIT, reasonOf, sayJson, tell, tellDiagnostics, UserError, type ExitCode } from './output.js';

export type TranslationOptions = Omit<CompileOptions, 'source' | 'sourceFile'>;

interface Options extends DumpOptions, TranslationOptions {
  readonly output: string;
  readonly json?: boolean;
}

/** Compiles and writes the object; a refusal writes nothing and exits 1. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { ruleset, text, file } = loadDump(path, options);
  const result = compile(ruleset, { ...options, source: text, sourceFile: file });
  tellDiagnostics(result.diagnostics, file, text);
  if (!result.ok) {
    if (options.json) sayJson({ compiled: false, diagnostics: result.diagnostics });
    tell(
      `ipt2bpf: ${file}: ${options.chain === undefined ? 'table filter' : `chain ${options.chain}`} is refused at ${options.hook}; nothing was written`,
    );
    return EXIT.different;
  }
  writeWhole(options.output, result.object);
  const { manifest } = result;
  if (options.json) {
    const { source: _source, ...rest } = manifest;
    sayJson({
      compiled: true,
      output: options.output,
      bytes: result.object.length,
      manifest: rest,
      diagnostics: result.diagnostics,
    });
    return EXIT.same;
  }
  const rules = manifest.counters.filter((counter) => counter.kind === 'rule').length;
  tell(
    `${options.output}: ${manifest.table} ${chainsOf(manifest)} for ${manifest.hook}, ${manifest.mode}, ${rules} rules, ${result.object.length} bytes`,
  );
  tell(`needs Linux ${manifest.needs.kernel} or newer (${manifest.needs.features.join(', ')})`);
  for (const assumption of manifest.assumptions) tell(`assumes: ${assumption}`);
  for (const rule of manifest.deferred)
    tell(`deferred: line ${rule.line}: rule ${rule.number} of ${rule.chain}: ${rule.reason}`);
  return EXIT.same;
}

/** Writes a file so that a reader finds the old one or the new one, never half of it. */
function writeWhole(path: string, bytes: Uint8Array): void {
  if (path === '-') {
    process.stdout.write(bytes);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UserError(`ipt2bpf: ${path}: ${reasonOf(error)}`);
  }
}
