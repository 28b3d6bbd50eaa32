import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { judgeIntents, type JudgedIntent } from '../intents/judge.js';
import { intentsJson, intentsJunit, intentsTap } from '../intents/print.js';
import { readIntents } from '../intents/read.js';
import { BrokenTableError } from '../space/program.js';
import type { DumpOptions } from './dump.js';
import { checkWritable, readInput, writeWhole } from './files.js';
import { EXIT, sayJson, show, tellDiagnostics, UserError, userError, type ExitCode } from './output.js';
import { placeOf } from './query.js';
import { loadAsked } from './sides.js';

interface Options extends DumpOptions {
  readonly chain?: BuiltinChain;
  readonly table?: TableName;
  readonly junit?: string;
  readonly json?: boolean;
}

/** Proves or refutes intents. Exit 0: all hold; 1: some do not; 2: some are not decided, or trouble. */
export function run(path: string, file: string, options: Options): ExitCode {
  if (path === '-' && file === '-') throw userError('usage', 'only one file can be standard input');
  if (options.junit !== undefined) checkWritable(options.junit, [path, file]);
  const side = loadAsked(path, options);
  const text = readInput(file).toString('utf8');
  const { intents, diagnostics } = readIntents(text, side.ruleset.family);
  if (diagnostics.length > 0) {
    tellDiagnostics(diagnostics, file, text);
    throw new UserError(`ipt2bpf: ${file}: ${diagnostics.length} ${diagnostics.length === 1 ? 'error' : 'errors'}`);
  }
  if (intents.length === 0) throw userError('no-intent', `${file}: there is no intent in it`);
  const report = { dump: side.file, file, judged: judged() };
  if (options.junit !== undefined) writeWhole(options.junit, intentsJunit(report));
  if (options.json) sayJson(intentsJson(report));
  else show(intentsTap(report));
  return exitOf(report.judged);

  function judged(): readonly JudgedIntent[] {
    try {
      return judgeIntents(side.ruleset, intents, ({ place }) => placeOf(side.places, { ...options, ...place }));
    } catch (error) {
      if (!(error instanceof BrokenTableError)) throw error;
      throw userError('too-large', `${side.file}: ${error.message}`);
    }
  }
}

function exitOf(judged: readonly JudgedIntent[]): ExitCode {
  if (judged.some(({ judgement }) => judgement.kind === 'undecided')) return EXIT.trouble;
  return judged.every(({ judgement }) => judgement.kind === 'proved') ? EXIT.same : EXIT.different;
}
