import { opaqueTests } from '../model/condition-parts.js';
import { mapOpaque, type Opaque } from '../model/condition.js';
import type { IpSet, OtherIpSet } from '../model/ip-set.js';
import {
  changedMatch,
  changedRule,
  type BoundMatch,
  type Chain,
  type Rule,
  type Ruleset,
  type Table,
} from '../model/ruleset.js';
import type { IpSets } from './read.js';

/**
 * The ruleset with the sets that its rules ask for in their tests. A set that rules change (`-j SET`) is marked with the
 * place of the first of them; so is one whose counters they compare, and all tests on it have memory.
 */
export function bindSets(ruleset: Ruleset, sets: IpSets): Ruleset {
  const marked = markCompared(markChanged(sets, usesOf(ruleset, ['--add-set', '--del-set'])), ruleset);
  const withSet = (test: Opaque): Opaque => {
    const set = test.name === 'set' ? marked.get(test.test.name) : undefined;
    if (test.name !== 'set' || set === undefined) return test;
    const name = set.type !== 'other' && set.comparedBy !== undefined ? 'counted-set' : 'set';
    return { name, test: { ...test.test, set } };
  };
  const bindMatch = (match: BoundMatch): BoundMatch =>
    match.name === 'set' ? changedMatch(match, { condition: mapOpaque(match.condition, withSet) }) : match;
  const bindRule = (rule: Rule): Rule =>
    rule.matches.some(({ name }) => name === 'set')
      ? changedRule(rule, { matches: rule.matches.map(bindMatch) })
      : rule;
  const bindChain = (chain: Chain): Chain => ({ ...chain, rules: chain.rules.map(bindRule) });
  const bindTable = (table: Table): Table => ({ ...table, chains: table.chains.map(bindChain) });
  return { ...ruleset, tables: ruleset.tables.map(bindTable) };
}

/** Marks the sets with counters that rules compare. */
function markCompared(sets: IpSets, ruleset: Ruleset): IpSets {
  const compared = new Map<string, string>();
  for (const { name, chains } of ruleset.tables) {
    for (const chain of chains) {
      for (const { matches, range } of chain.rules) {
        const tests = matches.flatMap(({ name: module, condition }) =>
          module === 'set' ? opaqueTests(condition) : [],
        );
        for (const test of tests) {
          if (test.name !== 'set' || test.test.compared === undefined || compared.has(test.test.name)) continue;
          compared.set(test.test.name, `table ${name}, chain ${chain.name}, line ${range.line}`);
        }
      }
    }
  }
  if (compared.size === 0) return sets;
  // Its elements count for this target, too, which the kernel performs.
  const mapped = usesOf(ruleset, ['--map-set']);
  const mark = (set: IpSet | OtherIpSet): IpSet | OtherIpSet => {
    if (set.type === 'other') return set;
    const comparedBy = set.type !== 'list:set' && set.counters ? compared.get(set.name) : undefined;
    if (comparedBy === undefined) return { ...set, sets: set.sets.map(mark) };
    const changedBy = set.changedBy ?? mapped.get(set.name);
    return { ...set, comparedBy, ...(changedBy === undefined ? {} : { changedBy }) };
  };
  return new Map([...sets].map(([name, set]) => [name, mark(set)]));
}

/** The sets that targets SET name with these options, and the first rule of each. */
function usesOf({ tables }: Ruleset, options: readonly string[]): ReadonlyMap<string, string> {
  const changes = new Map<string, string>();
  for (const { name, chains } of tables) {
    for (const chain of chains) {
      for (const { target, range } of chain.rules) {
        if (target.name !== 'SET') continue;
        target.words.forEach((word, i) => {
          if (!options.includes(word)) return;
          const set = target.words[i + 1];
          if (!changes.has(set)) changes.set(set, `table ${name}, chain ${chain.name}, line ${range.line}`);
        });
      }
    }
  }
  return changes;
}

function markChanged(sets: IpSets, changes: ReadonlyMap<string, string>): IpSets {
  if (changes.size === 0) return sets;
  const all = new Map(changes);
  for (const set of sets.values()) {
    const by = changes.get(set.name);
    // What is put into a list is put into one of its sets.
    if (set.type === 'list:set' && by !== undefined) for (const part of set.sets) all.set(part.name, by);
  }
  const mark = (set: IpSet | OtherIpSet): IpSet | OtherIpSet => {
    if (set.type === 'other') return set;
    const changedBy = set.type === 'list:set' ? undefined : all.get(set.name);
    return { ...set, sets: set.sets.map(mark), ...(changedBy === undefined ? {} : { changedBy }) };
  };
  return new Map([...sets].map(([name, set]) => [name, mark(set)]));
}
