import type { Condition } from '../../../grammar/model/condition.js';
import type { Interval } from '../../../grammar/model/interval.js';
import { foldLists, optimize, type Optimized } from '../../../codegen/optimize/index.js';
import { changesOf } from '../../../codegen/program/functions.js';
import { changingFields } from '../../../codegen/program/changes/changing.js';
import { meaningOf } from '../../../codegen/program/analysis.js';
import type { ReachableRule } from '../../../codegen/program/reachable.js';
import { analysisOf, filterText, type FilterText, type Place } from '../program/rulesets.js';

export interface Case extends FilterText {
  readonly place?: Partial<Place>;
}

/** The optimizer's view of a small table; rules of chain INPUT at tc. */
export function optimizedOf({ place, ...text }: Case): Optimized<ReachableRule> {
  const analysis = analysisOf(filterText(text), { hook: 'tc', chain: 'INPUT', ...place });
  const meaning = meaningOf(analysis);
  return optimize(analysis.reachable, {
    family: analysis.view.family,
    changing: changingFields(analysis.reachable.rules, changesOf(analysis).length > 0),
    condition: (rule) => meaning(rule).condition,
    longest: 8,
  });
}

/** `INPUT 2: saddr 1, proto 6 → …`: rules in their order, lists as one line; what has no code, and why. */
export function optimizedLines(one: Case): readonly string[] {
  const optimized = optimizedOf(one);
  const family = one.place?.family ?? 'v4';
  const name = ({ chain, number }: ReachableRule): string => `${chain} ${number}`;
  const chains = [...optimized.chains.values()].sort((a, b) => b.height - a.height);
  return [
    ...chains.flatMap((chain) =>
      foldLists(chain.rules, optimized.condition, family).map((step) =>
        step.kind === 'rule'
          ? `${name(step.rule)}: ${conditionText(optimized.condition(step.rule))}`
          : `${name(step.rules[0])} to ${step.rules.length}: ${conditionText(step.rest)}, by ${step.field}`,
      ),
    ),
    ...[...optimized.inlined].map((chain) => `${chain}: inlined`),
    ...[...optimized.removed].map(([rule, why]) => `${name(rule)}: ${why}`),
  ];
}

/** `proto 6, drop if not (l4len 20-65535), dport 22`. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'in': {
      const mask = condition.mask === undefined ? '' : `&${condition.mask}`;
      return `${condition.field}${mask} ${condition.set.map(intervalText).join('|')}`;
    }
    case 'not':
      return `not (${conditionText(condition.of)})`;
    case 'all':
      return condition.of.length === 0 ? 'always' : condition.of.map(conditionText).join(', ');
    case 'any':
      return condition.of.length === 0 ? 'never' : `(${condition.of.map(conditionText).join(' or ')})`;
    case 'hotdrop':
      return `drop if ${conditionText(condition.when)}`;
    case 'opaque':
      return condition.test.name;
    case 'payload':
      return condition.test.kind;
  }
}

const intervalText = ({ lo, hi }: Interval): string => (lo === hi ? `${lo}` : `${lo}-${hi}`);
