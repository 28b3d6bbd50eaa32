/**
 * Everything at once for a long time: `IPT2BPF_SOAK=600 npx vitest run test/src/live/soak.test.ts` (seconds); a round by
 * itself. What a process or the pins would leak grows with the rounds.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addVethPair } from '../../../bpf-runtime/system/device.js';
import { pause } from '../../../bpf-runtime/system/pause.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { attach } from '../../../src/live/attach.js';
import { countedRuleset, saveText } from '../../../src/live/listing.js';
import { metricsText } from '../../../src/live/metrics.js';
import { checkObject, type CheckedObject } from '../../../src/live/object.js';
import { rehearse } from '../../../src/live/rehearse.js';
import { confirm, detach, replace, rollback } from '../../../src/live/replace.js';
import { attachedRulesets, bootPlaces, enable } from '../../../src/live/saved/enable.js';
import { restore } from '../../../src/live/saved/restore.js';
import { changeSets, listSets, parseSetChange } from '../../../src/live/sets.js';
import { readStatus } from '../../../src/live/status.js';
import { builtCli } from '../../docs/support/built-cli.js';
import { able, objectOf, pinned, withHostAsync } from './support.js';

const SECONDS = Number(process.env.IPT2BPF_SOAK ?? '1');
const LONG = SECONDS >= 60;

const dump = (policy: string, ...rules: readonly string[]): string =>
  [
    '*filter',
    `:INPUT ${policy} [0:0]`,
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    '-A INPUT -i lo -j ACCEPT',
    ...rules,
    '-A INPUT -p udp -m udp --dport 1 -m recent --name seen --set -j LOG --log-prefix "one: "',
    '-A INPUT -p udp -m udp --dport 1 -m hashlimit --hashlimit-upto 100/sec --hashlimit-name h --hashlimit-mode srcip',
    '-A INPUT -p udp -m udp --dport 3 -j REJECT --reject-with icmp-port-unreachable',
    'COMMIT',
    '',
  ].join('\n');
const STRICT = dump(
  'DROP',
  '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT',
  '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
  '-A INPUT -p udp -m udp --dport 2 -m connlimit --connlimit-above 100 --connlimit-mask 0 -j DROP',
);
const LAX = dump('ACCEPT', '-A INPUT -p udp -m limit --limit 5/sec -j ACCEPT');

/** For a device, with an IP set. */
function withSet(...rules: readonly string[]): CheckedObject {
  const text = dump('ACCEPT', '-A INPUT -m set --match-set blocked src -j DROP', ...rules);
  const { sets } = parseSets('create blocked hash:net family inet timeout 600\n');
  const ruleset = bindSets(parseDump(text, { family: 'v4' }).ruleset, sets);
  const compiled = compile(ruleset, { hook: 'xdp', chain: 'INPUT', mode: 'early', source: text });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join('; '));
  return checkObject(compiled.object, 'test.o');
}

const NAMES = ['filter-v4', 'wire', 'sets'];

