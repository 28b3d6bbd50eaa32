import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { SetTest } from '../../grammar/model/ip-set.js';
import { recentStamps, type HashlimitTest, type RecentTest } from '../../grammar/model/memory.js';
import { findTable, isBuiltin, type Rule, type Ruleset } from '../../grammar/model/ruleset.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import { collectReachable } from './reachable.js';
import { isIngress, type Undecided, type View } from './view.js';
import { testsOnList } from './recent/lists.js';

/** Packets of one address that an object can remember: what the verifier follows in one function. */
const MOST_STAMPS = 2048;

/** The rules that an object judges, among all of the dump: lists and tables are shared by rules of any chain. */
export class MemoryScope {
  private known: ReadonlySet<Rule> | undefined;

  constructor(
    private readonly ruleset: Ruleset,
    private readonly table: TableName,
    private readonly chains: readonly BuiltinChain[],
  ) {}

  /** Found when a test with memory asks for them, which few rulesets have. */
  private get judged(): ReadonlySet<Rule> {
    this.known ??= new Set(reachableRules(this.ruleset, this.table, this.chains).map(({ rule }) => rule));
    return this.known;
  }

  /** Why tests with memory in a condition cannot be decided exactly. */
  undecided(condition: Condition, view: View): readonly Undecided[] {
    const found: Undecided[] = [];
    visitCondition(condition, {
      opaque: (test) => {
        if (test.name === 'recent') found.push(...this.undecidedRecent(test.test, view));
        if (test.name === 'counted-set') found.push(...this.undecidedSet(test.test, view));
        if (test.name === 'hashlimit') found.push(...this.undecidedHashlimit(test.test, view));
      },
    });
    return found;
  }

  private undecidedRecent({ list }: RecentTest, view: View): readonly Undecided[] {
    const tests = testsOnList(this.ruleset, list);
    const advice = 'keep iptables for this chain, or use --mode early on the wire';
    const found: Undecided[] = [];
    const elsewhere = this.elsewhere(
      (test) => test.name === 'recent' && test.test.list === list,
      `list ${list} of recent`,
      view,
    );
    if (elsewhere !== undefined) found.push(elsewhere);
    if (tests.some(({ mask }) => mask !== tests[0].mask)) {
      const reason = `rules on list ${list} of recent have different masks, and which one holds depends on what was loaded first`;
      found.push({ reason, advice: 'give all rules of the list the same --mask' });
    }
    if (recentStamps(tests) > MOST_STAMPS) {
      found.push({ reason: `list ${list} of recent remembers more than ${MOST_STAMPS} packets of an address`, advice });
    }
    if (!isIngress(view) && tests.some(({ sameTtl }) => sameTtl)) {
      const reason = `the TTL in list ${list} of recent depends on whether a packet that leaves has a socket`;
      found.push({ reason, advice: 'leave --rttl out' });
    }
    return found;
  }

  private undecidedSet({ name }: SetTest, view: View): readonly Undecided[] {
    const same = (test: Opaque): boolean => test.name === 'counted-set' && test.test.name === name;
    const elsewhere = this.elsewhere(same, `what set ${name} counts`, view);
    return elsewhere === undefined ? [] : [elsewhere];
  }

  private undecidedHashlimit({ name, table }: HashlimitTest, view: View): readonly Undecided[] {
    const found: Undecided[] = [];
    const same = (test: Opaque): boolean => test.name === 'hashlimit' && test.test.name === name;
    const elsewhere = this.elsewhere(same, `table ${name} of hashlimit`, view);
    if (elsewhere !== undefined) found.push(elsewhere);
    const wanted = textOf(table);
    if (this.allTests().some((test) => test.name === 'hashlimit' && same(test) && textOf(test.test.table) !== wanted)) {
      const reason = `rules on table ${name} of hashlimit differ, and it is as the one says that was loaded first`;
      found.push({ reason, advice: 'give each rate a table of its own' });
    }
    return found;
  }

  private allTests(): readonly Opaque[] {
    const rules = this.ruleset.tables.flatMap(({ chains }) => chains).flatMap((chain) => chain.rules);
    return rules.flatMap(testsOf);
  }

  /** Whether packets come to a rule with such a test, but not in this object. */
  private elsewhere(shares: (test: Opaque) => boolean, what: string, view: View): Undecided | undefined {
    for (const table of this.ruleset.tables) {
      const builtin = table.chains.filter(isBuiltin).map(({ name }) => name);
      for (const { rule, chain, number } of reachableRules(this.ruleset, table.name, builtin)) {
        if (this.judged.has(rule) || !testsOf(rule).some(shares)) continue;
        const place = `rule ${number} of chain ${chain} in table ${table.name}`;
        const hint = view.hook === 'netfilter' ? 'compile all chains' : 'use --hook netfilter';
        return {
          reason: `${what} is shared with ${place}, which is judged elsewhere`,
          advice: `${hint}, or use another name there`,
        };
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

function testsOf(rule: Rule): readonly Opaque[] {
  const tests: Opaque[] = [];
  for (const { condition } of rule.matches) visitCondition(condition, { opaque: (test) => void tests.push(test) });
  return tests;
}

function textOf(table: HashlimitTest['table']): string {
  return JSON.stringify(table, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}
