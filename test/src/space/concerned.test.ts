import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { concernedRules } from '../../../src/space/concerned.js';

function ruleset(rules: readonly string[], table = 'filter'): Ruleset {
  const head = [`*${table}`, ':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':own - [0:0]'];
  return parseDump([...head, ...rules, 'COMMIT', ''].join('\n'), { family: 'v4' }).ruleset;
}

const WEB = '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ACCEPT';
const EDITED = '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j DROP';

describe('rules that an edit concerns', () => {
  const cases: readonly { name: string; other: string; kept: boolean }[] = [
    { name: 'another network', other: '-A INPUT -s 192.0.2.0/24 -j DROP', kept: false },
    { name: 'a network within', other: '-A INPUT -s 10.1.0.0/16 -j DROP', kept: true },
    { name: 'all but the network', other: '-A INPUT ! -s 10.0.0.0/8 -j DROP', kept: false },
    { name: 'another protocol', other: '-A INPUT -p udp -m udp --dport 80 -j DROP', kept: false },
    { name: 'another port: fragments that both drop', other: '-A INPUT -p tcp -m tcp --dport 81 -j DROP', kept: true },
    {
      name: 'another port, which drops nothing',
      other: '-A INPUT -m multiport -p udp --dports 81 -j DROP',
      kept: false,
    },
    { name: 'a test that nobody can answer', other: '-A INPUT -m conntrack --ctstate NEW -j DROP', kept: true },
    { name: 'a mark', other: '-A INPUT -m mark --mark 0x1 -j DROP', kept: true },
    { name: 'a mask that is no prefix', other: '-A INPUT -s 0.0.0.1/0.0.0.1 -j DROP', kept: true },
    { name: 'a jump', other: '-A INPUT -s 10.0.0.0/9 -j own', kept: true },
  ];
  it.each(cases)('$name: $kept', async ({ other, kept }) => {
    const place = { table: 'filter', chain: 'INPUT' } as const;
    const { before, after, numbers } = await concernedRules(ruleset([other, WEB]), ruleset([other, EDITED]), place);
    const [left, right] = [before, after].map(({ tables }) => tables[0].chains[0].rules);
    expect(left.map(({ source }) => source)).toEqual(kept ? [other, WEB] : [WEB]);
    expect(right.map(({ source }) => source)).toEqual(kept ? [other, EDITED] : [EDITED]);
    expect(right.map((rule) => numbers.get(rule))).toEqual(kept ? [1, 2] : [2]);
  });

  it('are all rules where one rewrites packets', async () => {
    const rules = ['-A INPUT -s 192.0.2.0/24 -j ACCEPT', '-A INPUT -j TTL --ttl-set 3'];
    const [one, other] = [WEB, EDITED].map((rule) => ruleset([...rules, rule], 'mangle'));
    const { before } = await concernedRules(one, other, { table: 'mangle', chain: 'INPUT' });
    expect(before.tables[0].chains.find(({ name }) => name === 'INPUT')?.rules).toHaveLength(3);
  });

  it('are all rules where the policy differs', async () => {
    const one = ruleset(['-A INPUT -s 192.0.2.0/24 -j ACCEPT', WEB]);
    const tables = one.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => (chain.name === 'INPUT' ? { ...chain, policy: 'ACCEPT' as const } : chain)),
    }));
    const { before } = await concernedRules(one, { ...one, tables }, { table: 'filter', chain: 'INPUT' });
    expect(before.tables[0].chains[0].rules).toHaveLength(2);
  });
});
