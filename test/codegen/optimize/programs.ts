import type { Condition } from '../../../grammar/model/condition.js';
import type { Effect } from '../../../grammar/model/ruleset.js';
import type { OptimizeSettings, Program, ProgramChain, ProgramRule } from '../../../codegen/optimize/model.js';

export interface TestRule extends ProgramRule {
  readonly condition: Condition;
}

export interface RuleText {
  readonly if: Condition;
  readonly then: Effect;
}

/** Chains in an order in which each stands before those that it jumps to; the first is entered. */
export function programOf(chains: Readonly<Record<string, readonly RuleText[]>>): Program<TestRule> {
  const names = Object.keys(chains);
  let id = 0;
  const made = names.map((name, index): ProgramChain<TestRule> => ({
    name,
    height: names.length - index,
    rules: chains[name].map(({ if: condition, then: effect }) => ({
      id: id++,
      condition,
      rule: { target: { words: [], effect } },
    })),
  }));
  return {
    entry: made[0],
    chains: new Map(made.map((chain) => [chain.name, chain])),
    rules: made.flatMap(({ rules }) => rules),
  };
}

export const SETTINGS: OptimizeSettings<TestRule> = {
  family: 'v4',
  changing: new Set(['mark']),
  condition: ({ condition }) => condition,
  longest: 8,
};
