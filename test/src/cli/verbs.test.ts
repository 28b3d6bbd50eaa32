import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readObject } from '../../../codegen/object/read.js';
import { COMPILER } from '../../../codegen/program/version.js';
import { VERSION } from '../../../src/version.js';
import { run } from './run.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const stateless = 'fixtures/dumps/stateless-server.v4';
const stateful = 'fixtures/dumps/web-server.v4';

function dump(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `${['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT'].join('\n')}\n`,
  );
  return path;
}

describe('versions', () => {
  it('are those of package.json', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
    expect(COMPILER).toBe(`ipt2bpf ${version}`);
  });
});

describe('compile', () => {
  it('writes an object whose manifest reads back', async () => {
    const output = join(folder, 'input.o');
    const result = await run('compile', stateless, '--hook', 'xdp', '--chain', 'INPUT', '-o', output);
    expect(result).toMatchObject({ exit: 0, stdout: '' });
    expect(result.stderr).toMatch(/filter INPUT for xdp, exact, 14 rules/);
    const manifest = JSON.parse(readObject(readFileSync(output)).manifest) as { counters: { text?: string }[] };
    expect(manifest.counters[1].text).toBe('-A INPUT -s 198.51.100.0/24 -j DROP');
  });

  it('refuses by name and writes nothing', async () => {
    const output = join(folder, 'refused.o');
    const result = await run('compile', stateful, '--hook', 'xdp', '--chain', 'INPUT', '-o', output);
    expect(result.exit).toBe(1);
    expect(result.stderr).toMatch(/web-server\.v4:10:1: error\[not-exact\]: rule 4 of chain INPUT/);
    expect(result.stderr).toMatch(/^it would be exact with --hook netfilter$/m);
    expect(existsSync(output)).toBe(false);
  });

  it('says as JSON what is deferred in early mode', async () => {
    const output = join(folder, 'early.o');
    const args = ['compile', stateful, '--hook', 'tc', '--chain', 'INPUT', '--mode', 'early', '-o', output, '--json'];
    const { exit, stdout } = await run(...args);
    expect(exit).toBe(0);
    const { manifest } = JSON.parse(stdout) as { manifest: { deferred: { line: number }[] } };
    expect(manifest.deferred.map(({ line }) => line)).toContain(10);
  });

  it('does not touch the output where it cannot be written', async () => {
    const result = await run(
      'compile',
      stateless,
      '--hook',
      'xdp',
      '--chain',
      'INPUT',
      '-o',
      join(folder, 'no/where.o'),
    );
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(/where\.o: there is no folder .*no\n?/);
  });
});

describe('trouble', () => {
  const cases: readonly { name: string; args: () => string[]; want: RegExp }[] = [
    { name: 'missing file', args: () => ['print', join(folder, 'none.v4')], want: /none\.v4: no such file/ },
    {
      name: 'all typos of a file, with place and proposal',
      args: () => ['check', dump('typo.v4', '-A INPUT -p tcp -m tcp --dprt 22 -j ACCEPT', '-A INPUT -j DORP')],
      want: /typo\.v4:5:24: error\[unknown-option\][\s\S]*--dport[\s\S]*typo\.v4:6:13: error\[unknown-target\][\s\S]*DROP[\s\S]*2 errors/,
    },
    { name: 'unknown verb', args: () => ['compil', stateless], want: /compile/ },
    { name: 'unknown option', args: () => ['print', stateless, '--famly', 'v4'], want: /--family/ },
    {
      name: 'a packet with a typo',
      args: () => ['explain', stateless, '--packet', 'tpc 1.2.3.4:1 > 5.6.7.8:2'],
      want: /--packet:1:1: error/,
    },
    {
      name: 'a packet of the other family',
      args: () => ['explain', stateless, '--packet', 'tcp [2001:db8::1]:1 > [2001:db8::2]:2'],
      want: /IPv6.*IPv4/,
    },
    {
      name: 'a number that is none',
      args: () => ['verify', stateless, '--hook', 'xdp', '--chain', 'INPUT', '--packets', 'many'],
      want: /--packets/,
    },
    {
      name: 'an engine that is none',
      args: () => ['verify', stateless, '--hook', 'xdp', '--chain', 'INPUT', '--engines', 'kernal'],
      want: /unknown engine "kernal"/,
    },
  ];
  it.each(cases)('$name', async ({ args, want }) => {
    const result = await run(...args());
    expect(result.exit).toBe(2);
    expect(result.stderr).toMatch(want);
    expect(result.stdout).toBe('');
  });
});

