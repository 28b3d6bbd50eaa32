/** The built tool as a process: streams, files, pipes, rights. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../../docs/support/built-cli.js';
import { missing } from '../../support/machine.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-process-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let main = '';
beforeAll(() => {
  main = join(builtCli('cli'), 'src/cli/main.js');
  const lines = Array.from(
    { length: 4000 },
    (_, i) => `-A INPUT -s 10.0.${i >> 8}.${i & 255}/32 -p tcp -m tcp --dport 80 -j DROP`,
  );
  dump('big.v4', lines);
  // Enough for diff to write more than a pipe holds (64 KiB), which takes it a fifth of the time.
  dump('middle.v4', lines.slice(0, 700));
  dump('small.v4', ['-A INPUT -i lo -j ACCEPT']);
  dump(
    'typos.v4',
    Array.from({ length: 1500 }, () => '-A INPUT -j DORP'),
  );
}, 120_000);

function dump(name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), `${['*filter', ':INPUT DROP [0:0]', ...lines, 'COMMIT'].join('\n')}\n`);
}

/** Runs a line of bash in the folder, where `ipt2bpf` is the built tool; PIPESTATUS is left in `status`. */
function shell(line: string, env: NodeJS.ProcessEnv = {}): { stdout: string; stderr: string; status: number } {
  const script = `ipt2bpf() { ${process.execPath} ${main} "$@"; }\n${line}`;
  const result = spawnSync('bash', ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 50_000,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
  });
  return { stdout: result.stdout, stderr: result.stderr, status: result.status ?? -1 };
}

describe('a reader that goes away', () => {
  it.each([
    { name: 'print', line: 'ipt2bpf print big.v4 | head -1', want: '*filter', exit: 0 },
    {
      name: 'diff: the difference is still told',
      line: 'ipt2bpf diff small.v4 middle.v4 | head -1',
      want: 'table filter, chain INPUT:',
      exit: 1,
    },
    { name: 'messages', line: 'ipt2bpf check typos.v4 2>&1 | head -1 | cut -d: -f1-3', want: 'typos.v4:3:13', exit: 2 },
  ])('$name', ({ line, want, exit }) => {
    const { stdout, stderr } = shell(`${line}; echo "exit \${PIPESTATUS[0]}"`);
    expect(stdout).toBe(`${want}\nexit ${exit}\n`);
    expect(stderr).toBe('');
  });
});

describe('standard input', () => {
  it('comes in pieces', () => {
    const line = `{ echo '*filter'; sleep 0.3; echo ':INPUT DROP [0:0]'; sleep 0.3; echo COMMIT; } | ipt2bpf print -`;
    expect(shell(line).stdout).toMatch(/^\*filter\n:INPUT DROP/);
  });

  it('is large', () => {
    expect(shell('cat big.v4 | ipt2bpf diff big.v4 - && echo same').stdout).toBe('same\n');
  });

  it('is closed', () => {
    const { status, stderr } = shell('ipt2bpf check - <&-');
    expect(status).toBe(2);
    expect(stderr).toMatch(/no table|bad file descriptor/i);
  });
});

describe('what is written', () => {
  const compile = 'ipt2bpf compile small.v4 --hook xdp --chain INPUT -o';

  it('is no longer there in part', () => {
    const { status, stderr } = shell(`${compile} nowhere/x.o`);
    expect(status).toBe(2);
    expect(stderr).toBe('ipt2bpf: error[not-writable]: nowhere/x.o: there is no folder nowhere\n');
  });

  it('is not put over the dump', () => {
    const before = readFileSync(join(folder, 'small.v4'), 'utf8');
    symlinkSync('small.v4', join(folder, 'alias.v4'));
    for (const name of ['small.v4', './small.v4', 'alias.v4']) {
      const { status, stderr } = shell(`${compile} ${name}`);
      expect(status).toBe(2);
      expect(stderr).toMatch(/would be written over small\.v4/);
    }
    expect(readFileSync(join(folder, 'small.v4'), 'utf8')).toBe(before);
  });

  it('goes into a pipe or a link, which stay what they are', () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(
      shell(`timeout 20 cat pipe > through.o & ${compile} pipe 2>/dev/null && wait && head -c 4 through.o`).stdout,
    ).toBe('\x7fELF');
    expect(lstatSync(join(folder, 'pipe')).isFIFO()).toBe(true);
    symlinkSync('target.o', join(folder, 'link.o'));
    expect(shell(`${compile} link.o`).status).toBe(0);
    expect(lstatSync(join(folder, 'link.o')).isSymbolicLink()).toBe(true);
    expect(statSync(join(folder, 'target.o')).size).toBeGreaterThan(1000);
  });

  it('does not fit', () => {
    const { status, stderr } = shell(`ipt2bpf print small.v4 > /dev/full`);
    expect(status).toBe(2);
    expect(stderr).toBe('ipt2bpf: error[not-writable]: stdout: no space left on the device\n');
  });

  it('is the object on standard output', () => {
    expect(shell(`${compile} - 2>/dev/null | head -c 4`).stdout).toBe('\x7fELF');
  });

  it('is asked for before the work is done', () => {
    const { status, stderr } = shell(
      'ipt2bpf verify small.v4 --hook xdp --chain INPUT --engines interpreter --packets 10 --junit nowhere/x.xml',
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(/nowhere\/x\.xml: there is no folder nowhere/);
  });
});

