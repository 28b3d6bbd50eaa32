#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { addVerbs } from './verbs.js';
import { endProgress, startProgress } from './progress.js';
import { EXIT, guardStreams, reasonOf, tell, UserError } from './output.js';

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
    if (LONG.has(verb.name()) && !typed) startProgress(`ipt2bpf ${verb.name()}`);
  });
  try {
    await program.parseAsync(argv);
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
  if (isMachineTrouble(error)) {
    const tool = 'path' in error ? `${String(error.path)}: ` : '';
    tell(`ipt2bpf: ${tool}${reasonOf(error)}`);
    return EXIT.trouble;
  }
  tell(`ipt2bpf: internal error, please report it: ${error instanceof Error ? error.stack : String(error)}`);
  return EXIT.trouble;
}

/** What the kernel or a tool refused; known by name, because their code is loaded only by verbs that ask them. */
function isMachineTrouble(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const isSpawn = 'syscall' in error && String(error.syscall).startsWith('spawn');
  return isSpawn || ['RuntimeError', 'CommandError', 'SystemCallError'].includes(error.name);
}

guardStreams();
process.exitCode = await main(process.argv);
