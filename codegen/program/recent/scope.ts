import type { Condition } from '../../../grammar/model/condition.js';
import type { BuiltinChain, TableName } from '../../../grammar/model/family.js';
import { recentStamps, type RecentTest } from '../../../grammar/model/memory.js';
import { findTable, isBuiltin, type Rule, type Ruleset } from '../../../grammar/model/ruleset.js';
import { collectReachable, visitCondition } from '../reachable.js';
import type { Undecided, View } from '../view.js';
import { testsOnList } from './lists.js';

/** Packets of one address that an object can remember: what the verifier follows in one function. */
const MOST_STAMPS = 2048;

/** The rules that an object judges, among all of the dump: lists of addresses are shared by rules of any chain. */
export class MemoryScope {
  private readonly judged = new Set<Rule>();

  constructor(
    private readonly ruleset: Ruleset,
    table: TableName,
    chains: readonly BuiltinChain[],
  ) {
    for (const rule of reachableRules(ruleset, table, chains)) this.judged.add(rule.rule);
  }

  /** Why tests with memory in a condition cannot be decided exactly. */
  undecided(condition: Condition, view: View): readonly Undecided[] {
    const found: Undecided[] = [];
    visitCondition(condition, {
      opaque: (test) => {
        if (test.name === 'recent') found.push(...this.undecidedRecent(test.test, view));
      },
    });
    return found;
  }

  private undecidedRecent({ list }: RecentTest, view: View): readonly Undecided[] {
    const tests = testsOnList(this.ruleset, list);
    const advice = 'keep iptables for this chain, or use --mode early on the wire';
    const found: Undecided[] = [];
    const elsewhere = this.elsewhere(list);
    if (elsewhere !== undefined) {
      const hint = view.hook === 'netfilter' ? 'compile all chains' : 'use --hook netfilter';
      const reason = `list ${list} of recent is shared with ${elsewhere}, which is judged elsewhere`;
      found.push({ reason, advice: `${hint}, or give the list another name there` });
    }
    if (tests.some(({ mask }) => mask !== tests[0].mask)) {
      const reason = `rules on list ${list} of recent have different masks, and which one holds depends on what was loaded first`;
      found.push({ reason, advice: 'give all rules of the list the same --mask' });
    }
    if (recentStamps(tests) > MOST_STAMPS) {
      found.push({ reason: `list ${list} of recent remembers more than ${MOST_STAMPS} packets of an address`, advice });
    }
    if (view.chain === 'OUTPUT' && tests.some(({ sameTtl }) => sameTtl)) {
      const reason = `the TTL in list ${list} of recent depends on whether a packet that leaves has a socket`;
      found.push({ reason, advice: 'leave --rttl out' });
    }
    return found;
  }

  /** A rule on the list that packets come to, but not in this object. */
  private elsewhere(list: string): string | undefined {
    for (const table of this.ruleset.tables) {
      const builtin = table.chains.filter(isBuiltin).map(({ name }) => name);
      for (const { rule, chain, number } of reachableRules(this.ruleset, table.name, builtin)) {
        if (this.judged.has(rule) || !namesList(rule, list)) continue;
        return `rule ${number} of chain ${chain} in table ${table.name}`;
      }
    }
    return undefined;
  }
}

function reachableRules(ruleset: Ruleset, name: TableName, chains: readonly string[]): ReturnType<typeof rulesOf> {
  const table = findTable(ruleset, name);
  return table === undefined ? [] : chains.flatMap((chain) => rulesOf(table, chain));
}

function rulesOf(...[table, chain]: Parameters<typeof collectReachable>): ReturnType<typeof collectReachable>['rules'] {
  return collectReachable(table, chain).rules;
}

function namesList(rule: Rule, list: string): boolean {
  let found = false;
  for (const { condition } of rule.matches) {
    visitCondition(condition, { opaque: (test) => (found ||= test.name === 'recent' && test.test.list === list) });
  }
  return found;
}
