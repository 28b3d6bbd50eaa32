/**
 * Conversations of real sockets through a router. In the same packets' way stand the object, which decides, and the same
 * rules in table mangle, which count and decide nothing; then iptables decides, and the same must come of everything.
 */
import { describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { attach } from '../../../src/live/attach.js';
import { readStatus } from '../../../src/live/status.js';
import { withNetwork } from './network.js';
import { able, clear, objectOf, ownPins } from './support.js';

const ROUTER = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
:new - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED -m conntrack --ctdir REPLY -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -p icmp -m conntrack --ctstate RELATED -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT
-A FORWARD -i eth1 -m conntrack --ctstate NEW -j new
-A FORWARD -p udp -m udp --dport 5354 -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -p tcp -m tcp --dport 8081 -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -m udp --dport 7 -j DROP
-A new -p tcp -m tcp --tcp-flags SYN,RST,ACK,FIN SYN -m multiport --dports 21,8080 -j ACCEPT
-A new -p udp -m multiport --dports 9,5353 -j ACCEPT
-A new -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
`;

/** Chain OUTPUT of the host that talks, by an object where packets leave. */
const CLIENT = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A OUTPUT -m conntrack --ctstate INVALID -j DROP
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -p icmp -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -p udp -m udp --dport 5353 -m conntrack --ctstate UNTRACKED -j ACCEPT
-A OUTPUT -p tcp -m multiport --dports 21,22,8080,8081,30000 -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -p udp -m udp --dport 7 -m conntrack ! --ctstate INVALID,UNTRACKED -j DROP
-A OUTPUT -p udp -m multiport --dports 9,5354 -j ACCEPT
COMMIT
`;
const RAW = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
-A OUTPUT -p udp -m udp --dport 5353 -j CT --notrack
COMMIT
`;

/** The rules as ones that only count: what ends the way through the table ends it here, and nothing is dropped. */
const counting = (dump: string): string =>
  dump
    .replace('*filter', '*mangle')
    .replace(/^(:[A-Z]+) DROP/gm, '$1 ACCEPT')
    .replace(/-j (DROP|REJECT.*)$/gm, '-j ACCEPT');

/** `CHAIN NUMBER` or `CHAIN policy` → packets and bytes. */
type Counts = Readonly<Record<string, string>>;

/** What stands in the counters of a table. */
function countsOf(table: 'filter' | 'mangle', chains: ReadonlySet<string>): Counts {
  const counts: Record<string, string> = {};
  const numbers = new Map<string, number>();
  for (const line of run('iptables-save', ['-c', '-t', table]).split('\n')) {
    const policy = /^:(\S+) (ACCEPT|DROP) \[(\d+:\d+)\]/.exec(line);
    if (policy !== null && chains.has(policy[1])) counts[`${policy[1]} policy`] = policy[3];
    const rule = /^\[(\d+:\d+)\] -A (\S+) /.exec(line);
    if (rule === null || !chains.has(rule[2]) || line.includes('ipt2bpf')) continue;
    const number = (numbers.get(rule[2]) ?? 0) + 1;
    numbers.set(rule[2], number);
    counts[`${rule[2]} ${number}`] = rule[1];
  }
  return counts;
}

function countsOfObject(base: string): Counts {
  const [{ manifest, counters }] = readStatus(base).deployments;
  return Object.fromEntries(
    manifest.counters.map((entry, i) => {
      const place = entry.kind === 'rule' ? `${entry.chain} ${entry.number}` : `${entry.chain} policy`;
      return [place, `${counters[i].packets}:${counters[i].bytes}`];
    }),
  );
}

const NO_ANSWER = 'no answer';
const REFUSED = 'ConnectionRefusedError 111';
const ECHOED = '3000 bytes back';
/** What comes of each conversation where nothing is dropped but what the hosts themselves refuse. */
const FREE: Readonly<Record<string, string>> = {
  tcp: ECHOED,
  'tcp, answered by a reset': ECHOED,
  'tcp, dropped': NO_ANSWER,
  'tcp to the router': REFUSED,
  'udp to the router, dropped': NO_ANSWER,
  udp: 'hello',
  'udp to a closed port': REFUSED,
  'udp, prohibited': 'hello',
  'the server calls': 'connected',
  ping: 'two replies',
  'ping to the router': 'two replies',
  'ftp, active': 'a file, 226 done',
  'ftp, passive': 'a file, 226 done',
  flood: 'sent',
  'tcp behind the flood': ECHOED,
};

const CASES = [
  {
    name: 'a router, by an object at netfilter',
    where: 'router',
    dump: ROUTER,
    hook: 'netfilter',
    devices: [],
    want: {
      ...FREE,
      'tcp, answered by a reset': REFUSED,
      // EHOSTUNREACH
      'udp, prohibited': 'OSError 113',
      'the server calls': 'no answer',
    },
  },
  {
    name: 'what a host sends, by an object at tc',
    where: 'client',
    dump: CLIENT,
    hook: 'tc',
    devices: ['eth0'],
    want: FREE,
  },
] as const;

describe.skipIf(!able || !hasCommand('python3'))('conversations (skipped without root, nft or python3)', () => {
  it.each(CASES)(
    '$name: verdicts and counters as of iptables',
    async ({ where, dump, hook, devices, want }) => {
      const object = objectOf(dump, { hook, ...(hook === 'tc' ? { chain: 'OUTPUT' } : {}) });
      const chains = new Set(object.manifest.counters.map(({ chain }) => chain));
      const ours = withNetwork(async (network) => {
        const base = ownPins();
        const here = network[where];
        try {
          here.run(() => {
            run('iptables-restore', [], RAW);
            run('iptables-restore', ['--noflush'], counting(dump));
            attach(object, { base, devices });
          });
          const said = await network.talk();
          return { said, ...here.run(() => ({ counts: countsOfObject(base), shadow: countsOf('mangle', chains) })) };
        } finally {
          here.run(() => clear(base));
        }
      });
      const theirs = withNetwork(async (network) => {
        network[where].run(() => run('iptables-restore', [], `${RAW}${dump}`));
        return network.talk();
      });
      const [{ said, counts, shadow }, saidThere] = await Promise.all([ours, theirs]);
      const lines = Object.entries(want).map(([talk, outcome]) => `${talk}: ${outcome}\n`);
      expect(saidThere).toBe(lines.join(''));
      expect(said).toBe(saidThere);
      expect(counts).toEqual(shadow);
      // Each rule is there for something.
      const idle = Object.entries(counts).filter(([place, count]) => count === '0:0' && !place.endsWith('policy'));
      expect(idle).toEqual([]);
    },
    60_000,
  );
});
