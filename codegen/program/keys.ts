import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { CounterEntry } from './manifest.js';
import type { Reachable, ReachableRule } from './reachable.js';

type Place = Pick<ReachableRule, 'chain' | 'number'>;

const ruleName = ({ chain, number }: Place): string => `${number} ${chain}`;

/** What is counted of a chain that a program judges. */
export interface CountedChain {
  readonly ruleset: Ruleset;
  readonly table: TableName;
  readonly chain: BuiltinChain;
  readonly policy: 'ACCEPT' | 'DROP';
  readonly reachable: Reachable;
}

/**
 * Keys in the map `counters`, the same for all programs of an object: the rules in the order of the table's text, then
 * the policies. A rule of a chain that several hooks come to is counted in one place, as iptables does.
 */
export class CounterKeys {
  readonly entries: readonly CounterEntry[];
  /** By chain, the keys of its rules by their number. */
  private readonly rules = new Map<string, number[]>();
  private readonly policies = new Map<BuiltinChain, number>();

  /** The analyses are of chains of one table. */
  constructor(analyses: readonly CountedChain[]) {
    const entries: CounterEntry[] = [];
    for (const rule of inTextOrder(analyses)) {
      this.setKey(rule, entries.length);
      entries.push({
        kind: 'rule',
        chain: rule.chain,
        number: rule.number,
        line: rule.rule.range.line,
        text: ruleText(rule),
      });
    }
    for (const { chain, policy } of analyses) {
      this.policies.set(chain, entries.length);
      entries.push({ kind: 'policy', chain, policy });
    }
    this.entries = entries;
  }

  /** How many counters the object has. */
  get count(): number {
    return this.entries.length;
  }

  private setKey({ chain, number }: Place, key: number): void {
    let keys = this.rules.get(chain);
    if (keys === undefined) this.rules.set(chain, (keys = []));
    keys[number] = key;
  }

  of({ chain, number }: Place): number {
    const key = this.rules.get(chain)?.[number];
    if (key === undefined) throw new Error(`rule ${number} of ${chain} has no counter`);
    return key;
  }

  policyOf(chain: BuiltinChain): number {
    const key = this.policies.get(chain);
    if (key === undefined) throw new Error(`the policy of ${chain} has no counter`);
    return key;
  }
}

function inTextOrder(analyses: readonly CountedChain[]): readonly ReachableRule[] {
  const [first, ...others] = analyses;
  if (others.length === 0) return first.reachable.rules;
  const found = new Map<string, ReachableRule>();
  for (const { reachable } of analyses) for (const rule of reachable.rules) found.set(ruleName(rule), rule);
  const table = first.ruleset.tables.find(({ name }) => name === first.table);
  const chains = table?.chains ?? [];
  return chains.flatMap(({ name, rules }) =>
    rules.flatMap((_, index) => found.get(ruleName({ chain: name, number: index + 1 })) ?? []),
  );
}

function ruleText({ chain, rule }: ReachableRule): string {
  const words = ['-A', chain, ...rule.headWords];
  for (const match of rule.matches) words.push(...match.words);
  words.push(...rule.target.words);
  // A text that grew word by word would be kept in as many pieces.
  return words.join(' ');
}

/** Numbers of what rules remember, the same wherever a rule's code stands: one for each test with memory of a rule. */
export class MemoryKeys {
  private readonly keys = new Map<string, number>();

  /** `ordinal`: which test with memory of the rule it is, from 0. */
  of(rule: Place, ordinal: number): number {
    const name = `${ordinal} ${ruleName(rule)}`;
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    const key = this.keys.size;
    this.keys.set(name, key);
    return key;
  }

  get size(): number {
    return this.keys.size;
  }
}
