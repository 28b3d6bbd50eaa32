import type { ShellOption, ShellVerb, ValueKind } from './command-line.js';

export function fishCompletion(verbs: readonly ShellVerb[]): string {
  const names = [...verbs.map(({ name }) => name), 'help'].join(' ');
  const none = `-n 'not __fish_seen_subcommand_from ${names}'`;
  return [
    '# Completion of ipt2bpf for fish: ipt2bpf completion fish | source',
    'complete -c ipt2bpf -f',
    ...verbs.map(({ name, description }) => `complete -c ipt2bpf ${none} -a ${name} -d ${quoted(description)}`),
    `complete -c ipt2bpf ${none} -a help -d 'print the help of a verb'`,
    `complete -c ipt2bpf -n '__fish_seen_subcommand_from help' -a '${verbs.map(({ name }) => name).join(' ')}'`,
    ...verbs.flatMap(verbLines),
    '',
  ].join('\n');
}

function verbLines({ name, options, arguments: args }: ShellVerb): readonly string[] {
  const when = `complete -c ipt2bpf -n '__fish_seen_subcommand_from ${name}'`;
  return [
    ...options.map((option) => `${when} ${optionWords(option)}`),
    ...args.slice(0, 1).map(({ value }) => `${when} ${offer(value, '-F')}`),
  ];
}

function optionWords({ long, short, description, value }: ShellOption): string {
  const words = [`-l ${long.slice(2)}`, `-d ${quoted(description)}`];
  if (short !== undefined) words.unshift(`-s ${short.slice(1)}`);
  if (value !== undefined) words.push(offer(value, '-r -F'));
  return words.join(' ');
}

function offer(value: ValueKind, files: string): string {
  switch (value.kind) {
    case 'choice':
      return `-x -a '${value.choices.join(' ')}'`;
    case 'file':
      return files;
    case 'folder':
      return "-x -a '(__fish_complete_directories)'";
    case 'text':
      return '-x';
  }
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
