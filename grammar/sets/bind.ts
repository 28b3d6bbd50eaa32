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
 * place of the first of them.
 */
export function bindSets(ruleset: Ruleset, sets: IpSets): Ruleset {
  const marked = markChanged(sets, changesOf(ruleset));
  const withSet = (test: Opaque): Opaque => {
    const set = test.name === 'set' ? marked.get(test.test.name) : undefined;
    return test.name !== 'set' || set === undefined ? test : { ...test, test: { ...test.test, set } };
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

/** The sets that rules change, and by which rule. */
function changesOf({ tables }: Ruleset): ReadonlyMap<string, string> {
  const changes = new Map<string, string>();
  for (const { name, chains } of tables) {
    for (const chain of chains) {
      for (const { target, range } of chain.rules) {
        if (target.name !== 'SET') continue;
        target.words.forEach((word, i) => {
          if (word !== '--add-set' && word !== '--del-set') return;
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
