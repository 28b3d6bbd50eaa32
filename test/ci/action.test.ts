/** The action's scripts in a repository, as a runner runs them; action.yml hands them what they ask for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { builtCli } from '../docs/support/built-cli.js';
import { missing } from '../support/machine.js';

const RULES = `*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`;

interface Step {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}
const ACTION_TEXT = readFileSync('action.yml', 'utf8');
const ACTION: Action = parse(ACTION_TEXT);

/** `${{ … }}` as the runner fills it in: inputs have their defaults. */
function expressions(text: string, event: unknown): string {
  return text.replace(/\$\{\{ *([\w.]+) *\}\}/g, (_, path: string) => {
    const [room, ...names] = path.split('.');
    if (room === 'inputs') return expressions(ACTION.inputs[names[0]].default ?? '', event);
    const github: unknown = { event, token: 'secret', repository: 'a/b' };
    const value = names.reduce((at: unknown, name) => Object(at)[name], github);
    return value === undefined ? '' : String(value);
  });
}

const lacking = missing(['git', 'bash']);
describe.skipIf(lacking.length > 0)(lacking.length === 0 ? 'ci/action.sh' : 'ci/action.sh (needs git, bash)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-action-'));
  const at = (name: string): string => join(folder, name);
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  let base = '';

  beforeAll(() => {
    const dist = builtCli('ci');
    git('init', '--quiet', '.');
    git('remote', 'add', 'origin', '.');
    git('config', 'user.email', 'ci@example.org');
    git('config', 'user.name', 'ci');
    for (const name of ['bin', 'fw']) mkdirSync(at(name));
    writeFileSync(at('bin/ipt2bpf'), `#!/bin/sh\nexec '${process.execPath}' '${dist}/src/cli/main.js' "$@"\n`);
    writeFileSync(at('bin/gh'), `#!/bin/sh\nprintf '%s\\n' "$@" >> gh.log\n`);
    writeFileSync(at('bin/npm'), `#!/bin/sh\nprintf '%s\\n' "$@" >> npm.log\n`);
    for (const tool of ['ipt2bpf', 'gh', 'npm']) chmodSync(at(`bin/${tool}`), 0o755);
    writeFileSync(at('fw/rules.v4'), RULES);
    git('add', 'fw');
    git('commit', '--quiet', '-m', 'rules');
    base = git('rev-parse', 'HEAD');
    writeFileSync(at('fw/rules.v4'), RULES.replace('--dport 22', '--dport 2222'));
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function act(script: string, settings: Readonly<Record<string, string>>): { status: number | null; out: string } {
    const { status, stdout, stderr } = spawnSync('bash', [resolve('ci', script)], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, REPORTS: 'reports', PACKETS: '200', ...settings },
    });
    return { status, out: stdout + stderr };
  }

  it('checks, verifies and compares with the base', () => {
    const { status, out } = act('action.sh', { BASE: base, PROVE: 'true', GITHUB_STEP_SUMMARY: at('step.md') });
    expect(status, out).toBe(0);
    const summary = readFileSync(at('reports/summary.md'), 'utf8');
    expect(summary).toContain('| fw/rules.v4 | ok | ok | – | – | see below |');
    expect(summary).toContain('**`reports/base/fw/rules.v4` → `fw/rules.v4`**: packets are judged otherwise.');
    expect(summary).toMatch(/\*\*ACCEPT → DROP\*\*, 2\^\d+ flows\n {2}- packets: `protocol tcp; port 22`\n/);
    expect(summary).toMatch(/\n {2}- example: `tcp [\d.:]+ > [\d.]+:22 /);
    expect(summary).toMatch(/```diff\n[^]*-A INPUT [^]*--dport 22 -j ACCEPT\n\+-A INPUT [^]*--dport 2222 -j ACCEPT/);
    expect(summary).toMatch(/translation \(ok\)[^]*xdp filter INPUT: exact/);
    expect(summary).toMatch(/200 packets: [^]*equal: reference, interpreter/);
    expect(summary).toMatch(/proof \(ok\)[^]*proved/i);
    expect(readFileSync(at('step.md'), 'utf8')).toBe(summary);
    expect(JSON.parse(readFileSync(at('reports/fw-rules.v4.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
    expect(readFileSync(at('reports/fw-rules.v4.xml'), 'utf8')).toMatch(/<testcase [^>]*name="interpreter"/);
  });

  it('shows text of a dump as text', () => {
    writeFileSync(at('odd.v4'), RULES.replace('-j', '-m comment --comment "````` </details> @all" -j'));
    const { status, out } = act('action.sh', { RULES: 'odd.v4', BASE: base });
    expect(status, out).toBe(0);
    const summary = readFileSync(at('reports/summary.md'), 'utf8');
    expect(summary).toContain('| odd.v4 | ok | ok | – | – | new |');
    expect(summary.match(/^````+/gm)).toHaveLength(4);
  });

  it('tests the intents that stand beside a dump, or those that are named', () => {
    const intents = (expect: string): string =>
      `intents:\n  - { name: mail, packets: 'tcp port 25', expect: ${expect} }\n`;
    writeFileSync(at('mail.v4'), RULES);
    writeFileSync(at('mail.intents.yaml'), intents('accept'));
    writeFileSync(at('other.yaml'), intents('blocked'));
    const beside = act('action.sh', { RULES: 'mail.v4' });
    expect(beside.status, beside.out).toBe(1);
    expect(readFileSync(at('reports/summary.md'), 'utf8')).toContain('| mail.v4 | ok | ok | – | **no** | – |');
    const named = act('action.sh', { RULES: 'mail.v4', INTENTS: 'other.yaml' });
    expect(named.status, named.out).toBe(0);
    expect(readFileSync(at('reports/mail.v4.intents.xml'), 'utf8')).toMatch(/<testcase [^>]*name="mail"/);
    rmSync(at('mail.v4'));
  });

  it('holds objects that are kept with a dump against it', () => {
    writeFileSync(at('kept.v4'), RULES);
    const compile = ['compile', 'kept.v4', '--hook', 'xdp', '--chain', 'INPUT', '-o', 'kept.v4.xdp.o'];
    execFileSync(at('bin/ipt2bpf'), compile, { cwd: folder, stdio: 'pipe' });
    const same = act('action.sh', { RULES: 'kept.v4' });
    expect(same.status, same.out).toBe(0);
    expect(readFileSync(at('reports/summary.md'), 'utf8')).toContain('| kept.v4 | ok | ok | ok | – | – |');
    writeFileSync(at('kept.v4'), RULES.replace('--dport 22', '--dport 2222'));
    const drifted = act('action.sh', { RULES: 'kept.v4' });
    expect(drifted.status, drifted.out).toBe(1);
    const summary = readFileSync(at('reports/summary.md'), 'utf8');
    expect(summary).toContain('| kept.v4 | ok | ok | **no** | – | – |');
    expect(summary).toMatch(/kept\.v4: kept\.v4\.xdp\.o \(\*\*no\*\*\)[^]*DRIFTED/);
    expect(act('action.sh', { RULES: 'kept.v4', OBJECT: 'gone.o' })).toMatchObject({
      status: 2,
      out: expect.stringContaining('no such object: gone.o'),
    });
    for (const name of ['kept.v4', 'kept.v4.xdp.o']) rmSync(at(name));
  });

  const failures: readonly { name: string; have: readonly [string, string]; want: number; out: RegExp }[] = [
    {
      name: 'what is not exact',
      have: ['-j', '-m conntrack --ctstate NEW -j'],
      want: 1,
      out: /only with --mode early/,
    },
    { name: 'a dump with an error', have: ['--dport', '--dprt'], want: 2, out: /unknown-option/ },
  ];
  it.each(failures)('fails for $name', ({ have, want, out }) => {
    writeFileSync(at('other.v4'), RULES.replace(...have));
    const result = act('action.sh', { RULES: 'other.v4' });
    expect(result).toMatchObject({ status: want, out: expect.stringMatching(out) });
  });

  it('is in trouble where no dump is', () => {
    const result = act('action.sh', { RULES: 'nothing/*.v4' });
    expect(result).toEqual({ status: 2, out: 'no dump matches: nothing/*.v4\n' });
  });

  it('runs as action.yml says for a pull request', () => {
    for (const name of ['odd.v4', 'other.v4']) rmSync(at(name));
    const event = { pull_request: { number: 7, base: { sha: base } } };
    for (const step of ACTION.runs.steps) {
      if (step.run === undefined) continue;
      const values = Object.entries(step.env ?? {}).map(([name, text]) => [name, expressions(text, event)]);
      const env = { ...Object.fromEntries(values), GITHUB_ACTION_PATH: resolve('.') };
      const { status, stdout, stderr } = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', step.run], {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, ...env },
      });
      expect(status, `${step.name}: ${stdout}${stderr}`).toBe(0);
    }
    expect(readFileSync(at('npm.log'), 'utf8')).toContain('ipt2bpf@latest');
    const calls = readFileSync(at('gh.log'), 'utf8');
    expect(calls).toMatch(
      /POST\nrepos\/a\/b\/issues\/7\/comments\n[^]*\| fw\/rules\.v4 \| ok \| ok \| – \| – \| see below \|/,
    );
  });

  it('comments the summary', () => {
    const { status, out } = act('comment.sh', { REPOSITORY: 'a/b', PULL: '7', GH_TOKEN: 'x' });
    expect(status, out).toBe(0);
    const calls = readFileSync(at('gh.log'), 'utf8');
    expect(calls).toMatch(/--method\nPOST\nrepos\/a\/b\/issues\/[^]*body=<!-- ipt2bpf -->\n## ipt2bpf/);
  });
});

describe('action.yml', () => {
  it('is a composite action whose inputs are all used, and no other', () => {
    expect(ACTION.runs.using).toBe('composite');
    const used = new Set([...ACTION_TEXT.matchAll(/inputs\.(\w+)/g)].map(([, name]) => name));
    expect([...used].sort()).toEqual(Object.keys(ACTION.inputs).sort());
  });

  it.each(['action.sh', 'comment.sh'])('gives ci/%s each setting that it reads', (script) => {
    const source = readFileSync(join('ci', script), 'utf8');
    const read = new Set([...source.matchAll(/\$\{?([A-Z][A-Z_]+)\b/g)].map(([, name]) => name));
    const step = ACTION.runs.steps.find(({ run }) => run?.includes(script));
    const given = new Set([...Object.keys(step?.env ?? {}), 'GITHUB_STEP_SUMMARY', 'BASH_REMATCH']);
    expect([...read].filter((name) => !given.has(name))).toEqual([]);
  });

  const shellcheck = missing(['shellcheck']).length > 0;
  it.skipIf(shellcheck).each(['action.sh', 'comment.sh'])(
    shellcheck ? 'ci/%s is sound (needs shellcheck)' : 'ci/%s is sound',
    (script) => {
      execFileSync('shellcheck', [join('ci', script)], { stdio: 'pipe' });
    },
  );
});
