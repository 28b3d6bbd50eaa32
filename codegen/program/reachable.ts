import { all, type Condition } from '../../grammar/model/condition.js';
import { findChain, type Chain, type Rule, type Table } from '../../grammar/model/ruleset.js';

/** A rule that packets of the compiled hook can come to, with its key in the map `counters`. */
export interface ReachableRule {
  readonly id: number;
  readonly chain: string;
  /** From 1. */
  readonly number: number;
  readonly rule: Rule;
  readonly condition: Condition;
}

/** What a rule's condition becomes in a view. */
export interface RuleMeaning {
  /** As the view decides it; opaque tests that are left (in early mode) have no answer there. */
  readonly condition: Condition;
  /** Whether the view cannot decide some test of it. */
  readonly undecided: boolean;
}

export interface ReachableChain {
  readonly name: string;
  readonly rules: readonly ReachableRule[];
  /** Longest path of jumps below this chain; 0 for a chain that jumps nowhere. */
  readonly height: number;
}

export interface Reachable {
  readonly entry: ReachableChain;
  /** Another built-in chain that a packet may meet instead. */
  readonly alternative?: ReachableChain;
  readonly chains: ReadonlyMap<string, ReachableChain>;
  readonly rules: readonly ReachableRule[];
}

/**
 * The chain (and an alternative one) and all chains that can be jumped to, rules numbered in the order of the table's
 * text.
 */
export function collectReachable(table: Table, entryName: string, alternativeName?: string): Reachable {
  const heights = new Map<string, number>();
  const measure = (chain: Chain): number => {
    const known = heights.get(chain.name);
    if (known !== undefined) return known;
    // The parser has refused loops that a hook can reach; this keeps a broken model from recursing for ever.
    heights.set(chain.name, 0);
    let height = 0;
    for (const rule of chain.rules) {
      if (rule.target.effect.kind !== 'jump') continue;
      const target = findChain(table, rule.target.effect.chain);
      if (target !== undefined) height = Math.max(height, measure(target) + 1);
    }
    heights.set(chain.name, height);
    return height;
  };
  const entry = findChain(table, entryName);
  if (entry === undefined) throw new Error(`table ${table.name} has no chain ${entryName}`);
  measure(entry);
  const other = alternativeName === undefined ? undefined : findChain(table, alternativeName);
  if (other !== undefined) measure(other);

  const rules: ReachableRule[] = [];
  const chains = new Map<string, ReachableChain>();
  for (const chain of table.chains) {
    const height = heights.get(chain.name);
    if (height === undefined) continue;
    const own = chain.rules.map((rule, index): ReachableRule => {
      const condition = all(rule.head, ...rule.matches.map((match) => match.condition));
      return { id: rules.length + index, chain: chain.name, number: index + 1, rule, condition };
    });
    for (const rule of own) rules.push(rule);
    chains.set(chain.name, { name: chain.name, rules: own, height });
  }
  const reached = chains.get(entryName);
  if (reached === undefined) throw new Error(`chain ${entryName} was not collected`);
  const alternative = other === undefined ? undefined : chains.get(other.name);
  return { entry: reached, chains, rules, ...(alternative === undefined ? {} : { alternative }) };
}

/** The rules that are wanted, in the order in which a packet comes to them, twice where it may come there more often. */
export function inOrder(
  { entry, chains }: Reachable,
  wanted: (rule: ReachableRule) => boolean,
): readonly ReachableRule[] {
  const interesting = new Map<string, boolean>();
  const leadsToOne = (name: string): boolean => {
    const known = interesting.get(name);
    if (known !== undefined) return known;
    interesting.set(name, false);
    const answer = (chains.get(name)?.rules ?? []).some((one) => {
      const { effect } = one.rule.target;
      return (effect.kind === 'jump' && leadsToOne(effect.chain)) || wanted(one);
    });
    interesting.set(name, answer);
    return answer;
  };
  const found: ReachableRule[] = [];
  const visits = new Map<string, number>();
  const walk = (name: string): void => {
    const times = (visits.get(name) ?? 0) + 1;
    if (times > 2 || !leadsToOne(name)) return;
    visits.set(name, times);
    for (const one of chains.get(name)?.rules ?? []) {
      if (wanted(one)) found.push(one);
      const { effect } = one.rule.target;
      if (effect.kind === 'jump') walk(effect.chain);
    }
  };
  walk(entry.name);
  return found;
}
