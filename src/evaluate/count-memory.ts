import type { Opaque } from '../../grammar/model/condition.js';
import type { RuleRef } from '../../grammar/model/ruleset.js';

export type QuotaTest = Extract<Opaque, { name: 'quota' }>;
export type NthTest = Extract<Opaque, { name: 'nth' }>;

/** What is left of each quota, and where each count of packets stands: one for each test of a rule. */
export class CountMemory {
  readonly #left = new Map<string, Map<QuotaTest, bigint>>();
  readonly #next = new Map<string, Map<NthTest, number>>();

  /** quota_mt (net/netfilter/xt_quota.c): what does not fit leaves nothing for smaller ones. */
  spend(test: QuotaTest, rule: RuleRef, length: bigint): boolean {
    const tests = ofRule(this.#left, rule);
    const left = tests.get(test) ?? test.bytes;
    const fits = left >= length;
    tests.set(test, fits ? left - length : 0n);
    return fits !== test.inverted;
  }

  /** statistic_mt in mode nth (net/netfilter/xt_statistic.c). */
  count(test: NthTest, rule: RuleRef): boolean {
    const tests = ofRule(this.#next, rule);
    const number = tests.get(test) ?? 0;
    tests.set(test, (number + 1) % test.every);
    return (number === test.packet) !== test.inverted;
  }
}

function ofRule<K, V>(rules: Map<string, Map<K, V>>, rule: RuleRef): Map<K, V> {
  const key = `${rule.number} ${rule.chain}`;
  let tests = rules.get(key);
  if (tests === undefined) rules.set(key, (tests = new Map<K, V>()));
  return tests;
}
