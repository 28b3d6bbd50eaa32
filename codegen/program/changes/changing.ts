import type { Field } from '../../../grammar/model/fields.js';
import { changedFields } from './kinds.js';
import type { ReachableRule } from '../reachable.js';

/** Fields that rules change on the way of a packet. `changes`: whether targets change packets where their rules stand. */
export function changingFields(rules: readonly ReachableRule[], changes: boolean): ReadonlySet<Field> {
  const changing = new Set<Field>();
  for (const { rule } of rules) {
    const { effect } = rule.target;
    if (effect.kind === 'mark') changing.add('mark');
    if (effect.kind !== 'opaque' || effect.change === undefined || !changes) continue;
    for (const field of changedFields(effect.change)) changing.add(field);
  }
  return changing;
}
