#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { addVerbs, argumentsFor } from './verbs.js';
import { endProgress, startProgress } from './progress.js';
import { errorLine, EXIT, guardStreams, tell, UserError } from './output.js';
import { inlineLess, optimizeLater } from './less-inlining.js';
import { LEFT_BEHIND } from './live/left-behind.js';
import { troubleLine } from './trouble.js';

/** Verbs that may take longer than a second and then end: they look at all rules, at many packets, or wait for the kernel. */
const LONG: ReadonlySet<string> = new Set(
  (
    'attach audit bundle check compile confirm detach diff disable enable explain lint list package print query replace report restore rollback ' +
    'status test verify'
  ).split(' '),
);

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('ipt2bpf');
  let code: number = EXIT.same;
  addVerbs(program, (result) => {
    code = result;
  });
  program.hook('preAction', (_, verb) => {
    // Who types the dump is waited for, not at work.
    const typed = process.stdin.isTTY && verb.args.includes('-');
    const proves = verb.name() === 'verify' && verb.opts().prove === true;
    if (verb.name() === 'compile' || verb.name() === 'diff' || proves) inlineLess();
    if (proves) optimizeLater();
    if (LONG.has(verb.name()) && !typed) startProgress(`ipt2bpf ${verb.name()}`);
  });
  try {
    await program.parseAsync(argumentsFor(program, argv));
    return code;
  } catch (error) {
    return exitCodeOf(error);
  } finally {
    endProgress();
  }
}

function exitCodeOf(error: unknown): number {
  // Help and version are no trouble; commander has printed its message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.same : EXIT.trouble;
  if (error instanceof UserError) {
    tell(error.message);
    return error.exitCode;
  }
  const trouble = troubleLine(error);
  if (trouble !== undefined) {
    tell(trouble);
    return EXIT.trouble;
  }
  tell(errorLine('internal', `please report it: ${error instanceof Error ? error.stack : String(error)}`));
  return EXIT.trouble;
}

guardStreams();
const [, , first, ...words] = process.argv;
if (first === LEFT_BEHIND) await (await import('./live/unconfirmed.js')).run(words);
else process.exitCode = await main(process.argv);
