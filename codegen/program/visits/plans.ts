import type { Condition } from '../../../grammar/model/condition.js';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import { type Analysis, meaningOf } from '../analysis.js';
import { changingFields } from '../changes/changing.js';
import { changesOf } from '../functions.js';
import { changesSegments } from '../netfilter/left-targets.js';
import { planVisits, type VisitPlan } from './plan.js';

/** Runs of chains by one packet: low chains that are called at each visit must not become too many. */
const MOST_RUNS = 10_000;

/** By the chain that a program judges. */
export type VisitPlans = ReadonlyMap<BuiltinChain, VisitPlan>;

/**
 * Which chains of this height at least can be judged once for all jumps to them; undefined where none is: in early mode, where packets are traced rule by
 * rule, and where their bytes or their length change on the way.
 */
export function visitPlans(analyses: readonly Analysis[], least: number): VisitPlans | undefined {
  const changes = (one: Analysis): boolean => changesOf(one).length > 0 || changesSegments(one);
  if (analyses.some((one) => one.mode === 'early' || one.traced || changes(one))) return undefined;
  const plans = new Map<BuiltinChain, VisitPlan>();
  for (const one of analyses) {
    const { rules } = one.reachable;
    const meaning = meaningOf(one);
    const condition = (rule: (typeof rules)[number]): Condition => meaning(rule).condition;
    plans.set(one.chain, planVisits(one.reachable, { condition, changing: changingFields(rules, false), least }));
  }
  return plans;
}

/** Whether some chain is judged once, and the others are not called too often. */
export function areUseful(plans: VisitPlans): boolean {
  const all = [...plans.values()];
  return all.some(({ order }) => order.length > 0) && all.every(({ runs }) => runs <= MOST_RUNS);
}
