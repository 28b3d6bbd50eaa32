import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { readObject } from '../../../codegen/object/read.js';
import { compile } from '../../../codegen/program/index.js';
import type { Lookup, WireHook } from '../../../codegen/program/manifest.js';
import { attach } from '../../../src/live/attach.js';
import { readStatus } from '../../../src/live/status.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { verify } from '../../../src/verify/verify.js';
import { filterTable, packetOf, rulesetOf } from '../evaluate/helpers.js';
import { withNetwork } from './network.js';
import { able, clear, objectOf, ownPins } from './support.js';

const RULES = [
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
];

const program = (hook: WireHook, rules: readonly string[], lookup: Lookup, family: 'v4' | 'v6' = 'v4') => {
  const ruleset = filterTable(family, rules, 'DROP');
  const result = compile(ruleset, { hook, chain: 'INPUT', table: 'filter', mode: 'early', lookup });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return readObject(result.object);
};

describe('early objects that ask for connections', () => {
  const SYN = 'tcp 198.51.100.7:4000 > 192.0.2.1:23 SYN in eth0';
  const SSH = 'tcp 198.51.100.7:4000 > 192.0.2.1:22 SYN in eth0';
  const SYN6 = 'tcp [2001:db8::7]:4000 > [2001:db8::1]:23 SYN in eth0';
  const PING = 'icmp 198.51.100.7 > 192.0.2.1 in eth0';
  const LATER = 'udp 198.51.100.7:4000 > 192.0.2.1:23 frag 104 payload 0102 in eth0';
  const only = (state: string): readonly string[] => [`-A INPUT -m conntrack --ctstate ${state} -j ACCEPT`];
  it.each([
    { name: 'no entry, no helpers', rules: RULES, lookup: 'no-helpers', packet: SYN, entry: false, want: 'drop' },
    { name: 'an entry: any state', rules: RULES, lookup: 'no-helpers', packet: SYN, entry: true, want: 'pass' },
    { name: 'what a helper may expect', rules: RULES, lookup: 'entries', packet: SYN, entry: false, want: 'pass' },
    { name: 'an open port', rules: RULES, lookup: 'no-helpers', packet: SSH, entry: false, want: 'pass' },
    { name: 'IPv6', rules: RULES, lookup: 'no-helpers', packet: SYN6, entry: false, want: 'drop' },
    { name: 'IPv6, an entry', rules: RULES, lookup: 'no-helpers', packet: SYN6, entry: true, want: 'pass' },
    { name: 'other protocols', rules: RULES, lookup: 'no-helpers', packet: PING, entry: false, want: 'pass' },
    { name: 'later pieces', rules: RULES, lookup: 'no-helpers', packet: LATER, entry: false, want: 'pass' },
    {
      name: 'established alone',
      rules: only('ESTABLISHED'),
      lookup: 'entries',
      packet: SYN,
      entry: false,
      want: 'drop',
    },
    { name: 'may be invalid', rules: only('INVALID'), lookup: 'no-helpers', packet: SYN, entry: false, want: 'pass' },
    {
      name: 'may be untracked',
      rules: only('UNTRACKED'),
      lookup: 'no-helpers',
      packet: SYN,
      entry: false,
      want: 'pass',
    },
    {
      name: 'a drop that is certain now',
      rules: ['-A INPUT -m conntrack ! --ctstate ESTABLISHED -j DROP', '-A INPUT -j ACCEPT'],
      lookup: 'entries',
      packet: SYN,
      entry: false,
      want: 'drop',
    },
    {
      name: 'a drop that is not certain',
      rules: ['-A INPUT -m conntrack ! --ctstate ESTABLISHED,INVALID -j DROP', '-A INPUT -j ACCEPT'],
      lookup: 'entries',
      packet: SYN,
      entry: false,
      want: 'pass',
    },
  ] as const)('$name: $want', ({ rules, lookup, packet, entry, want }) => {
    for (const hook of ['xdp', 'tc'] as const) {
      const spec = program(hook, rules, lookup, packet.includes('[') ? 'v6' : 'v4');
      const tuples: string[] = [];
      const connected = (tuple: Uint8Array, protocol: number): boolean => {
        tuples.push(`${protocol} ${Buffer.from(tuple).toString('hex')}`);
        return entry;
      };
      const machine = new Interpreter(spec, { connected, fib: () => 4, devices: [{ ifindex: 2, name: 'eth0' }] });
      const context = hook === 'xdp' ? { ingress_ifindex: 2 } : { ifindex: 2, ingress_ifindex: 2 };
      const { result } = machine.run({ packet: packetOf(packet).packet.frame, context });
      expect(result === (hook === 'xdp' ? 1 : 2) ? 'drop' : 'pass', hook).toBe(want);
      if (packet === SYN) expect(tuples).toEqual(['6 c6336407c00002010fa00017']);
    }
  });

  it.each(['v4', 'v6'] as const)('drop nothing that may be accepted: %s', async (family) => {
    const rules = [
      '-A INPUT -m conntrack --ctstate INVALID -j DROP',
      ...RULES,
      '-A INPUT -p udp -m conntrack ! --ctstate ESTABLISHED -j DROP',
    ];
    const ruleset = filterTable(family, rules, 'DROP');
    const job = { table: 'filter', chain: 'INPUT', hook: 'xdp', mode: 'early', lookup: 'no-helpers' } as const;
    const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: 300, seed: 5 });
    const result = await verify(ruleset, '', packets, { ...job, engines: ['interpreter', 'kernel'] });
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    for (const { mismatches } of result.engines) expect(mismatches).toEqual([]);
    expect(result.engines[0].verdicts.drop).toBeGreaterThan(20);
  });

  it.each([
    ['-A PREROUTING -i eth0 -j CT --zone 1', 'entries', /into zones/],
    ['-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp', 'no-helpers', /give connections a helper/],
  ] as const)('are refused beside %s', (rule, lookup, want) => {
    const lines = ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', rule, 'COMMIT'];
    const filter = ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...RULES, 'COMMIT'];
    const options = { hook: 'xdp', chain: 'INPUT', mode: 'early', lookup } as const;
    const result = compile(rulesetOf('v4', [...lines, ...filter]), options);
    expect(result.diagnostics.map(({ message }) => message).join()).toMatch(want);
  });
});

