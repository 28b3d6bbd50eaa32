import type { Command } from 'commander';
import { shellVerbs } from '../shell/command-line.js';
import { completionScript } from '../shell/completion.js';
import type { Shell } from '../shell/shells.js';
import { EXIT, say, type ExitCode } from './output.js';

/** Prints the script that a shell sources. */
export function run(program: Command, shell: Shell): ExitCode {
  say(completionScript(shell, shellVerbs(program)));
  return EXIT.same;
}
