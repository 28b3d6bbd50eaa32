import { printRule } from '../../grammar/print/print.js';
import type { Counters, RuleRef, Ruleset } from '../../grammar/model/ruleset.js';

/** Counters of rules, by table, chain and number. */
export interface Heat {
  counters(table: string, rule: RuleRef): Counters | undefined;
  /** Packets of the rule that has most, over all tables. */
  readonly most: bigint;
}

/** Counters that were taken of other rules than those of the report. `where`: the first place that differs. */
export class OtherRules extends Error {
  override readonly name = 'OtherRules';
}

const key = (table: string, chain: string, number: number): string => `${table} ${chain} ${number}`;

/** The counters in a dump of `iptables-save -c`. Undefined where it has none. */
export function heatOf(ruleset: Ruleset): Heat | undefined {
  const all = new Map<string, Counters>();
  let most = 0n;
  for (const table of ruleset.tables) {
    for (const chain of table.chains) {
      chain.rules.forEach(({ counters }, at) => {
        if (counters === undefined) return;
        all.set(key(table.name, chain.name, at + 1), counters);
        if (counters.packets > most) most = counters.packets;
      });
    }
  }
  if (all.size === 0) return undefined;
  return { counters: (table, { chain, number }) => all.get(key(table, chain, number)), most };
}

/** The counters of `counted` for the rules of `ruleset`. Throws {@link OtherRules} unless the rules are the same. */
export function heatFor(ruleset: Ruleset, counted: Ruleset): Heat | undefined {
  for (const table of ruleset.tables) {
    const other = counted.tables.find(({ name }) => name === table.name);
    if (other === undefined) continue;
    for (const chain of table.chains) {
      const rules = other.chains.find(({ name }) => name === chain.name)?.rules ?? [];
      const length = Math.max(rules.length, chain.rules.length);
      for (let at = 0; at < length; at++) {
        const [mine, theirs] = [chain.rules[at], rules[at]];
        if (mine === undefined || theirs === undefined || printRule(mine) !== printRule(theirs)) {
          throw new OtherRules(`rule ${at + 1} of chain ${chain.name} in table ${table.name} is another one`);
        }
      }
    }
  }
  return heatOf(counted);
}

/** From 0 to 1, by the logarithm: rules differ by orders of magnitude. */
export function warmth({ packets }: Counters, most: bigint): number {
  if (packets === 0n || most === 0n) return 0;
  return Math.log2(Number(packets) + 1) / Math.log2(Number(most) + 1);
}
