/**
 * Every command of README.md and docs/ is run, and its output compared.
 *
 * The convention:
 *
 * - A block ```console holds commands with their output, as a terminal shows it (stdout and stderr). `$ ` begins a
 *   command, `> ` goes on with it, an empty line before the next command counts for nothing.
 * - A block ```sh holds commands alone; each must end with exit code 0.
 * - A line `…` in the output stands for any number of lines, `…` inside a line for any text: so is masked what varies,
 *   such as times, percentages and versions of the kernel. Blanks at the end of a line count for nothing.
 * - A block whose info string ends in `file=NAME` is no command but the content of a file of that name.
 * - The commands of a file run in order in one temporary folder that looks like the built checkout (`dist/`,
 *   `fixtures/dumps/`, `fixtures/packets/`); files that they make stay for the next. Each command has a shell of its own,
 *   which knows the exit code of the one before (`echo $?`). `ipt2bpf` is the built tool, `sudo` runs what follows.
 * - `<!-- commands: CLAUSE; CLAUSE -->` in the line above a block says `needs root bpftool` (root, tools: the block is
 *   skipped by name where one is not there), `in namespace` (the commands see a network of their own: eth0 with
 *   192.0.2.1/24, a cable to 192.0.2.2/24, an empty /sys/fs/bpf), `in neighbour` (they see the other end), or `with NAME from FIXTURE` (a copy of a fixture's dump under this name).
 *
 * Commands elsewhere (in a sentence, in a table, in a file for a CI) are not run, but name verbs, options, npm scripts and
 * files that there are.
 *
 * `IPT2BPF_UPDATE=1 npx vitest run test/docs` writes the outputs into the files.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command as Program } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addVerbs } from '../../src/cli/verbs.js';
import { readBlocks, type Block, type Command, type Part } from './support/blocks.js';
import { builtCli } from './support/built-cli.js';
import { outputMatches, updated } from './support/compare.js';
import { Session } from './support/session.js';
import { missing } from '../support/machine.js';

const UPDATE = (process.env.IPT2BPF_UPDATE ?? '') !== '';

const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => join('docs', name)),
];

const partsOf = new Map(FILES.map((file) => [file, readBlocks(readFileSync(file, 'utf8'))]));

const isBlock = (part: Part): part is Block & { readonly kind: 'commands' } => part.kind === 'commands';

let dist = '';
beforeAll(() => {
  dist = builtCli('docs');
}, 120_000);

for (const [file, parts] of partsOf) {
  if (!parts.some(isBlock)) continue;
  describe(file, () => {
    let session: Session;
    const changes: { readonly command: Command; readonly lines: readonly string[] }[] = [];
    beforeAll(() => {
      session = new Session(dist);
    });
    afterAll(() => {
      session.close();
      if (UPDATE) rewrite(file, changes);
    });

    for (const part of parts) {
      if (part.kind === 'file') {
        it(`line ${part.line}: file ${part.file}`, () => session.put(part.file, { text: part.content }));
        continue;
      }
      const lacking = missing(part.needs);
      const name = `line ${part.line}: ${part.heading}`;
      it.skipIf(lacking.length > 0)(lacking.length > 0 ? `${name} (needs ${lacking.join(', ')})` : name, () => {
        for (const { name: copy, fixture } of part.files) session.put(copy, { fixture });
        for (const command of part.commands) {
          const { lines, status } = session.run(command.text, part.place);
          const where = `${file}:${command.line}: ${command.text}`;
          if (command.expected === undefined) {
            expect(status, [where, ...lines].join('\n')).toBe(0);
          } else if (!outputMatches(command.expected, lines)) {
            changes.push({ command, lines: updated(command.expected, lines) });
            if (!UPDATE) expect(lines, where).toEqual(command.expected);
          }
        }
      });
    }
  });
}

/** Puts outputs in the place of the old ones, from the last to the first. */
function rewrite(
  file: string,
  changes: readonly { readonly command: Command; readonly lines: readonly string[] }[],
): void {
  if (changes.length === 0) return;
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const { command, lines: output } of [...changes].reverse()) {
    lines.splice(command.from - 1, command.to - command.from, ...output);
  }
  writeFileSync(file, lines.join('\n'));
}

