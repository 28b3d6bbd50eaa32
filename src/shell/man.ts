import { VERSION } from '../version.js';
import type { ShellOption, ShellVerb } from './command-line.js';

/** What a page says beside the options. */
export interface ManNotes {
  /** `0: done; 1: …` */
  readonly exit: string;
  readonly examples: readonly string[];
}

/** The page of one verb, `man ipt2bpf-check` (man(7)). */
export function verbPage(verb: ShellVerb, notes: ManNotes | undefined): string {
  return [
    ...title(`ipt2bpf-${verb.name}`, verb.description),
    '.SH SYNOPSIS',
    text(verb.usage),
    ...(verb.arguments.length === 0 ? [] : ['.SH ARGUMENTS']),
    ...verb.arguments.flatMap(({ name, description }) => ['.TP', `.I ${text(name)}`, text(description)]),
    '.SH OPTIONS',
    ...verb.options.flatMap(optionLines),
    ...(notes === undefined ? [] : notesLines(notes)),
    '.SH SEE ALSO',
    '.BR ipt2bpf (1),',
    '.BR iptables-save (8),',
    '.BR bpftool (8)',
    '',
  ].join('\n');
}

/** The page of the tool, `man ipt2bpf`: its verbs. */
export function toolPage(description: string, verbs: readonly ShellVerb[], notes: ManNotes): string {
  return [
    ...title('ipt2bpf', 'compiles iptables dumps to eBPF programs'),
    '.SH SYNOPSIS',
    '.B ipt2bpf',
    '.I verb',
    '[\\fIoptions\\fR]',
    '.SH DESCRIPTION',
    text(description),
    'What cannot be translated exactly is refused by name, or deferred soundly where that is asked for.',
    '.SH VERBS',
    ...verbs.flatMap((verb) => ['.TP', `.BR ipt2bpf\\-${text(verb.name)} (1)`, text(`${verb.description}.`)]),
    ...notesLines(notes),
    '.SH SEE ALSO',
    ...verbs.map((verb, at) => `.BR ipt2bpf\\-${text(verb.name)} (1)${at < verbs.length - 1 ? ',' : ''}`),
    '',
  ].join('\n');
}

const title = (name: string, does: string): readonly string[] => [
  `.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "ipt2bpf ${VERSION}" "ipt2bpf"`,
  '.SH NAME',
  `${text(name)} \\- ${text(does)}`,
];

function optionLines({ long, short, placeholder, description, value }: ShellOption): readonly string[] {
  const flags = [short, long].filter((flag) => flag !== undefined).map((flag) => `\\fB${text(flag)}\\fR`);
  const word = placeholder === undefined ? '' : ` \\fI${text(placeholder.replaceAll(/[<>]/g, ''))}\\fR`;
  const choices = value?.kind === 'choice' ? ` One of ${value.choices.join(', ')}.` : '';
  return ['.TP', `${flags.join(', ')}${word}`, text(`${description}.${choices}`)];
}

function notesLines({ exit, examples }: ManNotes): readonly string[] {
  return [
    '.SH EXIT STATUS',
    text(exit),
    '.SH EXAMPLES',
    ...examples.flatMap((example) => ['.PP', '.nf', '.RS', text(example), '.RE', '.fi']),
  ];
}

/** Text for roff: no escapes, no requests, hyphens that can be copied. */
function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '\\[u2026]')
    .replaceAll(/^([.'])/gm, '\\&$1');
}
