import { Command } from 'commander';
import { shellVerbs } from '../shell/command-line.js';
import { toolPage, verbPage } from '../shell/man.js';
import { PROGRAM_NOTES, verbNotes } from './help.js';
import { addVerbs } from './verbs.js';

/** The manual pages by file name, `ipt2bpf.1` and one for each verb. Made at build (scripts/assets.js). */
export function manPages(): ReadonlyMap<string, string> {
  const program = new Command('ipt2bpf');
  addVerbs(program, () => undefined);
  const verbs = shellVerbs(program);
  return new Map([
    ['ipt2bpf.1', toolPage(program.description(), verbs, PROGRAM_NOTES)],
    ...verbs.map((verb): [string, string] => {
      const command = program.commands.find((one) => one.name() === verb.name);
      return [`ipt2bpf-${verb.name}.1`, verbPage(verb, command && verbNotes(command))];
    }),
  ]);
}