const SERVER = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m multiport --dports 21,8080,30000 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p udp -m udp --dport 5353 -j ACCEPT
COMMIT
`;

describe.skipIf(!able || !hasCommand('python3'))('in front of iptables (skipped without root, nft or python3)', () => {
  it.each(['xdp', 'tc'] as const)(
    'a flood ends there, conversations go on: %s',
    async (hook) => {
      const object = objectOf(SERVER, { hook, chain: 'INPUT', mode: 'early', lookup: 'no-helpers' });
      const talk = (early: boolean): Promise<{ said: string; dropped: number; late: number }> =>
        withNetwork(async (network) => {
          const base = ownPins();
          const { server } = network;
          try {
            server.run(() => {
              run('iptables-restore', [], SERVER);
              if (early) attach(object, { base, devices: ['eth0'], ...(hook === 'xdp' ? { xdpMode: 'generic' } : {}) });
            });
            const said = await network.talk();
            const late = Number(/:INPUT DROP \[(\d+):/.exec(server.run(() => run('iptables-save', ['-c'])))?.[1]);
            const counters = early ? server.run(() => readStatus(base).deployments[0].counters) : [];
            return { said, late, dropped: counters.reduce((sum, { packets }) => sum + Number(packets), 0) };
          } finally {
            server.run(() => clear(base));
          }
        });
      const [plain, guarded] = await Promise.all([talk(false), talk(true)]);
      expect(guarded.said).toBe(plain.said);
      expect(plain.said).toContain('tcp behind the flood: 3000 bytes back');
      // 2000 datagrams to a closed port, and 2000 segments of no connection, of which half may be invalid ones.
      expect(plain.late).toBeGreaterThanOrEqual(3000);
      expect(guarded.dropped).toBeGreaterThanOrEqual(2000);
      expect(guarded.late).toBeLessThan(plain.late - 1999);
    },
    60_000,
  );
});
