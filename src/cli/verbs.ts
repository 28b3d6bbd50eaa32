import type { Command } from 'commander';
import type { Shell } from '../shell/shells.js';
import { painted } from '../terminal/paint.js';
import { terminalOf } from '../terminal/terminal.js';
import { VERSION } from '../version.js';
import { addVerb, helpItem, programHelp } from './help.js';
import { addFleetVerbs } from './live/fleet-verbs.js';
import { addLiveVerbs } from './live/verbs.js';
import { BUNDLE, COMPILE, RUN_WITH, VERIFY } from './object-verbs.js';
import { AUDIT, CHECK, DIFF, EXPLAIN, LINT, PRINT, QUERY, REPORT, TEST } from './rule-verbs.js';
import { COMPLETION, LSP } from './shell-verbs.js';

/** Each verb's code is loaded when it runs, so that `--help` and `--version` start fast. */
type Finish = (code: number) => void;

/** In a pipe, help is as wide as a usual terminal. */
const HELP_COLUMNS = 80;

/** Sets up the verbs; `finish` gets the exit code of the one that ran. */
export function addVerbs(program: Command, finish: Finish): void {
  program
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          text
            .replace(/^error: /, 'ipt2bpf: error[usage]: ')
            .replace(/command-argument value ('.*?') is invalid for argument '(.*?)'/, "argument '$2' $1 is invalid"),
        ),
      getOutHelpWidth: () => terminalOf(process.stdout, process.env).columns ?? HELP_COLUMNS,
      getErrHelpWidth: () => terminalOf(process.stderr, process.env).columns ?? HELP_COLUMNS,
      getOutHasColors: () => terminalOf(process.stdout, process.env).colour,
      getErrHasColors: () => terminalOf(process.stderr, process.env).colour,
    })
    .configureHelp({ styleTitle: (title) => painted(title, 'bold'), minWidthToWrap: 20, formatItem: helpItem })
    .description('Compiles iptables-save dumps to eBPF programs that decide exactly as iptables does.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [verb]', 'print the help of a verb')
    .showHelpAfterError('(see ipt2bpf --help)')
    .addHelpText('after', ({ error }) =>
      programHelp(terminalOf(error ? process.stderr : process.stdout, process.env).columns),
    );

  addVerb(program, COMPILE).action(async (dump: string, options) =>
    finish(await (await import('./compile.js')).run(dump, options)),
  );
  addVerb(program, CHECK).action(async (dump: string, options) =>
    finish(await (await import('./check.js')).run(dump, options)),
  );
  addVerb(program, PRINT).action(async (dump: string, options) =>
    finish(await (await import('./print.js')).run(dump, options)),
  );
  addVerb(program, EXPLAIN).action(async (dump: string, options) =>
    finish(await (await import('./explain.js')).run(dump, options)),
  );
  addVerb(program, DIFF).action(async (a: string, b: string, options) =>
    finish(await (await import('./diff.js')).run(a, b, options)),
  );
  addVerb(program, QUERY).action(async (dump: string, query: string, options) =>
    finish((await import('./query.js')).run(dump, query, options)),
  );
  addVerb(program, TEST).action(async (dump: string, intents: string, options) =>
    finish((await import('./test.js')).run(dump, intents, options)),
  );
  addVerb(program, AUDIT).action(async (dump: string, object: string, options) =>
    finish(await (await import('./audit.js')).run(dump, object, options)),
  );
  addVerb(program, LINT).action(async (dump: string, options) =>
    finish(await (await import('./lint.js')).run(dump, options)),
  );
  addVerb(program, REPORT).action(async (dump: string, options) =>
    finish(await (await import('./report.js')).run(dump, options)),
  );
  addVerb(program, BUNDLE).action(async (dump: string, options) =>
    finish(await (await import('./bundle.js')).run(dump, options)),
  );
  addVerb(program, COMPLETION).action(async (shell: Shell) =>
    finish((await import('./completion.js')).run(program, shell)),
  );
  addVerb(program, LSP).action(async () => finish(await (await import('./lsp.js')).run()));
  addVerb(program, VERIFY).action(async (dump: string, options) =>
    finish(await (await import('./verify.js')).run(dump, options)),
  );
  const runWith = addVerb(program, RUN_WITH);
  runWith.action(async (dump: string, options) =>
    finish(await (await import('./run-with.js')).run(dump, runWith.args.slice(1), options)),
  );
  addLiveVerbs((verb) => addVerb(program, verb), finish);
  addFleetVerbs((verb) => addVerb(program, verb), finish);
}

/** What is parsed: help for a verb that there is not is answered as the verb itself would be, with the nearest one. */
export function argumentsFor(program: Command, argv: readonly string[]): readonly string[] {
  const [, , first, verb] = argv;
  const known = verb === undefined || program.commands.some((command) => command.name() === verb);
  return first === 'help' && !known ? argv.toSpliced(2, 1) : argv;
}
