import { findChain, type Chain, type Rule, type RuleRef, type Table } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { natureOf } from '../evaluate/targets.js';
import { FALSE, type Node } from '../space/diagram.js';
import { OUTCOME } from '../space/outcome.js';
import { exampleFor, type Told } from './example.js';
import type { HookView } from './hook.js';
import { lintRule, type RulePlace } from './place.js';
import type { LintExample, LintRule } from './model.js';

/** Why a packet that matches a rule as it is written does not do so when it comes there. */
export interface UnreachedCause {
  /** `changes`: it comes there, and rules have changed what is asked; `takes`: a rule ends its way before. */
  readonly how: 'changes' | 'takes';
  readonly by: readonly LintRule[];
}

type Unreached =
  | { readonly kind: 'example'; readonly example: LintExample; readonly cause: UnreachedCause }
  | Exclude<Told, { readonly kind: 'example' }>;

/**
 * A packet that matches a rule as it is written, and what becomes of it, where no way leads to the rule: if there is one,
 * a packet that the rule which is named as the cause decides itself.
 */
export function exampleOfUnreached(place: RulePlace, rule: Rule, number: number, by: readonly LintRule[]): Unreached {
  for (const view of place.views) {
    const region = matchingIn(view, place.chain, rule, number);
    if (region === FALSE) continue;
    const nearer = by.length === 1 ? leftBefore(view, place, by[0], region) : FALSE;
    for (const part of nearer === FALSE || nearer === region ? [region] : [nearer, region]) {
      const told = exampleFor(view, place, number, part, by.length === 0);
      if (told.kind === 'refuted') return told;
      if (told.kind === 'example') return { ...told, cause: causeOf(place, number, told) };
    }
  }
  return { kind: 'none' };
}

function matchingIn({ space, occurrence }: HookView, chain: Chain, rule: Rule, number: number): Node {
  const { diagrams } = space;
  const outcome = space.outcomes.of(ruleCondition(rule), { occurrence: occurrence(chain.name, number) });
  const matches = diagrams.map(outcome, (value) => (value === OUTCOME.yes || value === OUTCOME.dropping ? 1 : 0));
  return diagrams.and(space.feasible, matches);
}

/** Rules whose packets are left out of a region, at most: more would make it wide. */
const MOST_LEFT_OUT = 32;

/** What the rules before another one of the chain do not match. */
function leftBefore(view: HookView, { chain }: RulePlace, last: LintRule, region: Node): Node {
  if (last.chain !== chain.name || last.number === undefined || last.number > MOST_LEFT_OUT) return FALSE;
  const { diagrams } = view.space;
  return chain.rules
    .slice(0, last.number - 1)
    .reduce((left, rule, i) => diagrams.and(left, diagrams.not(matchingIn(view, chain, rule, i + 1))), region);
}

function causeOf(
  { table, chain }: RulePlace,
  number: number,
  { hits, passed, example }: Extract<Told, { readonly kind: 'example' }>,
): UnreachedCause {
  const rules = hits.flatMap((hit) => {
    const rule = ruleAt(table, hit);
    return rule === undefined ? [] : [{ rule, told: lintRule(hit.chain, hit.number, rule) }];
  });
  if (passed.some((one) => one.chain === chain.name && one.number === number)) {
    return { how: 'changes', by: rules.filter(({ rule }) => changes(rule)).map(({ told }) => told) };
  }
  const last = rules.findLast(({ told }) => told.chain === chain.name);
  return { how: 'takes', by: [last?.told ?? example.decidedBy] };
}

function ruleAt(table: Table, { chain, number }: RuleRef): Rule | undefined {
  return findChain(table, chain)?.rules[number - 1];
}

function changes({ target: { effect } }: Rule): boolean {
  if (effect.kind === 'opaque') return !['decides', 'goes-on'].includes(natureOf(effect.target, effect.words));
  return effect.kind === 'mark';
}
