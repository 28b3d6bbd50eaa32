import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../../bpf-runtime/system/command.js';
import { readStatus } from '../../../../src/live/status.js';
import { builtCli } from '../../../docs/support/built-cli.js';
import { able, ownRules, withHost, withHostAsync, type LiveHost } from '../../live/support.js';

const RULES = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A INPUT -p udp -m udp --dport 2 -j ACCEPT
COMMIT
`;
const BY_RULES = ['reject', 'drop', 'accept', 'drop'];

let cli = '';
let root = '';
beforeAll(() => {
  if (able) cli = join(builtCli('live'), 'src/cli/main.js');
}, 120_000);
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'ipt2bpf-migrate-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly text: string;
}

function migrate({ base, inside }: LiveHost, ...words: readonly string[]): Ended {
  const args = [cli, 'migrate', '--pins', base, '--root', root, ...words];
  const { status, stderr } = inside(() => spawnSync(process.execPath, args, { encoding: 'utf8' }));
  return { status, text: stderr };
}

const filterRules = ({ inside }: LiveHost): readonly string[] =>
  inside(() => run('iptables-save', ['-t', 'filter']))
    .split('\n')
    .filter((line) => line.startsWith('-A') && !line.includes('ipt2bpf'));

const load = ({ inside }: LiveHost, rules: string): void => {
  inside(() => run('iptables-restore', ['-w', '60'], rules));
};

describe.skipIf(!able)('migrate (skipped without root, nft or iptables)', () => {
  it('takes the place of the rules, and gives it back', () => {
    withHost((live) => {
      load(live, RULES);
      const before = filterRules(live);
      expect(migrate(live, '--yes', '--compare', '1')).toMatchObject({
        status: 0,
        text: expect.stringContaining('no difference so far'),
      });
      expect(filterRules(live)).toEqual([]);
      expect(live.verdicts()).toEqual(BY_RULES);
      expect(migrate(live, '--back').status).toBe(0);
      expect(filterRules(live)).toEqual(before);
      expect(live.inside(ownRules)).toEqual([]);
      expect(readStatus(live.base).deployments).toEqual([]);
      expect(live.verdicts()).toEqual(BY_RULES);
      expect(existsSync(join(root, 'etc/ipt2bpf/before/rules.v4'))).toBe(false);
    });
  }, 90_000);

  it('says with --dry-run what each way would change, and changes nothing', () => {
    withHost((live) => {
      load(live, RULES);
      const before = filterRules(live);
      const there = migrate(live, '--dry-run', '--compare', '7');
      expect(there).toMatchObject({ status: 0, text: expect.stringContaining('compared with iptables for 7 s') });
      const [, loses = ''] = there.text.split('iptables would lose:');
      expect(loses.match(/-A .*/g)).toEqual(before);
      expect(there.text.match(/-P .*/g)).toEqual(['-P INPUT ACCEPT']);
      expect(filterRules(live)).toEqual(before);
      expect(readStatus(live.base).deployments).toEqual([]);
      expect(existsSync(join(root, 'etc/ipt2bpf/before'))).toBe(false);

      expect(migrate(live, '--yes', '--compare', '0').status).toBe(0);
      const back = migrate(live, '--back', '--dry-run');
      expect(back).toMatchObject({ status: 0, text: expect.stringContaining('filter-v4: would be detached') });
      expect(back.text.match(/-A .*/g)).toEqual(before);
      expect(back.text.match(/-P .*/g)).toEqual(['-P INPUT DROP']);
      expect(filterRules(live)).toEqual([]);
      expect(readStatus(live.base).deployments).toHaveLength(1);
      expect(migrate(live, '--back').status).toBe(0);
      expect(filterRules(live)).toEqual(before);
    });
  }, 90_000);

  it.each([
    { name: 'no rules', rules: '', words: ['--yes'], status: 2, want: 'nothing to migrate' },
    { name: 'nobody to ask', rules: RULES, words: [], status: 2, want: 'on a terminal, or with --yes' },
    {
      name: 'rules that cannot be translated',
      // A packet may come to the test twice.
      rules: RULES.replace(
        'COMMIT',
        [
          ':twice - [0:0]',
          '-A INPUT -p tcp -j twice',
          '-A INPUT -j twice',
          '-A twice -m connlimit --connlimit-above 3 -j DROP',
          'COMMIT',
        ].join('\n'),
      ),
      words: ['--yes', '--compare', '0'],
      status: 1,
      want: 'stay with iptables; nothing is changed',
    },
  ])('changes nothing with $name', ({ rules, words, status, want }) => {
    withHost((live) => {
      if (rules !== '') load(live, rules);
      const before = filterRules(live);
      expect(migrate(live, ...words)).toMatchObject({ status, text: expect.stringContaining(want) });
      expect(filterRules(live)).toEqual(before);
      expect(readStatus(live.base).deployments).toEqual([]);
    });
  });

  it('finds the rules of the other kind of iptables, and refuses to choose between both', () => {
    withHost((live) => {
      const usual = live.inside(() => run('iptables', ['--version'])).includes('legacy') ? 'legacy' : 'nft';
      const other = `iptables-${usual === 'nft' ? 'legacy' : 'nft'}`;
      const rules = (): string => live.inside(() => run(`${other}-save`, ['-t', 'filter'])).replace(/^#.*\n/gm, '');
      live.inside(() => run(`${other}-restore`, ['-w', '60'], RULES));
      const before = rules();
      expect(migrate(live, '--yes', '--compare', '0')).toMatchObject({ status: 0 });
      expect(rules()).not.toContain('-A INPUT -p tcp');
      expect(live.verdicts()).toEqual(BY_RULES);
      expect(migrate(live, '--back').status).toBe(0);
      expect(rules()).toBe(before);
      load(live, RULES);
      expect(migrate(live, '--yes')).toMatchObject({ status: 2, text: expect.stringContaining('error[two-kinds]') });
    });
  }, 60_000);

  it('leaves rules where other programs change some of them', () => {
    withHost((live) => {
      load(live, RULES.replace('-A INPUT -p tcp', ':f2b-sshd - [0:0]\n-A INPUT -j f2b-sshd\n-A INPUT -p tcp'));
      const before = filterRules(live);
      expect(migrate(live, '--yes', '--compare', '0')).toMatchObject({
        status: 0,
        text: expect.stringContaining('change these chains while the machine runs: f2b-sshd'),
      });
      expect(filterRules(live)).toEqual(before);
      expect(readStatus(live.base).deployments).toMatchObject([{ state: 'in force' }]);
    });
  });

  it.skipIf(!hasCommand('script'))(
    'asks at each step on a terminal (skipped without script)',
    async () => {
      const chunks: string[] = [];
      await withTerminal(async (live) => {
        const words = [process.execPath, cli, 'migrate', '--pins', live.base, '--root', root, '--compare', '0'];
        const child = live.inside(() => spawn('script', ['-qec', words.join(' '), '/dev/null']));
        // An answer to each question when it is asked: take over, all works, remove the rules, not at the start.
        const answers = ['', 'y', '', 'n'];
        child.stdout.on('data', (data: Buffer) => {
          chunks.push(data.toString());
          for (const _ of data.toString().matchAll(/\[[yY]\/[nN]\]/g)) child.stdin.write(`${answers.shift() ?? ''}\n`);
        });
        const status = await new Promise((resolve) => child.on('close', resolve));
        expect({ status, text: chunks.join('') }).toMatchObject({ status: 0 });
        expect(filterRules(live)).toEqual([]);
        expect(readStatus(live.base).deployments).toMatchObject([{ state: 'in force' }]);
        expect(readStatus(live.base).deployments[0].confirm).toBeUndefined();
        expect(readdirSync(join(root, 'etc/ipt2bpf'))).toEqual(['before']);
      });
    },
    30_000,
  );
});

async function withTerminal(body: (live: LiveHost) => Promise<void>): Promise<void> {
  await withHostAsync(async (live) => {
    load(live, RULES);
    await body(live);
  });
}