let root = '';
let cli = '';
beforeAll(() => {
  if (!able) return;
  root = mkdtempSync(join(tmpdir(), 'ipt2bpf-soak-'));
  cli = join(builtCli('live'), 'src/cli/main.js');
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Sample {
  readonly files: number;
  /** KiB. */
  readonly memory: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Of this process without what is only not collected yet: of the others that is a part of what they take. */
function sampleOf(pid: number | 'self'): Sample {
  if (pid === 'self') collectGarbage();
  const memory = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Number(memory?.[1]) };
}

const pins = (base: string): number => readdirSync(base, { recursive: true }).length;

const most = (samples: readonly Sample[], of: keyof Sample): number => Math.max(...samples.map((one) => one[of]));

/** The last quarter against the second one: the first is for warming up. */
function growth(samples: readonly Sample[], of: keyof Sample): number {
  const quarter = Math.floor(samples.length / 4);
  return most(samples.slice(-quarter), of) / most(samples.slice(quarter, 2 * quarter), of);
}

describe.skipIf(!able)('everything for long (skipped without root, nft or iptables)', () => {
  it(`leaks nothing in ${SECONDS} s`, async () => {
    const [strict, lax, wire, shadow] = [
      objectOf(STRICT),
      objectOf(LAX),
      objectOf(LAX, { hook: 'tc', chain: 'INPUT', fragments: 'judge' }),
      objectOf(STRICT, { shadow: true }),
    ];
    const [sets, otherSets] = [withSet(), withSet('-A INPUT -p udp -m udp --dport 9 -j DROP')];
    await withHostAsync(async ({ base, inside, verdicts }) => {
      inside(() => addVethPair('soak0', 'soak1'));
      const start = (...words: readonly string[]): ChildProcess =>
        spawn(process.execPath, [cli, ...words, '--pins', base], { stdio: ['ignore', 'pipe', 'pipe'] });
      const server = start('metrics', '--listen', '0');
      const [address] = (await once(server.stderr as Readable, 'data')) as [Buffer];
      let logger: ChildProcess | undefined;
      let logged = 0;
      const own: Sample[] = [];
      const served: Sample[] = [];
      const followed: Sample[] = [];
      const seenPins: number[] = [];
      const state = bootPlaces(root).state;
      const detachAll = (): void => NAMES.forEach((name) => void detach({ base, name }));
      const change = (words: string): void =>
        void changeSets([parseSetChange(words.split(' '))], { base, name: 'sets' });
      const round = async (): Promise<void> => {
        inside(() => {
          attach(shadow, { base, devices: [] });
          attach(wire, { base, devices: ['soak0'], name: 'wire' });
          attach(sets, { base, devices: ['soak1'], name: 'sets' });
        });
        verdicts();
        inside(() => {
          readStatus(base);
          detach({ base, name: 'filter-v4' });
          rehearse(strict);
          attach(strict, { base, devices: [], confirm: 60 });
          confirm({ base, name: 'filter-v4' });
          replace(wire, { base, name: 'wire' });
          change('add blocked 198.51.100.0/24');
          replace(otherSets, { base, name: 'sets' });
          expect(listSets({ base, name: 'sets' }).sets).toEqual(['blocked']);
          change('add blocked 203.0.113.0/24 timeout 300');
          replace(lax, { base, name: 'filter-v4', confirm: 60 });
        });
        if (logger === undefined) {
          logger = inside(() => start('events'));
          logger.stdout?.on('data', (data: Buffer) => (logged += data.length));
        }
        verdicts();
        inside(() => {
          rollback({ base, name: 'filter-v4' });
          rollback({ base, name: 'sets' });
          if (LONG) {
            replace(lax, { base, name: 'filter-v4', confirm: 1 });
            pause(1100);
            readStatus(base);
          }
          enable(attachedRulesets(base), { root, onFailure: 'closed', command: ['/bin/true'], units: false });
          for (const { manifest, counters } of readStatus(base).deployments)
            saveText(countedRuleset(manifest, counters));
          metricsText(readStatus(base));
          seenPins.push(pins(base));
        });
        if (LONG)
          expect(
            await once(
              inside(() => start('watch', '--count', '1', '--json')),
              'exit',
            ),
          ).toEqual([0, null]);
        const response = await fetch(address.toString().trim(), { headers: { connection: 'close' } });
        expect(await response.text()).toContain('ipt2bpf_rule_packets_total');
        inside(() => {
          detachAll();
          restore({ base, directory: state });
          detachAll();
        });
        expect(pinned(base)).toEqual([]);
        own.push(sampleOf('self'));
        served.push(sampleOf(server.pid ?? 'self'));
        followed.push(sampleOf(logger.pid ?? 'self'));
      };
      /** Files of the process that follows events, when it has let go of what is detached. */
      const atRest = async (): Promise<number> => {
        await sleep(3000);
        return sampleOf(logger?.pid ?? 'self').files;
      };
      const end = Date.now() + SECONDS * 1000;
      await round();
      const resting = LONG ? await atRest() : 0;
      while (Date.now() < end) await round();
      if (LONG) expect(await atRest()).toBe(resting);
      for (const child of [server, logger]) {
        child?.kill('SIGTERM');
        if (child !== undefined) await once(child, 'close');
      }
      if (LONG) {
        const all = { own, served, followed };
        for (const [name, samples] of Object.entries(all)) {
          console.log(`${name}: ${samples.length} rounds; at first and last:`, samples[0], samples.at(-1));
          console.log('growth', growth(samples, 'memory'), growth(samples, 'files'));
        }
        console.log(`bytes of events: ${logged}`);
        expect(logged).toBeGreaterThan(0);
        for (const samples of Object.values(all)) expect(growth(samples, 'memory')).toBeLessThan(1.2);
        expect(growth(served, 'files')).toBe(1);
      }
      expect(own.at(-1)?.files).toBeLessThanOrEqual(own[0].files);
      expect(new Set(seenPins).size).toBe(1);
    });
  }, 3_600_000);
});
