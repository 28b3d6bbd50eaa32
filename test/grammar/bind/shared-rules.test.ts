import { describe, expect, it } from 'vitest';
import { parseDump, printDump, printRule, SharedRules } from '../../../grammar/index.js';
import type { Rule } from '../../../grammar/model/ruleset.js';

function dump(rules: readonly string[], chains = 'own'): string {
  const head = [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    `:${chains} - [0:0]`,
  ];
  return [...head, ...rules, 'COMMIT', ''].join('\n');
}

const FIRST = [
  '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ACCEPT',
  '[1:2] -A INPUT -m limit --limit 3/min -j own',
  '-A INPUT -s 192.0.2.1,192.0.2.2 -j DROP',
  '-A own -j LOG --log-prefix "a b"',
  '-A own -j TTL --ttl-set 3',
  '-A own -m mac --mac-source 02:00:00:00:00:01 -j RETURN',
];

describe('dumps that share rules', () => {
  const cases: readonly { name: string; have: string }[] = [
    { name: 'the same', have: dump(FIRST) },
    {
      name: 'other counters, other lines',
      have: dump(['-A FORWARD -j DROP', '[7:9] -A INPUT -m limit --limit 3/min -j own', FIRST[0]]),
    },
    { name: 'a chain that is gone', have: dump(FIRST.slice(1), 'other') },
    { name: 'a chain of the name of a target', have: dump([...FIRST, '-A INPUT -j LOG'], 'LOG') },
    { name: 'blanks behind the rule', have: dump(FIRST.map((rule) => `${rule} `)) },
    {
      name: 'a module that does not fit the chain',
      have: dump(['-A OUTPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP']),
    },
    { name: 'another table', have: dump(FIRST).replace('*filter', '*mangle') },
  ];
  it.each(cases)('are read as they are alone: $name', ({ have }) => {
    const shared = new SharedRules();
    parseDump(dump(FIRST), { family: 'v4', shared });
    const together = parseDump(have, { family: 'v4', shared });
    const alone = parseDump(have, { family: 'v4' });
    expect(JSON.stringify(together, bigints)).toBe(JSON.stringify(alone, bigints));
    expect(printDump(together.ruleset)).toBe(printDump(alone.ruleset));
  });

  it('have the same rule where a line is the same', () => {
    const shared = new SharedRules();
    const [one, other] = [0, 1].map((skip) => parseDump(dump(FIRST.slice(skip)), { family: 'v4', shared }).ruleset);
    const rulesOf = ({ tables }: typeof one): readonly Rule[] => tables[0].chains[0].rules;
    const [, limited] = rulesOf(one);
    const [again] = rulesOf(other);
    expect(again.identity).toBe(limited.identity);
    expect(again.range.line).toBe(limited.range.line - 1);
    expect(printRule(again)).toBe('-m limit --limit 3/min -j own');
  });

  it('print without their counters', () => {
    const { ruleset } = parseDump(dump(FIRST), { family: 'v4' });
    expect(printDump(ruleset)).toContain('[1:2]');
    expect(printDump(ruleset, { counters: 'none' })).toBe(printDump(ruleset).replace('[1:2] ', ''));
  });
});

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
