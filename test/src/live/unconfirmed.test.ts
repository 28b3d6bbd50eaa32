/** What nobody confirms goes by itself, whole: programs, pins and rules of iptables. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { attach } from '../../../src/live/attach.js';
import { confirm, detach } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { deadlineOf, endUnconfirmed } from '../../../src/live/unconfirmed.js';
import { builtCli } from '../../docs/support/built-cli.js';
import { able, objectOf, ownRules, pinned, withHostAsync } from './support.js';

const OBJECT = objectOf(`*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`);
const JUDGED = ['accept', 'reject', 'accept', 'accept'];
const EVERYTHING = ['accept', 'accept', 'accept', 'accept'];

describe.skipIf(!able)('a change that waits for its confirmation (skipped without root, nft or iptables)', () => {
  it('goes without another command where nobody confirms it', async () => {
    const cli = join(builtCli('unconfirmed'), 'src/cli/main.js');
    const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-unconfirmed-'));
    const file = join(folder, 'rules.o');
    writeFileSync(file, OBJECT.bytes);
    try {
      await withHostAsync(async ({ base, inside, verdicts }) => {
        const words = [cli, 'attach', file, '--confirm', '2', '--pins', base];
        const attached = inside(() => spawnSync(process.execPath, words, { encoding: 'utf8' }));
        expect(attached.stderr).toContain('after 2 s, nothing is in force again by itself');
        for (let looks = 0; looks < 200 && pinned(base).length > 0; looks++) await sleep(50);
        expect(pinned(base)).toEqual([]);
        expect(inside(ownRules)).toEqual([]);
        expect(verdicts()).toEqual(EVERYTHING);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);

  it('stays where it is confirmed', async () => {
    await withHostAsync(async ({ base, inside, verdicts }) => {
      inside(() => attach(OBJECT, { base, devices: [], confirm: 3600 }));
      const deadline = deadlineOf(base, 'filter-v4');
      const end = endUnconfirmed(base, 'filter-v4', deadline ?? 0n);
      inside(() => confirm({ base }));
      expect(await end).toEqual([]);
      expect(deadlineOf(base, 'filter-v4')).toBeUndefined();
      expect(readStatus(base).deployments).toMatchObject([{ state: 'in force' }]);
      expect(verdicts()).toEqual(JUDGED);
      inside(() => detach({ base }));
      expect(deadlineOf(base, 'filter-v4')).toBeUndefined();
    });
  });
});
