import { Help, type Command } from 'commander';
import { foldText } from '../terminal/fold.js';
import { terminalOf } from '../terminal/terminal.js';
import { refuseMissing } from './options.js';
import type { Verb } from './verb.js';

/** What the help of a verb says beside its options. */
export interface VerbNotes {
  readonly exit: string;
  readonly examples: readonly string[];
}

const NOTES = new WeakMap<Command, VerbNotes>();

export function verbNotes(command: Command): VerbNotes | undefined {
  return NOTES.get(command);
}

/** Sets up one verb with its arguments, options and help. */
export function addVerb(program: Command, verb: Verb): Command {
  const command = program.command(verb.name).description(verb.does);
  for (const name of verb.dumps) {
    command.argument(`<${name}>`, verb.argument ?? 'iptables-save text; - is standard input');
  }
  for (const argument of verb.words ?? []) command.addArgument(argument);
  // The words behind -- are nobody's arguments: as some of the verb's they would fill the list of verbs.
  command.allowExcessArguments(verb.command === true);
  for (const option of verb.options) command.addOption(option);
  NOTES.set(command, { exit: verb.exit, examples: verb.examples });
  refuseMissing(command);
  if (verb.command === true) command.usage(`${command.usage()} -- <command> …`);
  return command
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError(`(see ipt2bpf ${verb.name} --help)`)
    .addHelpText('after', ({ error }) => {
      const { columns } = terminalOf(error ? process.stderr : process.stdout, process.env);
      return `\n${foldText(`Exit code ${verb.exit}`, columns)}\n\n${examples(verb.examples)}`;
    });
}

/** They stay whole, to be copied. */
function examples(lines: readonly string[]): string {
  return ['Examples:', ...lines.map((line) => `  ${line}`)].join('\n');
}

export const PROGRAM_NOTES: VerbNotes = {
  exit: '0: done, equal or clean; 1: refused, different or not equal; 2: trouble.',
  examples: [
    'ipt2bpf check rules.v4',
    'ipt2bpf compile rules.v4 --hook xdp --chain INPUT -o input.o',
    'sudo ipt2bpf verify rules.v4 --hook xdp --chain INPUT',
  ],
};

/** What the help of the program says below its verbs. */
export function programHelp(columns: number | undefined): string {
  const text = `Results go to stdout, messages to stderr; - as a dump is standard input.\nExit code ${PROGRAM_NOTES.exit}`;
  return `\n${foldText(text, columns ?? 80)}\n\n${examples(PROGRAM_NOTES.examples)}`;
}

/** Columns that a description needs beside its term. */
const ROOM = 20;

/** An option or a verb with what it does: beside it, or on a narrow terminal below. */
export function helpItem(term: string, termWidth: number, description: string, helper: Help): string {
  const columns = helper.helpWidth ?? 80;
  if (description === '' || columns - termWidth - 4 >= ROOM) {
    return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
  }
  const below = foldText(description, columns - 6).split('\n');
  return [`  ${term}`, ...below.map((line) => `      ${line}`)].join('\n');
}
