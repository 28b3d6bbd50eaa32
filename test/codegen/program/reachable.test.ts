import { describe, expect, it } from 'vitest';
import { visitCondition } from '../../../grammar/model/condition-parts.js';
import { collectReachable } from '../../../codegen/program/reachable.js';
import { all } from '../../../grammar/model/condition.js';
import { findTable, type Table } from '../../../grammar/model/ruleset.js';
import { filterText, rulesetOf } from './rulesets.js';

function filter(userChains: readonly string[], ...rules: readonly string[]): Table {
  const table = findTable(rulesetOf(filterText({ userChains, rules })), 'filter');
  if (table === undefined) throw new Error('no table');
  return table;
}

describe('collectReachable', () => {
  const table = filter(
    ['A', 'UNUSED', 'B', 'C'],
    '-A INPUT -p tcp -j B',
    '-A INPUT -j A',
    '-A FORWARD -j UNUSED',
    '-A A -j B',
    '-A A -j RETURN',
    '-A UNUSED -j DROP',
    '-A B -g C',
    '-A C -j ACCEPT',
  );

  it('takes the chains that can be come to, by jump or goto, and no others', () => {
    const { chains, entry } = collectReachable(table, 'INPUT');
    expect([...chains.keys()]).toEqual(['INPUT', 'A', 'B', 'C']);
    expect(entry).toBe(chains.get('INPUT'));
  });

  it('numbers rules by place in the table, in its order', () => {
    const { rules } = collectReachable(table, 'INPUT');
    expect(rules.map(({ id, chain, number }) => `${id} ${chain} ${number}`)).toEqual([
      ...['0 INPUT 1', '1 INPUT 2', '2 A 1', '3 A 2', '4 B 1', '5 C 1'],
    ]);
  });

  it.each([
    { chain: 'INPUT', want: 3 },
    { chain: 'A', want: 2 },
    { chain: 'B', want: 1 },
    { chain: 'C', want: 0 },
  ])('$chain has $want jumps below it on the longest way', ({ chain, want }) => {
    expect(collectReachable(table, 'INPUT').chains.get(chain)?.height).toBe(want);
  });

  it('takes the chains of an alternative, too, each once', () => {
    const { chains, alternative, rules } = collectReachable(table, 'INPUT', 'FORWARD');
    expect([...chains.keys()]).toEqual(['INPUT', 'FORWARD', 'A', 'UNUSED', 'B', 'C']);
    expect(alternative).toBe(chains.get('FORWARD'));
    expect(alternative?.height).toBe(1);
    expect(rules.map(({ id }) => id)).toEqual(rules.map((_, index) => index));
  });

  it('ends where a broken model has a loop', () => {
    const loop = filter(['A'], '-A INPUT -j A', '-A A -j RETURN');
    const broken: Table = {
      ...loop,
      chains: loop.chains.map((chain) => (chain.name === 'A' ? { ...chain, rules: loop.chains[0].rules } : chain)),
    };
    expect(broken.chains[0].name).toBe('INPUT');
    expect([...collectReachable(broken, 'INPUT').chains.keys()]).toEqual(['INPUT', 'A']);
  });

  it('refuses a chain that is not there', () => {
    expect(() => collectReachable(table, 'OTHER')).toThrow('no chain OTHER');
  });

  it('the condition of a rule is its head, then its matches in their order', () => {
    const one = filter([], '-A INPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 80 -m ttl --ttl-eq 5 -j DROP');
    const [{ condition, rule }] = collectReachable(one, 'INPUT').rules;
    expect(condition).toEqual(all(rule.head, ...rule.matches.map((match) => match.condition)));
    const fields: string[] = [];
    visitCondition(condition, { field: (field) => fields.push(field) });
    expect(fields.indexOf('saddr')).toBe(0);
    expect(fields.indexOf('ttl')).toBe(fields.length - 1);
    expect(fields.indexOf('dport')).toBeGreaterThan(fields.indexOf('proto'));
  });
});
