import type { Command, Option } from 'commander';

/** What stands behind an option or as an argument. */
export type ValueKind =
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'file' }
  | { readonly kind: 'folder' }
  /** Anything that a shell cannot guess. */
  | { readonly kind: 'text' };

export interface ShellOption {
  /** `--hook`, and `-o` where there is one. */
  readonly long: string;
  readonly short?: string;
  readonly description: string;
  /** As written in the help, `<hook>`; undefined for a switch. */
  readonly placeholder?: string;
  readonly value?: ValueKind;
}

export interface ShellArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly value: ValueKind;
}

export interface ShellVerb {
  readonly name: string;
  readonly description: string;
  readonly usage: string;
  readonly options: readonly ShellOption[];
  readonly arguments: readonly ShellArgument[];
}

const FILES: ReadonlySet<string> = new Set(['file', 'dump', 'a', 'b', 'pcap', 'report', 'object']);
const FOLDERS: ReadonlySet<string> = new Set(['directory', 'folder']);

function kindOf(placeholder: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: 'choice', choices };
  const word = placeholder.replaceAll(/[^\w-]/g, '');
  if (FILES.has(word)) return { kind: 'file' };
  return FOLDERS.has(word) ? { kind: 'folder' } : { kind: 'text' };
}

function optionOf({ long, short, description, flags, argChoices }: Option): readonly ShellOption[] {
  if (long === undefined || long === null) return [];
  const placeholder = /[<[][^>\]]+[>\]]/.exec(flags)?.[0];
  return [
    {
      long,
      ...(short === undefined ? {} : { short }),
      description,
      ...(placeholder === undefined ? {} : { placeholder, value: kindOf(placeholder, argChoices) }),
    },
  ];
}

const HELP: ShellOption = { long: '--help', short: '-h', description: 'print this help' };

/** The verbs as the parser of the command line knows them. */
export function shellVerbs(program: Command): readonly ShellVerb[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    usage: `${program.name()} ${command.name()} ${command.usage()}`,
    options: [...command.options.flatMap(optionOf), HELP],
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      required: argument.required,
      value: kindOf(argument.name(), argument.argChoices),
    })),
  }));
}
