/**
 * The tables of options in docs/cli.md are those of the command line, and so is the table of a packet's words. README.md
 * names every verb and links to every document.
 * `IPT2BPF_UPDATE=1` writes them anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command as Program, type Command, type Option } from 'commander';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { requirement } from '../../src/cli/options.js';
import { addVerbs } from '../../src/cli/verbs.js';
import { TEXT_WORDS } from '../../src/packet/index.js';
import { TERMS } from '../../src/query/terms.js';

const FILE = 'docs/cli.md';
const UPDATE = (process.env.IPT2BPF_UPDATE ?? '') !== '';

const program = new Program('ipt2bpf');
addVerbs(program, () => undefined);

const code = (text: string): string => `\`${text}\``;

function optionRow(option: Option): readonly string[] {
  const values = option.argChoices?.map(code).join(', ') ?? '';
  const usual = option.defaultValue === undefined ? '' : code(String(option.defaultValue));
  const fallback = requirement(option) ?? usual;
  return [code(option.flags), option.description, values, fallback];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const optionsOf = (command: Command): string =>
  table(['option', 'meaning', 'values', 'default'], command.options.map(optionRow));

const SCOPES: Readonly<Record<string, string>> = {
  any: '',
  v4: 'IPv4',
  v6: 'IPv6',
  tcp: 'TCP',
  udp: 'UDP',
  icmp: 'ICMP',
  ports: 'with ports',
};

const packetWords = (): string =>
  table(
    ['word', 'meaning', 'only for'],
    TEXT_WORDS.map(({ names, argument, doc, scope }) => [
      names.map((name) => code(argument === undefined ? name : `${name} ${argument}`)).join(', '),
      doc,
      SCOPES[scope],
    ]),
  );

const queryWords = (): string =>
  table(
    ['word', 'meaning'],
    TERMS.map(({ name, argument, doc }) => [code(argument === undefined ? name : `${name} ${argument},…`), doc]),
  );

const sections = [
  ...program.commands.map((command) => ({
    name: `options of ${command.name()}`,
    end: 'end of options',
    want: optionsOf(command),
  })),
  { name: 'packet words', end: 'end of packet words', want: packetWords() },
  { name: 'query words', end: 'end of query words', want: queryWords() },
];

/** Cells alone: columns are aligned by the formatter. */
const cells = (text: string): readonly string[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.replace(/\s*\|\s*/g, '|').replace(/-+/g, '-'));

function between(text: string, name: string, end: string): { readonly from: number; readonly to: number } {
  const open = `<!-- ${name} -->`;
  const from = text.indexOf(open);
  const to = text.indexOf(`<!-- ${end} -->`, from);
  if (from < 0 || to < 0) throw new Error(`${FILE} has no section "${name}"`);
  return { from: from + open.length, to };
}

describe(FILE, () => {
  it.runIf(UPDATE)('is written anew', async () => {
    let text = readFileSync(FILE, 'utf8');
    for (const { name, end, want } of sections) {
      const { from, to } = between(text, name, end);
      text = `${text.slice(0, from)}\n\n${want}\n\n${text.slice(to)}`;
    }
    writeFileSync(FILE, await format(text, { parser: 'markdown', printWidth: 120, singleQuote: true }));
  });

  it.each(sections)('has the $name', ({ name, end, want }) => {
    const text = readFileSync(FILE, 'utf8');
    const { from, to } = between(text, name, end);
    expect(cells(text.slice(from, to))).toEqual(cells(want));
  });

  it('has a section for every verb, and for no other', () => {
    const documented = readFileSync(FILE, 'utf8').match(/<!-- options of \S+ -->/g) ?? [];
    const verbs = program.commands.map((command) => `<!-- options of ${command.name()} -->`);
    expect([...documented].sort()).toEqual([...verbs].sort());
  });
});

describe('README.md', () => {
  it('has every verb in its table', () => {
    const rows = readFileSync('README.md', 'utf8').match(/^\| `.*$/gm) ?? [];
    const named = rows.flatMap((row) => row.split('|')[1].match(/[a-z][a-z-]+/g) ?? []);
    expect(program.commands.map((command) => command.name()).filter((name) => !named.includes(name))).toEqual([]);
  });

  it('links to every document', () => {
    const linked = new Set(
      Array.from(readFileSync('README.md', 'utf8').matchAll(/\]\(([\w./-]+)/g), ([, path]) => path),
    );
    const documents = readdirSync('docs', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name));
    expect(documents.filter((path) => !linked.has(path))).toEqual([]);
  });
});
