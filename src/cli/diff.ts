import { diffDumps } from '../diff/rules.js';
import { loadText, type DumpOptions } from './dump.js';
import { EXIT, say, sayJson, UserError, type ExitCode } from './output.js';

interface Options extends DumpOptions {
  readonly json?: boolean;
}

/** Compares the normalised rules of two dumps. */
export async function run(a: string, b: string, options: Options): Promise<ExitCode> {
  if (a === '-' && b === '-') throw new UserError('ipt2bpf: only one side can be standard input');
  const result = await diffDumps(loadText(a, options), loadText(b, options));
  if (options.json) sayJson(result);
  else if (!result.same) say(result.patch);
  return result.same ? EXIT.same : EXIT.different;
}