describe('the examples', () => {
  const program = new Program('ipt2bpf');
  addVerbs(program, () => undefined);
  const typed = [...partsOf.values()]
    .flat()
    .filter(isBlock)
    .flatMap((block) => block.commands.map(({ text }) => text))
    .flatMap((text) => text.split(/[|;&\n]/))
    .filter((text) => /\bipt2bpf\b/.test(text));
  const cases = program.commands.flatMap((verb) =>
    verb.options.map((option) => ({ verb: verb.name(), option: option.long ?? option.flags, short: option.short })),
  );

  it.each(cases)('run $verb with $option', ({ verb, option, short }) => {
    const words = typed.map((text) => text.trim().split(/\s+/)).filter((all) => all.includes(verb));
    expect(words.some((all) => all.includes(option) || (short !== undefined && all.includes(short)))).toBe(true);
  });

  it.each(program.commands.map((verb) => verb.name()))('run %s --help', (verb) => {
    expect(typed.some((text) => new RegExp(`\\b${verb} (--help|-h)|\\bhelp ${verb}\\b`).test(text))).toBe(true);
  });
});

describe('commands that are not run', () => {
  const program = new Program('ipt2bpf');
  addVerbs(program, () => undefined);
  const optionsOf = new Map(
    program.commands.map((verb) => [
      verb.name(),
      new Set(['--help', '-h', ...verb.options.flatMap(({ long, short }) => [long, short])]),
    ]),
  );

  /** What of a command there is not. */
  function faultsOf(command: string): readonly string[] {
    // What stands behind -- or behind the command is another program's.
    const words = command.split(/ -- | *[|;&>)]/)[0].split(/\s+/);
    const [verb, ...rest] = words.slice(words.indexOf('ipt2bpf') + 1);
    if (verb === undefined || verb.startsWith('-') || ['help', 'VERB'].includes(verb)) return [];
    const options = optionsOf.get(verb);
    if (options === undefined) return [`${command}: there is no verb ${verb}`];
    return rest
      .filter((word) => /^--?[a-z]/.test(word))
      .map((word) => word.replace(/=.*/, ''))
      .filter((option) => !options.has(option))
      .map((option) => `${command}: ${verb} has no option ${option}`);
  }

  it.each(FILES)('in %s', (file) => {
    const text = readFileSync(file, 'utf8');
    const outside = text.replace(/^( *)(```+)[^]*?^\1\2$/gm, '');
    const spans = [...outside.matchAll(/`((?:sudo )?ipt2bpf [^`]+)`/g)].map(([, span]) => span.replaceAll('\n', ' '));
    const blocks = [...text.matchAll(/^( *)(```+)(\w*)(.*)\n([^]*?)^\1\2$/gm)].map(([, , , language, info, body]) => ({
      language,
      isFile: info.includes('file='),
      body,
    }));
    const others = blocks.filter(({ language, isFile }) => !isFile && !['console', 'sh'].includes(language));
    // A block that looks like a shell's is one.
    expect(others.filter(({ language, body }) => /^(ba|z)?shell|^bash/.test(language) || /^\$ /m.test(body))).toEqual(
      [],
    );
    const inOthers = others.flatMap(({ body }) =>
      [...body.matchAll(/(?:^|[ '"])(ipt2bpf [a-z][^\n'"`]*)/g)].map(([, one]) => one),
    );
    expect([...spans, ...inOthers].flatMap(faultsOf)).toEqual([]);
    const { scripts }: { scripts: Readonly<Record<string, string>> } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(
      [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name).filter((name) => !(name in scripts)),
    ).toEqual([]);
    const paths = [...text.matchAll(/(?:vitest run|node) ((?:test|scripts)\/[\w./-]+)/g)].map(([, path]) => path);
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  });
});
