import { readObject } from '../../../codegen/object/read.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { writeObject } from '../../../codegen/object/write.js';
import { analyse } from '../../../codegen/program/analysis.js';
import { compile } from '../../../codegen/program/index.js';
import type { CompileOptions } from '../../../codegen/program/manifest.js';
import { parseDump } from '../../../grammar/index.js';
import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import type { VerifyJob } from '../../../src/verify/job.js';
import { outlined } from '../../../src/prove/outline.js';

export type JobOptions = CompileOptions & { readonly chain: BuiltinChain; readonly family?: Family };

export function filterDump(rules: readonly string[], policy = 'DROP', chains: readonly string[] = []): string {
  return [
    '*filter',
    `:INPUT ${policy} [0:0]`,
    `:FORWARD ${policy} [0:0]`,
    `:OUTPUT ${policy} [0:0]`,
    ...chains.map((name) => `:${name} - [0:0]`),
    ...rules,
    'COMMIT',
    '',
  ].join('\n');
}

/** The dump, and the object that it, or another dump, compiles to. */
export function jobOf(text: string, options: JobOptions, compiledFrom = text): VerifyJob {
  const family = options.family ?? 'v4';
  const parse = (dump: string) => {
    const { ruleset: parsed, diagnostics } = parseDump(dump, { family });
    const [error] = diagnostics.filter(({ severity }) => severity === 'error');
    if (error !== undefined) throw new Error(`line ${error.line}: ${error.message}`);
    return parsed;
  };
  const result = compile(parse(compiledFrom), { ...options, source: compiledFrom });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  const ruleset = parse(text);
  const analysed = analyse(ruleset, options);
  if (!analysed.ok) throw new Error('nothing to analyse');
  const { analysis } = analysed;
  const { object, manifest } = result;
  const { chain } = options;
  return { ruleset, text, family, table: manifest.table, chain, object, manifest, analysis, packets: [] };
}

/** The job with the object changed; functions that stood where they were called are functions again. */
export function withObject(job: VerifyJob, change: (spec: ObjectSpec) => ObjectSpec): VerifyJob {
  return { ...job, object: writeObject(change(outlined(readObject(job.object)).spec)) };
}
