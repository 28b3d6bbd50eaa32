/** The examples of docs/guides/ci.md for other CI systems, run as they would be there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readBlocks } from '../docs/support/blocks.js';
import { builtCli } from '../docs/support/built-cli.js';
import { missing } from '../support/machine.js';
import { junitErrors } from '../src/report/junit-schema.js';

const GUIDE = readFileSync('docs/guides/ci.md', 'utf8');
const [GITHUB, GITLAB, PRE_COMMIT] = [...GUIDE.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text]) => parse(text));

const INTENTS = `intents:
  - { name: bad neighbours, packets: 'in eth0 from 198.51.100.0/24', expect: blocked }
`;

const lacking = missing(['git', 'sh']);
describe.skipIf(lacking.length > 0)(lacking.length === 0 ? 'GitLab and git' : 'GitLab and git (needs git, sh)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-gitlab-'));
  const at = (name: string): string => join(folder, name);
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  let base = '';

  beforeAll(() => {
    const main = join(builtCli('gitlab'), 'src/cli/main.js');
    mkdirSync(at('bin'));
    const shims = {
      ipt2bpf: `exec '${process.execPath}' '${main}' "$@"`,
      npm: 'test "$*" = ci',
      // As npx does: a command of the installed packages, or a line of a shell that finds them.
      npx: 'if [ "$1" = -c ]; then exec sh -c "$2"; else exec "$@"; fi',
    };
    for (const [name, body] of Object.entries(shims)) {
      writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${body}\n`);
      chmodSync(at(`bin/${name}`), 0o755);
    }
    for (const part of readBlocks(GUIDE)) if (part.kind === 'file') writeFileSync(at(part.file), part.content);
    cpSync('fixtures/dumps/stateless-server.v4', at('rules.v4'));
    writeFileSync(at('intents.yaml'), INTENTS);
    git('init', '--quiet', '.');
    git('add', 'rules.v4');
    git('-c', 'user.name=ci', '-c', 'user.email=ci@example.org', 'commit', '--quiet', '-m', 'rules');
    base = git('rev-parse', 'HEAD');
    writeFileSync(at('rules.v4'), readFileSync(at('rules.v4'), 'utf8').replace('--dport 443', '--dport 8443'));
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(Object.keys(GITLAB))('%s', async (name) => {
    const { script, artifacts } = GITLAB[name];
    // As a runner does: a line after the other, the first that fails ends it.
    const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', script.join('\n')], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, CI_MERGE_REQUEST_DIFF_BASE_SHA: base },
    });
    expect(status, stdout + stderr).toBe(0);
    for (const path of artifacts.paths ?? []) {
      expect(readFileSync(at(path), 'utf8')).toContain('**`base.v4` → `rules.v4`**: packets are judged otherwise.');
    }
    for (const path of artifacts.reports?.junit ?? []) {
      expect(await junitErrors(readFileSync(at(path), 'utf8')), path).toEqual([]);
    }
  });

  it.each([
    { name: 'in force.v4', dump: 'stateless-server.v4', want: { status: 0, told: 'exact (14 rules)' } },
    { name: 'größe.v4', dump: 'web-server.v4', want: { status: 1, told: '2 of 13 rules only with --mode early' } },
  ])('before a commit of $name: exit code $want.status', ({ name, dump, want }) => {
    cpSync(at('pre-commit'), at('.git/hooks/pre-commit'));
    chmodSync(at('.git/hooks/pre-commit'), 0o755);
    cpSync(`fixtures/dumps/${dump}`, at(name));
    git('add', name);
    const { status, stderr } = spawnSync(
      'git',
      ['-c', 'user.name=ci', '-c', 'user.email=ci@example.org', 'commit', '-qm', 'x'],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder },
      },
    );
    expect(status, stderr).toBe(want.status);
    expect(stderr).toContain(want.told);
  });
});

it('GitHub: the action gets inputs that it has, at changes', () => {
  expect(GITHUB.on).toContain('pull_request');
  const { inputs } = parse(readFileSync('action.yml', 'utf8'));
  const step = GITHUB.jobs.firewall.steps.find(({ uses }: { uses: string }) => uses.startsWith('ipt2bpf/'));
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with)));
});

it('pre-commit: the hook runs the script of the guide, for dumps', () => {
  const [{ repo, hooks }] = PRE_COMMIT.repos;
  const [{ entry, files, ...hook }] = hooks;
  expect({ repo, ...hook }).toMatchObject({ repo: 'local', language: 'system', pass_filenames: false });
  const scripts = readBlocks(GUIDE).flatMap((part) => (part.kind === 'file' ? [part.file] : []));
  expect(scripts).toContain(entry.split(' ')[1]);
  expect(['fw/rules.v4', 'rules.v6', 'notes.md'].filter((name) => new RegExp(files).test(name))).toHaveLength(2);
});