describe('check, print, explain, diff', () => {
  it('check tells exact from early', async () => {
    expect(await run('check', stateless, '--hook', 'xdp', '--chain', 'INPUT')).toMatchObject({ exit: 0 });
    const early = await run('check', stateful, '--hook', 'xdp', '--chain', 'INPUT');
    expect(early.exit).toBe(1);
    expect(early.stdout).toMatch(/line 10: .*RELATED,ESTABLISHED[\s\S]*connection state/);
  });

  it('print is canonical and stable', async () => {
    const first = await run('print', dump('hand.v4', '-A INPUT --proto tcp --dpo 80 --jump ACCEPT'));
    expect(first.stdout).toContain('-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT');
    const again = join(folder, 'again.v4');
    writeFileSync(again, first.stdout);
    expect((await run('print', again)).stdout).toBe(first.stdout);
  });

  it('explain ends with the verdict and its rule', async () => {
    const result = await run('explain', stateless, '--packet', 'tcp 192.0.2.7:4000 > 203.0.113.1:22 SYN in eth0');
    expect(result.exit).toBe(0);
    expect(result.stdout.trimEnd().split('\n').at(-1)).toBe('=> ACCEPT by rule 3 of services');
  });

  it('explain says what it does not know', async () => {
    const result = await run('explain', stateful, '--packet', 'tcp 192.0.2.7:4000 > 203.0.113.1:443 SYN in eth0');
    expect(result.exit).toBe(1);
    expect(result.stdout).toMatch(
      /rule 4 of INPUT asks what the packet does not say \(ctstate\).*\n=> ACCEPT or DROP\n$/,
    );
  });

  it('diff: 0 for other spellings, 1 for other rules', async () => {
    const a = dump('a.v4', '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT');
    const b = dump('b.v4', '-A INPUT -m tcp -p tcp --dport http -j ACCEPT');
    const c = dump('c.v4', '-A INPUT -p tcp -m tcp --dport 81 -j ACCEPT');
    expect(await run('diff', a, b)).toMatchObject({ exit: 0, stdout: '' });
    const other = await run('diff', a, c);
    expect(other.exit).toBe(1);
    expect(other.stdout).toMatch(/^-.*--dport 80/m);
    expect(other.stdout).toMatch(/^\+.*--dport 81/m);
  });
});

describe('verify', () => {
  it('runs without root on the interpreter, writes JUnit and JSON', async () => {
    const junit = join(folder, 'verify.xml');
    const args = ['verify', stateless, '--hook', 'xdp', '--chain', 'INPUT', '--packets', '200', '--seed', '3'];
    const { exit, stdout } = await run(...args, '--engines', 'model,interpreter', '--json', '--junit', junit);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ equal: true, packets: 200, seed: 3 });
    expect(readFileSync(junit, 'utf8')).toMatch(/<testsuite .*tests="1" failures="0" errors="0" skipped="0"/);
  });
});

describe('help', () => {
  it('has an example for every verb', async () => {
    for (const verb of ['compile', 'check', 'print', 'explain', 'diff', 'verify']) {
      expect((await run(verb, '--help')).stdout, verb).toMatch(/Examples:\n {2}.*ipt2bpf/);
    }
  });
});
