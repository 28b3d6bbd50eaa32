/** The scripts in the shells themselves. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { addVerbs } from '../../../src/cli/verbs.js';
import { manPages } from '../../../src/cli/man-pages.js';
import { shellVerbs } from '../../../src/shell/command-line.js';
import { completionScript } from '../../../src/shell/completion.js';
import { SHELLS, type Shell } from '../../../src/shell/shells.js';
import { missing } from '../../support/machine.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-shell-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = new Command('ipt2bpf');
addVerbs(program, () => undefined);
const verbs = shellVerbs(program);
const script = (shell: Shell): string => join(folder, `completion.${shell}`);
for (const shell of SHELLS) writeFileSync(script(shell), completionScript(shell, verbs));
writeFileSync(join(folder, 'rules.v4'), '');

const shellOutput = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', cwd: folder, env: { PATH: process.env.PATH, HOME: folder } });

interface Case {
  readonly name: string;
  readonly typed: string;
  /** Some of what is offered. */
  readonly want: readonly string[];
  /** Nothing else is. */
  readonly all?: boolean;
}

const CASES: readonly Case[] = [
  { name: 'verbs', typed: 'ipt2bpf ', want: ['check', 'compile', 'explain'] },
  { name: 'a verb begun', typed: 'ipt2bpf comp', want: ['compile', 'completion'], all: true },
  { name: 'options', typed: 'ipt2bpf check --', want: ['--hook', '--json', '--help'] },
  { name: 'values', typed: 'ipt2bpf check --mode ', want: ['exact', 'early'], all: true },
  { name: 'values begun', typed: 'ipt2bpf compile x --chain IN', want: ['INPUT'], all: true },
  { name: 'files', typed: 'ipt2bpf check ru', want: ['rules.v4'], all: true },
  { name: 'files of options', typed: 'ipt2bpf check x --ipset ru', want: ['rules.v4'], all: true },
  { name: 'arguments', typed: 'ipt2bpf completion ', want: ['bash', 'zsh', 'fish'] },
  { name: 'verbs of help', typed: 'ipt2bpf help expl', want: ['explain'], all: true },
];

const OFFERS: Readonly<Record<Exclude<Shell, 'zsh'>, (typed: string) => readonly string[]>> = {
  bash: (typed) => {
    const words = typed.split(' ');
    const set = `source ${script('bash')}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`;
    const text = `${set}; COMP_CWORD=${words.length - 1}; _ipt2bpf; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return shellOutput('bash', '--norc', '-c', text).trim().split('\n');
  },
  fish: (typed) =>
    shellOutput('fish', '--no-config', '-c', `source ${script('fish')}; complete -C '${typed}'`)
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]),
};

for (const shell of ['bash', 'fish'] as const) {
  const lacking = missing([shell]);
  const name = lacking.length === 0 ? shell : `${shell} (needs ${lacking.join(', ')})`;
  describe.skipIf(lacking.length > 0)(name, () => {
    it.each(CASES)('offers $name', ({ typed, want, all }) => {
      const offered = OFFERS[shell](typed);
      expect(offered).toEqual(expect.arrayContaining([...want]));
      if (all) expect([...offered].sort()).toEqual([...want].sort());
    });
  });
}

const zsh = missing(['zsh']).length > 0;
describe.skipIf(zsh)(zsh ? 'zsh (needs zsh)' : 'zsh', () => {
  it('takes the script and knows the command', () => {
    const text = `autoload -Uz compinit; compinit -u -D; source ${script('zsh')}; print -r -- $_comps[ipt2bpf]`;
    expect(shellOutput('zsh', '-f', '-c', text).trim()).toBe('_ipt2bpf');
  });
});

const bash = missing(['shellcheck']).length > 0;
it.skipIf(bash)(bash ? 'the script for bash is sound (needs shellcheck)' : 'the script for bash is sound', () => {
  // Patterns of single words in `case` are as long as the command line is.
  shellOutput('shellcheck', '-s', 'bash', '-e', 'SC2016', script('bash'));
});

describe('manual pages', () => {
  const pages = manPages();
  it('are there for the tool and each verb', () => {
    expect([...pages.keys()].sort()).toEqual(
      ['ipt2bpf.1', ...program.commands.map((verb) => `ipt2bpf-${verb.name()}.1`)].sort(),
    );
  });

  const groff = missing(['groff']).length > 0;
  it.skipIf(groff).each([...pages])(groff ? '%s is sound (needs groff)' : '%s is sound', (name, page) => {
    writeFileSync(join(folder, name), page);
    const trouble = shellOutput('sh', '-c', `groff -man -Tutf8 -ww -z ${name} 2>&1`);
    expect(trouble).toBe('');
  });

  it.skipIf(groff)('read as the help does', () => {
    writeFileSync(join(folder, 'check.1'), pages.get('ipt2bpf-check.1') ?? '');
    const text = shellOutput('sh', '-c', 'groff -man -Tascii -P-c check.1 2>/dev/null')
      .replaceAll(/.\x08/g, '')
      .replaceAll(/ +/g, ' ');
    expect(text).toMatch(/ipt2bpf-check - say which rules can be translated/);
    expect(text).toMatch(/--mode mode\n [^]*One of exact, early\./);
    expect(text).toMatch(/0: all of it exact; 1: some rules are not; 2: trouble\./);
    expect(text).toContain('ipt2bpf check rules.v4');
  });
});
