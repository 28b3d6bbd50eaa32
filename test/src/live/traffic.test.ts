/**
 * Rulesets take each other's place under traffic: `IPT2BPF_REPLACEMENTS=1000 npx vitest run test/src/live/traffic.test.ts`
 * for many times; a few by themselves.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { NetworkNamespace } from '../../../bpf-runtime/system/namespace.js';
import { attach } from '../../../src/live/attach.js';
import { replace } from '../../../src/live/replace.js';
import { readStatus } from '../../../src/live/status.js';
import { able, clear, objectOf, ownPins } from './support.js';

const TIMES = Number(process.env.IPT2BPF_REPLACEMENTS ?? '10');
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

/** Sends datagrams to ports 1, 2 and 3 in turn until a line comes; then tells how many rounds, and in how many seconds. */
const SENDER = `
import socket, sys, threading, time
done = []
threading.Thread(target=lambda: (sys.stdin.readline(), done.append(1)), daemon=True).start()
ports = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
for i, s in enumerate(ports): s.connect(('192.0.2.1', i + 1))
send = [s.send for s in ports]
def put(one):
    while True:
        try: return one(b'x')
        except OSError: pass  # An answer to an earlier one: nothing was sent.
print('ready', flush=True)
rounds, start = 0, time.time()
while not done:
    for _ in range(50):
        for one in send: put(one)
    rounds += 50
print(rounds, time.time() - start, flush=True)
`;

const COUNT = `table ip watch {
  chain in { type filter hook input priority 100; policy accept;
    udp dport 1 counter comment "1"
    udp dport 2 counter comment "2"
    udp dport 3 counter comment "3"
  }
}
`;

function arrived(): Readonly<Record<string, number>> {
  const lines = run('nft', ['list', 'table', 'ip', 'watch']).matchAll(/packets (\d+) bytes \d+ comment "(\d)"/g);
  return Object.fromEntries([...lines].map(([, packets, port]) => [port, Number(packets)]));
}

/** Its end of the cable: addresses that nobody has to ask for. */
function host(own: number, other: number): void {
  for (const words of [
    `link set eth0 address 02:00:00:00:00:0${own}`,
    `addr add 192.0.2.${own}/24 dev eth0`,
    'link set eth0 up',
    `neigh add 192.0.2.${other} lladdr 02:00:00:00:00:0${other} dev eth0`,
  ]) {
    run('ip', words.split(' '));
  }
}

describe.skipIf(!able || !hasCommand('python3'))(
  'rulesets under traffic (skipped without root, nft or python3)',
  () => {
    it(`take each other's place ${TIMES} times: no packet is lost, let in wrongly, or counted twice`, async () => {
      const [here, there] = [NetworkNamespace.create(), NetworkNamespace.create()];
      const base = ownPins();
      const inside = <T>(body: () => T): T => here.run(body);
      const objects = RULESETS.map((text) => objectOf(text));
      // The namespaces have no names: their devices are moved by the process that is in the other one.
      const holder = there.run(() => spawn('sleep', ['100000'], { stdio: 'ignore' }));
      try {
        inside(() => {
          run('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid)]);
          host(1, 2);
          run('nft', ['-f', '-'], COUNT);
          attach(objects[0], { base, devices: [] });
        });
        there.run(() => host(2, 1));
        const sender = there.run(() => spawn('python3', ['-c', SENDER], { stdio: ['pipe', 'pipe', 'inherit'] }));
        let output = '';
        sender.stdout.on('data', (data: Buffer) => (output += data.toString()));
        await once(sender.stdout, 'data');
        for (let i = 1; i <= TIMES; i++) {
          inside(() => replace(objects[i % 2], { base }));
          // The sender's output is read in between.
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        sender.stdin.end('done\n');
        await once(sender, 'close');
        const [rounds, seconds] = (output.split('\n')[1] ?? '').split(' ').map(Number);
        const sent = inside(arrived);
        const [{ manifest, counters }] = readStatus(base).deployments;
        const same = manifest.counters.findIndex((entry) => entry.kind === 'rule' && entry.text === SAME);
        if (TIMES > 100)
          console.log(`${TIMES} replacements, ${rounds * 3} packets, ${Math.round((rounds * 3) / seconds)}/s`);
        expect(sent).toEqual({ 1: rounds, 2: rounds, 3: 0 });
        expect(Number(counters[same].packets)).toBe(rounds);
      } finally {
        inside(() => clear(base));
        holder.kill('SIGKILL');
        here.close();
        there.close();
      }
    }, 3_600_000);
  },
);
