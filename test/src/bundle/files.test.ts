import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tar } from '../../../src/bundle/tar.js';
import { run } from '../cli/run.js';
import { missing } from '../../support/machine.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-bundle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const DUMP = `*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m set --match-set admins src -j ACCEPT
COMMIT
`;

const skipped = (name: string, tool: string): readonly [string, { readonly skip: boolean }] => {
  const skip = missing([tool]).length > 0;
  return [skip ? `${name} (needs ${tool})` : name, { skip }];
};

beforeAll(async () => {
  writeFileSync(at('rules.v4'), DUMP);
  writeFileSync(at('sets'), 'create admins hash:ip family inet\nadd admins 192.0.2.9\n');
  const options = ['--ipset', at('sets'), '--place', 'tc:INPUT', '--name', 'edge'];
  for (const file of ['a.tar.gz', 'b.tar.gz']) {
    expect(await run('bundle', at('rules.v4'), ...options, '-o', at(file))).toMatchObject({ exit: 0, stdout: '' });
  }
  mkdirSync(at('out'));
  execFileSync('tar', ['-xzf', at('a.tar.gz'), '-C', at('out')]);
});

describe('a bundle', () => {
  it('is the same twice', () => {
    expect(readFileSync(at('a.tar.gz')).equals(readFileSync(at('b.tar.gz')))).toBe(true);
  });

  it('holds what it needs, with sums that hold', () => {
    const list = execFileSync('tar', ['-tzf', at('a.tar.gz')], { encoding: 'utf8' });
    expect(list.trim().split('\n')).toEqual(
      ['fwctl', 'bundle.conf', 'ingress.o', 'ingress.counters', 'ingress.fill', 'rules.dump']
        .concat(['ipt2bpf-edge@.service', 'README.md', 'SHA256SUMS'])
        .map((name) => `edge/${name}`),
    );
    execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: at('out/edge') });
    expect(readFileSync(at('out/edge/ingress.fill'), 'utf8')).toMatch(/^map update pinned @PINS@\/\S+ key hex /);
    expect(readFileSync(at('out/edge/README.md'), 'utf8')).toMatch(/chain INPUT, exact/);
  });

  it(...skipped('has a script that is sound for any POSIX shell', 'shellcheck'), () => {
    execFileSync('shellcheck', ['-s', 'sh', at('out/edge/fwctl')], { stdio: 'pipe' });
  });

  it(...skipped('has a unit that systemd understands', 'systemd-analyze'), () => {
    const unit = readFileSync(at('out/edge/ipt2bpf-edge@.service'), 'utf8');
    writeFileSync(at('ipt2bpf-edge@eth0.service'), unit.replaceAll(/\/usr\/local\/lib\/\S+fwctl/g, '/bin/true'));
    execFileSync('systemd-analyze', ['verify', '--man=no', at('ipt2bpf-edge@eth0.service')], { stdio: 'pipe' });
  });

  const refusals: readonly { name: string; args: readonly string[]; exit: number; want: RegExp }[] = [
    {
      name: 'a chain that is not exact',
      args: ['--place', 'xdp:INPUT'],
      exit: 1,
      want: /INPUT is refused at xdp[^]*nothing was written/,
    },
    {
      name: 'two programs for one slot',
      args: ['--place', 'xdp:INPUT', '--place', 'xdp:FORWARD'],
      exit: 2,
      want: /takes one program at xdp/,
    },
    { name: 'netfilter', args: ['--place', 'netfilter:INPUT'], exit: 2, want: /bpftool cannot/ },
    { name: 'a name that is none', args: ['--name', '../x'], exit: 2, want: /lower-case/ },
  ];
  it.each(refusals)('refuses $name', async ({ args, exit, want }) => {
    const result = await run('bundle', at('rules.v4'), ...args, '-o', at('none.tar.gz'));
    expect(result.exit).toBe(exit);
    if (exit === 1) expect(result.stderr).toMatch(want);
    else expect(result.stderr + result.stdout).toMatch(want);
  });
});

describe('tar', () => {
  it('makes archives that tar reads', () => {
    const files = [0, 1, 511, 512, 513].map((size) => ({ path: `f/${size}`, content: new Uint8Array(size).fill(65) }));
    writeFileSync(at('t.tar'), tar([...files, { path: 'f/run', content: new Uint8Array(), executable: true }]));
    const list = execFileSync('tar', ['-tvf', at('t.tar')], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
    const lines = list.trim().split('\n');
    expect(lines.map((line) => line.replace(/\s+/g, ' '))).toEqual([
      ...files.map(({ path, content }) => `-rw-r--r-- root/root ${content.length} 1970-01-01 00:00 ${path}`),
      '-rwxr-xr-x root/root 0 1970-01-01 00:00 f/run',
    ]);
  });

  it('refuses names that do not fit', () => {
    for (const path of ['a'.repeat(101), 'ä', '', 'a b']) {
      expect(() => tar([{ path, content: new Uint8Array() }])).toThrow(RangeError);
    }
  });
});
