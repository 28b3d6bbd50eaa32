import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { verifyNetfilter } from '../../../src/verify/verify-netfilter.js';

const able =
  process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ip6tables-legacy'].every((tool) => hasCommand(tool));

/** Rules without a target only count: the counters tell each answer. */
const dump = (network: string): string => `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 22 -j CONNMARK --set-xmark 0x5/0xffffffff
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m connmark --mark 0x5/0xff
-A INPUT -m connmark ! --mark 0x5/0xff
-A INPUT -m conntrack --ctproto 6
-A INPUT -m conntrack ! --ctproto 17
-A INPUT -m conntrack --ctorigsrc ${network}
-A INPUT -m conntrack ! --ctreplsrc ${network}
-A INPUT -m conntrack --ctstate NEW,ESTABLISHED --ctorigdstport 1:1024
-A INPUT -m conntrack --ctreplsrcport 53
-A INPUT -m conntrack --ctdir REPLY
-A INPUT -m conntrack --ctstatus SEEN_REPLY
-A INPUT -m conntrack --ctstatus ASSURED,CONFIRMED
-A INPUT -m conntrack --ctstatus NONE
-A INPUT -m conntrack --ctexpire 25:35
-A INPUT -m connbytes --connbytes 2 --connbytes-mode packets --connbytes-dir both
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -p udp -m udp --sport 53 -j ACCEPT
-A INPUT -m conntrack --ctdir REPLY -j ACCEPT
-A FORWARD -m conntrack --ctdir ORIGINAL --ctproto 17 -j ACCEPT
-A FORWARD -m conntrack --ctstatus SEEN_REPLY -j ACCEPT
-A OUTPUT -m conntrack --ctdir REPLY
-A OUTPUT -m connmark --mark 0x5
COMMIT
`;
const NETWORKS: Readonly<Record<Family, string>> = { v4: '128.0.0.0/1', v6: '8000::/1' };

describe.skipIf(!able)('the entry of a connection at netfilter (skipped without root, nft or iptables)', () => {
  it.each(['v4', 'v6'] as const)('%s: every test has the answers that iptables gives', async (family) => {
    const text = dump(NETWORKS[family]);
    const { ruleset } = parseDump(text, { family });
    const options = { engines: ['kernel', 'iptables'] as const, count: 300, seed: 11 };
    const result = await verifyNetfilter(ruleset, text, options);
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    for (const { engine, skipped, mismatches, notes, packets } of result.engines) {
      expect(skipped, engine).toBeUndefined();
      expect(mismatches, `${engine}, seed 11`).toEqual([]);
      expect(packets).toBeGreaterThan(200);
      if (engine === 'kernel') expect(notes.join('; ')).toMatch(/\d+ counters in packets and bytes/);
    }
  });
});

describe('what may change between the question and the rule', () => {
  const table = (extra: string, rule: string): string =>
    `${extra}*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n`;
  const mangle = (rule: string): string => `*mangle\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n`;
  const nat = '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d 192.0.2.1/32 -j DNAT --to-destination 192.0.2.9\nCOMMIT\n';
  const cases: readonly { name: string; have: string; want: boolean }[] = [
    { name: 'nothing', have: table('', '-A INPUT -m connmark --mark 1 -j DROP'), want: true },
    {
      name: 'the mark, by table mangle',
      have: table(mangle('-A INPUT -j CONNMARK --set-mark 1'), '-A INPUT -m connmark --mark 1 -j DROP'),
      want: false,
    },
    {
      name: 'the mark, by a rule of the chain',
      have: table('', '-A INPUT -j CONNMARK --set-mark 1\n-A INPUT -m connmark --mark 1 -j DROP'),
      want: false,
    },
    { name: 'the mapping, in INPUT not', have: table(nat, '-A INPUT -m conntrack --ctproto 6 -j DROP'), want: true },
    { name: 'the mapping', have: table(nat, '-A OUTPUT -m conntrack --ctrepldst 192.0.2.1 -j DROP'), want: false },
  ];
  it.each(cases)('$name', ({ have, want }) => {
    const result = compile(parseDump(have, { family: 'v4' }).ruleset, { hook: 'netfilter' });
    expect(result.ok, result.diagnostics.map(({ message }) => message).join('\n')).toBe(want);
  });
});
