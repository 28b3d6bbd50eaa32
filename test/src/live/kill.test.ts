/**
 * Commands are killed at random moments: `IPT2BPF_KILLS=200 npx vitest run test/src/live/kill.test.ts` for many times;
 * a few by themselves.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attach } from '../../../src/live/attach.js';
import { detach, replace } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { Random } from '../../../src/verify/random.js';
import { builtCli } from '../../docs/support/built-cli.js';
import { able, objectOf, ownRules, pinned, withHostAsync } from './support.js';

const TIMES = Number(process.env.IPT2BPF_KILLS ?? '4');
const SEED = Number(process.env.IPT2BPF_SEED ?? '1');

const dump = (policy: string, ...rules: readonly string[]): string =>
  ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
const STRICT = objectOf(
  dump(
    'DROP',
    '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
    '-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable',
    '-A INPUT -p udp -m udp --dport 2 -j ACCEPT',
  ),
);
const LAX = objectOf(dump('ACCEPT', '-A INPUT -p udp -m udp --dport 3 -j REJECT --reject-with icmp-host-unreachable'));
const EVERYTHING = 'accept accept accept accept';
const BY = { strict: 'reject reject accept drop', lax: 'accept accept accept reject' } as const;
type Which = keyof typeof BY;
const OBJECTS = { strict: STRICT, lax: LAX } as const;

let folder = '';
let cli = '';
beforeAll(() => {
  if (!able) return;
  cli = join(builtCli('live'), 'src/cli/main.js');
  folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-kill-'));
  for (const name of ['strict', 'lax'] as const) writeFileSync(join(folder, `${name}.o`), OBJECTS[name].bytes);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!able)('commands that are killed (skipped without root, nft or iptables)', () => {
  it(`leave the one ruleset or the other, ${TIMES} times, seed ${SEED}; the next command mends`, async () => {
    const random = new Random(SEED);
    await withHostAsync(async ({ base, inside, verdicts }) => {
      const seen: Record<string, number> = {};
      const command = (words: readonly string[]): readonly string[] => [cli, ...words, '--pins', base];
      // How long a command takes that nobody kills, as the machine is now.
      const started = performance.now();
      const whole = inside(() =>
        spawnSync(process.execPath, command(['attach', join(folder, 'strict.o')]), { encoding: 'utf8' }),
      );
      expect(whole.stderr).toContain('in force');
      const usual = performance.now() - started;
      let running: Which | undefined = 'strict';
      for (let i = 0; i < TIMES; i++) {
        if (running !== undefined && random.below(4) === 0) {
          inside(() => detach({ base }));
          running = undefined;
        }
        const next: Which = running === 'strict' ? 'lax' : 'strict';
        const verb = running === undefined ? 'attach' : 'replace';
        const delay = usual * (0.2 + random.below(1000) / 1000);
        const child = inside(() =>
          spawn(process.execPath, command([verb, join(folder, `${next}.o`)]), { stdio: 'ignore' }),
        );
        const over = once(child, 'exit');
        const timer = setTimeout(() => child.kill('SIGKILL'), delay);
        const [status] = (await over) as [number | null];
        clearTimeout(timer);
        const before = running === undefined ? EVERYTHING : BY[running];
        const after = verdicts().join(' ');
        const where = `kill ${i}, ${verb} ${next} after ${delay.toFixed(0)} ms, seed ${SEED}`;
        if (status === 0) expect(after, where).toBe(BY[next]);
        else expect([before, BY[next]], where).toContain(after);
        const outcome = `${verb} ${status === null ? 'killed' : 'done'}: ${after === before ? 'before' : 'after'}`;
        seen[outcome] = (seen[outcome] ?? 0) + 1;
        // The next command, whatever it is, finds a whole state or makes one.
        const inForce = after !== EVERYTHING;
        const object = OBJECTS[random.below(2) === 0 ? 'strict' : 'lax'];
        inside(() => (inForce ? replace(object, { base }) : attach(object, { base, devices: [] })));
        running = object === STRICT ? 'strict' : 'lax';
        expect(verdicts().join(' '), where).toBe(BY[running]);
        expect(readStatus(base), where).toMatchObject({ leftovers: [] });
      }
      if (TIMES > 20) console.log(seen);
      inside(() => detach({ base }));
      expect(pinned(base)).toEqual([]);
      expect(inside(ownRules)).toEqual([]);
    });
  }, 3_600_000);
});
