import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bind, parseDump, printDump, readLines } from '../../../grammar/index.js';
import { changedRule } from '../../../grammar/model/ruleset.js';
import { plainLines } from '../../support/plain-dump.js';

const TEXT = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
[12:3456] -A INPUT -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp --dport 1000:2000 -m comment --comment "two words" -j DROP
-A INPUT -j ACCEPT
COMMIT
`;
const rulesOf = (lines: ReturnType<typeof plainLines>): ReturnType<typeof parseDump>['ruleset'] =>
  bind(lines, { family: 'v4' }).ruleset;
const bigints = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

describe('rules that make their texts when asked for', () => {
  const saved = rulesOf([...readLines(TEXT)]);
  const plain = rulesOf(plainLines(TEXT));

  it('print as the dump', () => expect([printDump(saved), printDump(plain)]).toEqual([TEXT, TEXT]));

  it('are whole in JSON', () => expect(JSON.stringify(saved, bigints)).toBe(JSON.stringify(plain, bigints)));

  it('are whole where they are shown', () => {
    const shown = (rules: typeof saved): string => inspect(rules, { depth: null });
    expect(shown(saved)).toBe(shown(plain));
  });

  it('keep their texts in a changed copy', () => {
    const [rule] = saved.tables[0].chains[0].rules;
    const counters = { packets: 1n, bytes: 2n };
    expect(changedRule(rule, { counters })).toEqual({ ...plain.tables[0].chains[0].rules[0], counters });
  });
});
