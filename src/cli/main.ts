#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { addVerbs } from './verbs.js';
import { EXIT, tell, UserError } from './output.js';

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('ipt2bpf');
  let code: number = EXIT.same;
  addVerbs(program, (result) => {
    code = result;
  });
  program.exitOverride();
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    // Help and version are no trouble; commander has printed its message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.same : EXIT.trouble;
    if (error instanceof UserError) {
      tell(error.message);
      return error.exitCode;
    }
    throw error;
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.same);
  throw error;
});

main(process.argv).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    tell(`ipt2bpf: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = EXIT.trouble;
  },
);
