/** No command line is ever put together for a shell: tools get their words one by one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOMS = ['grammar', 'codegen', 'bpf-runtime', 'src'];
const files = ROOMS.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(room, name)),
);
/** What a file imports of node:child_process; `exec` and `execSync` are those that take a text. */
const IMPORT = /import (?:type )?\{([^}]*)\} from '(?:node:)?child_process'/;
const TAKES_WORDS = ['spawn', 'spawnSync', 'execFile', 'execFileSync'];

describe('commands that are started', () => {
  const starting = files.map((name) => ({ name, text: readFileSync(name, 'utf8') }));
  const using = starting.filter(({ text }) => text.includes('child_process'));

  it('are known', () => {
    expect(using.length).toBeGreaterThan(0);
  });

  it.each(using)('in $name need no shell', ({ text }) => {
    const names = (IMPORT.exec(text)?.[1] ?? '?').split(',').map((name) => name.trim());
    const functions = names.filter((name) => name !== '' && !name.startsWith('type ') && !/^[A-Z]/.test(name));
    expect(functions.filter((name) => !TAKES_WORDS.includes(name))).toEqual([]);
    expect(text).not.toMatch(/\bshell:/);
  });
});
