import { printDump } from '../../grammar/index.js';
import { loadText, type DumpOptions } from './dump.js';
import { EXIT, say, type ExitCode } from './output.js';

/** Prints the canonical text. */
export async function run(path: string, options: DumpOptions): Promise<ExitCode> {
  say(printDump(loadText(path, options).ruleset));
  return EXIT.same;
}
