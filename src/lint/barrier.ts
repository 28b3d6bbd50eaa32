import { isTrue } from '../../grammar/model/condition.js';
import { endsWay, findChain, type Chain, type Effect, type Rule, type Table } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { natureOf } from '../evaluate/targets.js';
import { OUTCOME } from '../space/outcome.js';
import type { HookView } from './hook.js';
import { lintRule, type RulePlace } from './place.js';
import type { LintRule } from './model.js';

/**
 * A rule of the chain before this one that lets no packet by. One with tests is looked for if `withTests`: each view is
 * asked about it.
 */
export function barrierOf(place: RulePlace, number: number, withTests: boolean): LintRule | undefined {
  return plainBarrierOf(place.chain, number) ?? (withTests ? sureEndOf(place, number) : undefined);
}

/** One without tests. */
function plainBarrierOf(chain: Chain, number: number): LintRule | undefined {
  let known = BARRIERS.get(chain);
  if (known === undefined) {
    known = chain.rules.findIndex((rule) => endsWay(rule.target.effect) && isUnconditional(rule));
    BARRIERS.set(chain, known);
  }
  return known < 0 || known >= number - 1 ? undefined : lintRule(chain.name, known + 1, chain.rules[known]);
}

/** Where the first one stands, from 0; -1 where there is none. */
const BARRIERS = new WeakMap<Chain, number>();

function isUnconditional(rule: Rule): boolean {
  const condition = ruleCondition(rule);
  return condition.kind === 'all' && condition.of.every(isTrue);
}

/** One whose tests let no packet by, though they ask something (`recent --set`), or that jumps where none comes back from. */
function sureEndOf({ chain, table, views }: RulePlace, number: number): LintRule | undefined {
  const found = chain.rules
    .slice(0, number - 1)
    .findIndex((rule, i) => views.every((view) => endsFor(view, table, rule) && isSure(view, chain, rule, i + 1)));
  return found < 0 ? undefined : lintRule(chain.name, found + 1, chain.rules[found]);
}

function endsFor(view: HookView, table: Table, { target: { effect } }: Rule): boolean {
  if (effect.kind === 'jump' && !effect.goto) return neverReturns(view, table, effect.chain);
  return endsWay(effect) || decides(effect);
}

function decides(effect: Effect): boolean {
  return effect.kind === 'opaque' && natureOf(effect.target, effect.words) === 'decides';
}

/** Whether each packet that comes to the rule matches it, or is dropped by its tests. */
function isSure(view: HookView, chain: Chain, rule: Rule, number: number): boolean {
  return !outcomesOf(view, chain, rule, number).has(OUTCOME.no);
}

function outcomesOf({ space, occurrence }: HookView, chain: Chain, rule: Rule, number: number): ReadonlySet<number> {
  return space.diagrams.valuesOf(
    space.outcomes.of(ruleCondition(rule), { occurrence: occurrence(chain.name, number) }),
  );
}

const NEVER_RETURNS = new WeakMap<HookView, Map<string, boolean>>();

/** Whether some rule of a chain lets no packet by, and none before it sends one back. */
function neverReturns(view: HookView, table: Table, name: string): boolean {
  let known = NEVER_RETURNS.get(view);
  if (known === undefined) NEVER_RETURNS.set(view, (known = new Map<string, boolean>()));
  let answer = known.get(name);
  if (answer === undefined) {
    const chain = findChain(table, name);
    answer = chain !== undefined && keeps(view, table, chain);
    known.set(name, answer);
  }
  return answer;
}

function keeps(view: HookView, table: Table, chain: Chain): boolean {
  for (const [i, rule] of chain.rules.entries()) {
    const { effect } = rule.target;
    const outcomes = outcomesOf(view, chain, rule, i + 1);
    const mayMatch = outcomes.has(OUTCOME.yes) || outcomes.has(OUTCOME.dropping);
    const goesBack = effect.kind === 'return' || (effect.kind === 'jump' && effect.goto);
    const keepsAll = effect.kind === 'jump' && neverReturns(view, table, effect.chain);
    if (mayMatch && goesBack && !keepsAll) return false;
    if (!outcomes.has(OUTCOME.no) && (keepsAll || (effect.kind !== 'jump' && endsFor(view, table, rule)))) return true;
  }
  return false;
}
