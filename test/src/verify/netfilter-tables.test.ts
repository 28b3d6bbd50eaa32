import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import type { BuiltinChain, Family, TableName } from '../../../grammar/model/family.js';
import { BUILTIN_CHAINS } from '../../../grammar/model/family.js';
import { verifyNetfilter } from '../../../src/verify/verify-netfilter.js';
import { rulesetOf } from '../evaluate/helpers.js';

const able = process.geteuid?.() === 0 && hasCommand('iptables-legacy') && hasCommand('nft');

const dump = (table: TableName, rules: readonly string[]): readonly string[] => [
  `*${table}`,
  ...BUILTIN_CHAINS[table].map((chain) => `:${chain} ACCEPT [0:0]`),
  ':own - [0:0]',
  ...rules,
  'COMMIT',
];

const RAW = [
  '-A PREROUTING -s 10.0.0.0/8 -i eth0 -j DROP',
  '-A PREROUTING -m conntrack --ctstate NEW,ESTABLISHED -j DROP',
  '-A PREROUTING -p udp --dport 53 -j own',
  '-A PREROUTING -m addrtype --dst-type MULTICAST -j DROP',
  '-A OUTPUT -o eth1 -p tcp -j ACCEPT',
  '-A OUTPUT -m owner --uid-owner 0 -p udp -j DROP',
  '-A own ! -i eth0 -j RETURN',
  '-A own -m ttl --ttl-lt 60 -j DROP',
];
const FORWARDED = [
  '-A FORWARD -i eth0 -o eth1 -m length --length 40:60 -j DROP',
  '-A FORWARD -p tcp -j own',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -p udp -j own',
  '-A OUTPUT -m owner --uid-owner 0 -p tcp --dport 22 -j DROP',
  '-A own -i eth0 -j RETURN',
  '-A own -p udp --dport 53 -j DROP',
  '-A own -p tcp --dport 80 -j ACCEPT',
];
const MANGLE = [
  '-A PREROUTING -m conntrack --ctstate INVALID -j DROP',
  '-A PREROUTING -p tcp ! --syn -m conntrack --ctstate NEW -j DROP',
  ...FORWARDED,
  '-A POSTROUTING -o eth1 -p udp -j own',
  '-A POSTROUTING -m conntrack --ctstate ESTABLISHED -j DROP',
];

interface Case {
  readonly name: string;
  readonly family: Family;
  readonly table: TableName;
  readonly chain?: BuiltinChain;
  readonly rules: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'raw', family: 'v4', table: 'raw', rules: RAW },
  { name: 'mangle of IPv6', family: 'v6', table: 'mangle', rules: MANGLE },
  // Its chain `own` counts for others, too, which stay with iptables.
  { name: 'POSTROUTING of mangle', family: 'v4', table: 'mangle', chain: 'POSTROUTING', rules: MANGLE },
  { name: 'security', family: 'v4', table: 'security', rules: FORWARDED },
];

describe('tables beside filter at netfilter', () => {
  it.skipIf(!able).each(CASES)(
    'are judged where iptables does it: $name (skipped without root, iptables or nft)',
    async ({ family, table, chain, rules }) => {
      const lines = dump(table, rules);
      const options = { table, ...(chain === undefined ? {} : { chain }), count: 500, seed: 4 };
      const engines = ['interpreter', 'kernel', 'iptables'] as const;
      const result = await verifyNetfilter(rulesetOf(family, lines), `${lines.join('\n')}\n`, { ...options, engines });
      if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
      for (const { mismatches, skipped } of result.engines) {
        expect(skipped).toBeUndefined();
        expect(mismatches).toEqual([]);
      }
      const kernel = result.engines.find(({ engine }) => engine === 'kernel');
      expect(Math.min(kernel?.verdicts.accept ?? 0, kernel?.verdicts.drop ?? 0)).toBeGreaterThan(20);
    },
    120_000,
  );

  const refused: readonly { name: string; table: TableName; rule: string; want: RegExp }[] = [
    { name: 'marks', table: 'mangle', rule: '-A PREROUTING -j MARK --set-mark 1', want: /write the mark .*--hook tc/ },
    { name: 'changes', table: 'mangle', rule: '-A FORWARD -j TTL --ttl-set 3', want: /write what TTL changes/ },
    { name: 'the way back', table: 'raw', rule: '-A PREROUTING -m rpfilter --invert -j DROP', want: /one next hop/ },
    {
      name: 'routes that are not there',
      table: 'raw',
      rule: '-A PREROUTING -m addrtype --dst-type LOCAL',
      want: /routes/,
    },
    {
      name: 'questions to iptables',
      table: 'mangle',
      rule: '-A INPUT -m connmark --mark 1 -j DROP',
      want: /conntrack/,
    },
    { name: 'sets that are not given', table: 'raw', rule: '-A PREROUTING -m set --match-set a src', want: /--ipset/ },
    { name: 'logs', table: 'mangle', rule: '-A POSTROUTING -j LOG', want: /no log is written/ },
    {
      name: 'what stays with conntrack',
      table: 'raw',
      rule: '-A PREROUTING -j CT --notrack',
      want: /CT is not translated/,
    },
  ];
  it.each(refused)('$name are refused', ({ table, rule, want }) => {
    const result = compile(rulesetOf('v4', dump(table, [rule])), { hook: 'netfilter', table });
    expect(result.ok).toBe(false);
    expect(result.diagnostics.map(({ message, hint }) => `${message} ${hint ?? ''}`).join()).toMatch(want);
  });

  it('traced packets and comparing are for table filter', () => {
    const traced = [...dump('raw', ['-A PREROUTING -j TRACE']), ...dump('mangle', MANGLE)];
    const kinds = [
      compile(rulesetOf('v4', traced), { hook: 'netfilter', table: 'mangle' }),
      compile(rulesetOf('v4', dump('mangle', MANGLE)), { hook: 'netfilter', table: 'mangle', shadow: true }),
      compile(rulesetOf('v4', dump('nat', [])), { hook: 'netfilter', table: 'nat' }),
    ];
    expect(kinds.map(({ ok, diagnostics }) => (ok ? 'compiled' : diagnostics[0].code))).toEqual([
      'no-hook',
      'no-shadow',
      'no-hook',
    ]);
  });
});
