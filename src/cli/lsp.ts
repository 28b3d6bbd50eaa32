import { serve } from '../lsp/server.js';
import { EXIT, type ExitCode } from './output.js';

/** Serves an editor on stdin and stdout until it says exit. */
export async function run(): Promise<ExitCode> {
  await serve(process.stdin, process.stdout);
  return EXIT.same;
}
