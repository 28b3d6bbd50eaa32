/**
 * Rulesets take each other's place under traffic: `IPT2BPF_REPLACEMENTS=1000 npx vitest run test/src/live/traffic.test.ts`
 * for many times; a few by themselves.
 */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { addVethPair, ip } from '../../../bpf-runtime/system/device.js';
import { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { attach } from '../../../src/live/attach.js';
import { replace } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { Flood, PORTS } from './flood.js';
import { able, clear, objectOf, ownPins } from './support.js';

const TIMES = Number(process.env.IPT2BPF_REPLACEMENTS ?? '10');
/** Packets a second that the sender aims at. */
const RATE = Number(process.env.IPT2BPF_RATE ?? '200000');
const SAME = '-A INPUT -p udp -m udp --dport 1 -j ACCEPT';
const dump = (policy: string, ...rules: readonly string[]): string =>
  ['*filter', `:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );
/** Both let ports 1 and 2 in and keep port 3 out, by rules in different places; half of one and half of the other would not. */
const RULESETS = [
  dump('DROP', '-A INPUT -p icmp -j DROP', '-A INPUT -p udp -m udp --dport 2 -j ACCEPT', SAME),
  dump(
    'ACCEPT',
    SAME,
    '-A INPUT -p udp -m udp --dport 2 -j RETURN',
    '-A INPUT -p udp -m udp --dport 3 -j DROP',
    '-A INPUT -p tcp -j DROP',
  ),
];

const COUNT = `table ip watch {
  chain in { type filter hook input priority 100; policy accept;
    udp dport 1 counter drop comment "1"
    udp dport 2 counter drop comment "2"
    udp dport 3 counter drop comment "3"
  }
}
`;

function arrived(): Readonly<Record<string, number>> {
  const lines = run('nft', ['list', 'table', 'ip', 'watch']).matchAll(/packets (\d+) bytes \d+ drop comment "(\d)"/g);
  return Object.fromEntries([...lines].map(([, packets, port]) => [port, Number(packets)]));
}

describe.skipIf(!able || !hasCommand('python3'))(
  'rulesets under traffic (skipped without root, nft or python3)',
  () => {
    it(`take each other's place ${TIMES} times: no packet is lost, let in wrongly, or counted twice`, async () => {
      const namespace = NetworkNamespace.create();
      const base = ownPins();
      const sender = `${base}-sender`;
      const inside = <T>(body: () => T): T => namespace.run(body);
      const objects = RULESETS.map((text) => objectOf(text));
      try {
        const flood = inside(() => {
          addVethPair('eth0', 'eth1');
          [
            'link set eth0 address 02:00:00:00:00:01',
            'addr add 192.0.2.1/24 dev eth0',
            'link set eth0 up',
            'link set eth1 up',
          ]
            .map((words) => words.split(' '))
            .forEach((words) => ip(...words));
          run('nft', ['-f', '-'], COUNT);
          attach(objects[0], { base, devices: [] });
          return Flood.begin('eth0', sender, RATE);
        });
        await flood.ready();
        for (let i = 1; i <= TIMES; i++) {
          inside(() => replace(objects[i % 2], { base }));
          // What the sender has to say is read in between.
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        const { packets, seconds } = await flood.end();
        const sent = inside(arrived);
        const [{ manifest, counters }] = readStatus(base).deployments;
        const same = manifest.counters.findIndex((entry) => entry.kind === 'rule' && entry.text === SAME);
        console.log(
          `${TIMES} replacements in ${seconds.toFixed(1)} s, ${packets} packets, ${Math.round(packets / seconds)}/s`,
        );
        const each = packets / PORTS;
        expect(each).toBeGreaterThan(0);
        expect(sent).toEqual({ 1: each, 2: each, 3: 0 });
        expect(Number(counters[same].packets)).toBe(each);
      } finally {
        inside(() => clear(base));
        rmSync(sender, { force: true });
        namespace.close();
      }
    }, 3_600_000);
  },
);
