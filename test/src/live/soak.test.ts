/**
 * Everything at once for a long time: `IPT2BPF_SOAK=600 npx vitest run test/src/live/soak.test.ts` (seconds); a few rounds
 * by itself. What a process or the pins would leak grows with the rounds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addVethPair } from '../../../bpf-runtime/system/device.js';
import { attach } from '../../../src/live/attach.js';
import { countedRuleset, saveText } from '../../../src/live/listing.js';
import { metricsText } from '../../../src/live/metrics.js';
import { confirm, detach, replace, rollback } from '../../../src/live/replace.js';
import { attachedRulesets, bootPlaces, enable } from '../../../src/live/saved/enable.js';
import { restore } from '../../../src/live/saved/restore.js';
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
);
const LAX = dump('ACCEPT', '-A INPUT -p udp -m limit --limit 5/sec -j ACCEPT');

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

function sampleOf(pid: number | 'self'): Sample {
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
    await withHostAsync(async ({ base, inside, verdicts }) => {
      inside(() => addVethPair('soak0', 'soak1'));
      const server = spawn(process.execPath, [cli, 'metrics', '--listen', '0', '--pins', base], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const [address] = (await once(server.stderr, 'data')) as [Buffer];
      const own: Sample[] = [];
      const served: Sample[] = [];
      const seenPins: number[] = [];
      const state = bootPlaces(root).state;
      const round = async (): Promise<void> => {
        inside(() => {
          attach(shadow, { base, devices: [] });
          attach(wire, { base, devices: ['soak0'], name: 'wire' });
        });
        verdicts();
        inside(() => {
          readStatus(base);
          detach({ base, name: 'filter-v4' });
          attach(strict, { base, devices: [], confirm: 60 });
          confirm({ base, name: 'filter-v4' });
          replace(wire, { base, name: 'wire' });
          replace(lax, { base, name: 'filter-v4', confirm: 60 });
        });
        verdicts();
        inside(() => {
          rollback({ base, name: 'filter-v4' });
          enable(attachedRulesets(base), { root, onFailure: 'closed', command: ['/bin/true'], units: false });
          for (const { manifest, counters } of readStatus(base).deployments)
            saveText(countedRuleset(manifest, counters));
          metricsText(readStatus(base));
          seenPins.push(pins(base));
        });
        const response = await fetch(address.toString().trim(), { headers: { connection: 'close' } });
        expect(await response.text()).toContain('ipt2bpf_rule_packets_total');
        inside(() => {
          for (const name of ['filter-v4', 'wire']) detach({ base, name });
          restore({ base, directory: state });
          for (const name of ['filter-v4', 'wire']) detach({ base, name });
        });
        expect(pinned(base)).toEqual([]);
        own.push(sampleOf('self'));
        served.push(sampleOf(server.pid ?? 'self'));
      };
      const end = Date.now() + SECONDS * 1000;
      do {
        await round();
      } while (Date.now() < end);
      server.kill('SIGTERM');
      await once(server, 'close');
      if (LONG) {
        console.log(
          `${own.length} rounds; files and KiB at first and last:`,
          [own[0], own.at(-1)],
          [served[0], served.at(-1)],
        );
        console.log('growth', growth(own, 'memory'), growth(served, 'memory'));
        expect(growth(own, 'memory')).toBeLessThan(1.2);
        expect(growth(served, 'memory')).toBeLessThan(1.2);
        expect(growth(served, 'files')).toBe(1);
      }
      expect(own.at(-1)?.files).toBeLessThanOrEqual(own[0].files);
      expect(new Set(seenPins).size).toBe(1);
    });
  }, 3_600_000);
});