const noScript = missing(['script']);
const needs = (lacking: readonly string[]): string => (lacking.length > 0 ? ` (needs ${lacking.join(', ')})` : '');

describe.skipIf(noScript.length > 0)(`colour on a terminal${needs(noScript)}`, () => {
  it.each([
    { name: 'is used', env: {}, colour: true },
    { name: 'is not used with NO_COLOR', env: { NO_COLOR: '1' }, colour: false },
    { name: 'is used with an empty NO_COLOR', env: { NO_COLOR: '' }, colour: true },
    { name: 'is not used on a dumb terminal', env: { TERM: 'dumb' }, colour: false },
  ])('$name', ({ env, colour }) => {
    const line = `script -qec "${process.execPath} ${main} check typos.v4" /dev/null < /dev/null | head -1`;
    const { stdout } = shell(line, { TERM: 'xterm', ...env });
    expect(stdout).toMatch(/typos\.v4:3:13/);
    expect(stdout.includes('\u001b[31merror\u001b[0m')).toBe(colour);
  });
});

const USER = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
const works = (tool: string, ...words: readonly string[]): boolean => spawnSync(tool, words).status === 0;

const noUser = missing(['root', 'setpriv']);
if (noUser.length === 0 && !works('setpriv', ...USER, 'test', '-r', 'package.json'))
  noUser.push('files that all may read');

describe.skipIf(noUser.length > 0)(`without root${needs(noUser)}`, () => {
  const tool = (): string => `setpriv ${USER.join(' ')} ${process.execPath} ${main}`;

  it('engines are skipped by name, and none at all is trouble', () => {
    execFileSync('chmod', ['755', folder]);
    const at = 'small.v4 --hook xdp --chain INPUT --packets 50';
    const some = shell(`${tool()} verify ${at}`);
    expect(some).toMatchObject({ status: 0, stderr: '' });
    expect(some.stdout).toMatch(
      /kernel +skipped: needs root\n {2}iptables +skipped: needs root\nequal: reference, interpreter\n$/,
    );
    mkdirSync(join(folder, 'open'));
    execFileSync('chmod', ['777', join(folder, 'open')]);
    const none = shell(`${tool()} verify ${at} --engines kernel,iptables --json --junit open/none.xml`);
    expect(none).toMatchObject({ status: 2, stdout: '' });
    expect(none.stderr).toMatch(/nothing was verified \(kernel skipped: needs root; iptables skipped: needs root\)/);
    expect(readFileSync(join(folder, 'open/none.xml'), 'utf8')).toMatch(/ skipped="2"/);
  });

  it('a folder that cannot be written to is named', () => {
    const { status, stderr } = shell(`${tool()} compile small.v4 --hook xdp --chain INPUT -o forbidden.o`);
    expect(status).toBe(2);
    expect(stderr).toBe('ipt2bpf: error[not-writable]: forbidden.o: permission denied\n');
    expect(existsSync(join(folder, 'forbidden.o'))).toBe(false);
  });

  it('a dump that cannot be read is named', () => {
    const { status, stderr } = shell(`chmod 600 big.v4; ${tool()} print big.v4`);
    expect(status).toBe(2);
    expect(stderr).toBe('ipt2bpf: error[not-readable]: big.v4: permission denied\n');
  });
});

const noMount = missing(['root', 'unshare']);
if (noMount.length === 0 && !works('unshare', '--mount', 'true')) noMount.push('mount namespaces');

describe.skipIf(noMount.length > 0)(`a machine without the tools${needs(noMount)}`, () => {
  const without = (line: string): ReturnType<typeof shell> =>
    shell(`unshare --mount --net sh -c 'mount -t tmpfs none /usr/sbin && ${process.execPath} ${main} ${line}'`);
  const at = 'small.v4 --hook xdp --chain INPUT --packets 50';

  it('skips what needs them by name', () => {
    const { status, stdout, stderr } = without(`verify ${at} --engines interpreter,iptables`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /iptables +skipped: iptables-legacy-restore is not installed\nequal: reference, interpreter\n$/,
    );
  });

  it('has nothing to compare with where no engine is left', () => {
    const { status, stdout, stderr } = without(`verify ${at} --engines iptables`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      'ipt2bpf: error[nothing-verified]: nothing was verified (iptables skipped: iptables-legacy-restore is not installed)\n',
    );
  });

  it.each([
    { line: 'migrate --yes', tool: 'iptables', more: ': there are no rules to migrate' },
    { line: 'diff small.v4 live', tool: 'iptables-save', more: '' },
  ])('names the tool that is missing: $line', ({ line, tool, more }) => {
    const { status, stdout, stderr } = without(line);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`ipt2bpf: error[command-missing]: ${tool} is not installed${more}\n`);
  });

  it.skipIf(!existsSync('/sys/fs/bpf'))('attaches nothing that needs them, and leaves nothing', () => {
    dump('states.v4', ['-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT']);
    const pins = `/sys/fs/bpf/ipt2bpf-process-${process.pid}`;
    const { status, stderr } = without(`attach states.v4 --hook netfilter --pins ${pins}`);
    expect({ status, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      status: 2,
      last: 'ipt2bpf: error[command-missing]: neither nft nor iptables is installed: the kernel finds connection states only where a rule of one of them asks for it',
    });
    expect(existsSync(pins)).toBe(false);
    expect(without(`status --pins ${pins}`).stdout).toBe('nothing is attached\n');
  });
});
