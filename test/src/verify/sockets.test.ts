import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import type { Family } from '../../../grammar/model/family.js';
import { parseDump } from '../../../grammar/index.js';
import type { Hook } from '../../../codegen/program/manifest.js';
import { compile } from '../../../codegen/program/index.js';
import type { EngineName } from '../../../src/verify/job.js';
import { verifySockets } from '../../../src/verify/verify-sockets.js';

const root = process.getuid?.() === 0 && hasCommand('iptables-legacy');
const ENGINES: readonly EngineName[] = root ? ['interpreter', 'kernel', 'iptables'] : ['interpreter'];

const DUMPS: Readonly<Record<Family, string>> = {
  v4: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN --tcp-option 2 -j ACCEPT
-A INPUT -p udp -m length --length 100:2000 -j DROP
-A INPUT -p tcp -m multiport --dports 80,443 -j web
-A INPUT -m u32 --u32 "6&0xFF=0x11 && 4&0x1FFF=0 && 0>>22&0x3C@0>>16=53" -j ACCEPT
-A INPUT -m pkttype --pkt-type multicast -j ACCEPT
-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j ACCEPT
-A INPUT -m mark --mark 0x1/0x1 -j ACCEPT
-A web -s 10.0.0.0/8 -j RETURN
-A web -m ttl --ttl-lt 10 -j DROP
-A web -j ACCEPT
-A OUTPUT -o eth1 -j DROP
-A OUTPUT -p udp -m udp --dport 9 -j DROP
COMMIT
`,
  v6: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN --tcp-option 2 -j ACCEPT
-A INPUT -p udp -m length --length 100:2000 -j DROP
-A INPUT -m hl --hl-eq 64 -j ACCEPT
-A INPUT -m ipv6header --header dst --soft -j DROP
-A INPUT -p udp -m multiport --dports 53,1000:2000 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
-A OUTPUT -o eth1 -j DROP
-A OUTPUT -p udp -m udp --dport 9 -j DROP
COMMIT
`,
};

const bind = (text: string, family: Family = 'v4') => parseDump(text, { family }).ruleset;

describe(`objects at sockets, by ${ENGINES.join(', ')} (kernel and iptables only as root)`, () => {
  const cases = (['v4', 'v6'] as const).flatMap((family) =>
    (['cgroup', 'socket'] as const).map((hook) => ({ name: `${family} at ${hook}`, family, hook })),
  );
  it.each(cases)('$name decide as iptables does', async ({ family, hook }) => {
    const text = DUMPS[family];
    const options = { hook, engines: ENGINES, count: 200, seed: 7 };
    const result = await verifySockets(bind(text, family), text, options);
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    const chains = hook === 'cgroup' ? ['INPUT', 'OUTPUT'] : [undefined];
    const asked = result.engines.map(({ engine, chain }) => ({ engine, chain }));
    expect(asked).toEqual(chains.flatMap((chain) => ENGINES.map((engine) => ({ engine, chain }))));
    for (const report of result.engines) {
      expect(report.mismatches, `${report.engine} ${report.chain}, seed 7`).toEqual([]);
      expect(report.verdicts.accept, report.engine).toBeGreaterThan(4);
      expect(report.verdicts.drop, report.engine).toBeGreaterThan(4);
    }
  });
});

describe('what sockets cannot decide', () => {
  const table = (rule: string): string =>
    `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n`;
  const cases: readonly { name: string; hook: Hook; have: string; want: RegExp }[] = [
    {
      name: 'an answer to a packet',
      hook: 'cgroup',
      have: '-A INPUT -p tcp -j REJECT',
      want: /cannot answer a packet/,
    },
    {
      name: 'the state of what has come in',
      hook: 'cgroup',
      have: '-A INPUT -m conntrack --ctstate NEW -j DROP',
      want: /not known any more/,
    },
    {
      name: 'locks in a socket filter',
      hook: 'socket',
      have: '-A INPUT -m recent --name a --set -j DROP',
      want: /takes no locks/,
    },
    {
      name: 'a text across two parts',
      hook: 'socket',
      have: '-A INPUT -m string --string x --algo kmp -j DROP',
      want: /in two parts/,
    },
    {
      name: 'a mark to be written',
      hook: 'cgroup',
      have: '-A INPUT -j MARK --set-mark 1',
      want: /cannot write the mark/,
    },
  ];
  it.each(cases)('$name', ({ hook, have, want }) => {
    const result = compile(bind(table(have)), { hook });
    expect(result.ok).toBe(false);
    expect(result.diagnostics.map(({ message }) => message).join('\n')).toMatch(want);
  });

  it('the state of what goes out is known, and answers may be left out', () => {
    const rules = '-A OUTPUT -m conntrack --ctstate NEW -j DROP\n-A INPUT -p tcp -j REJECT';
    expect(compile(bind(table(rules)), { hook: 'cgroup', reject: 'drop' }).ok).toBe(true);
  });
});
