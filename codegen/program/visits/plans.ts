import type { BuiltinChain } from '../../../grammar/model/family.js';
import { type Analysis, meaningOf } from '../analysis.js';
import { changingFields } from '../changes/changing.js';
import { changesOf } from '../functions.js';
import { changesSegments } from '../netfilter/left-targets.js';
import { planVisits, type VisitPlan } from './plan.js';

/** By the chain that a program judges. */
export type VisitPlans = ReadonlyMap<BuiltinChain, VisitPlan>;

/**
 * Which chains can be judged once for all jumps to them; undefined where none is: in early mode, where packets are traced rule by rule, and where their
 * bytes or their length change on the way.
 */
export function visitPlans(analyses: readonly Analysis[]): VisitPlans | undefined {
  const changes = (one: Analysis): boolean => changesOf(one).length > 0 || changesSegments(one);
  if (analyses.some((one) => one.mode === 'early' || one.traced || changes(one))) return undefined;
  return new Map(
    analyses.map((one) => {
      const { reachable } = one;
      const meaning = meaningOf(one);
      const condition = (rule: (typeof reachable.rules)[number]): ReturnType<typeof meaning>['condition'] =>
        meaning(rule).condition;
      return [one.chain, planVisits(reachable, { condition, changing: changingFields(reachable.rules, false) })];
    }),
  );
}
