/**
 * The optimizer: the rules that a hook comes to, in another form that decides and counts the same. Each transformation is a file:
 *
 * 1. `specialise-chains` leaves out of each rule what the jumps to its chain and the rules before it have settled (`simplify`: tests
 *    of the same number become one);
 * 2. `covered-rules` finds rules all of whose packets an earlier one takes;
 * 3. `order-tests` asks first what costs least and fails most;
 * 4. `inline-chains` says which chains stand where they are jumped to;
 * 5. `fold-lists` makes one look-up of rules that differ in one number alone: where rules are asked in turn.
 *
 * Nothing moves across a test with memory or one that drops packets, and what has no code keeps its counter.
 */
import type { Condition } from '../../grammar/model/condition.js';
import { coveredRules } from './covered-rules.js';
import { inlinedChains } from './inline-chains.js';
import {
  targetOf,
  type Optimized,
  type OptimizeSettings,
  type Program,
  type ProgramChain,
  type ProgramRule,
  type Removal,
} from './model.js';
import { orderTests } from './order-tests.js';
import { specialiseChains } from './specialise-chains.js';

export { foldLists, type FoldedList, type Step } from './fold-lists.js';
export type { Optimized, Program } from './model.js';

/** A program that gives each packet the same verdict, and counts it with the same rules. */
export function optimize<R extends ProgramRule>(program: Program<R>, settings: OptimizeSettings<R>): Optimized<R> {
  const removed = new Map<R, Removal>();
  const { conditions, contradictory, unreachable } = specialiseChains(program, settings);
  for (const rule of contradictory) removed.set(rule, 'contradictory');
  for (const rule of unreachable.flatMap(({ rules }) => rules)) removed.set(rule, 'unreachable');
  const specialised = (rule: R): Condition => conditions[rule.id] ?? settings.condition(rule);
  for (const { rules } of program.chains.values()) {
    const left = removed.size === 0 ? rules : rules.filter((rule) => !removed.has(rule));
    for (const rule of coveredRules(left, specialised, settings.changing)) removed.set(rule, 'covered');
  }
  const left = withoutRemoved(program, removed);
  // By the rule's number.
  const ordered: Condition[] = [];
  let simplified = 0;
  for (const rule of left.rules) {
    ordered[rule.id] = orderTests(specialised(rule), settings.family);
    if (conditions[rule.id] !== undefined) simplified++;
  }
  return {
    ...left,
    condition: (rule) => ordered[rule.id] ?? settings.condition(rule),
    inlined: inlinedChains(left, settings.longest),
    removed,
    simplified,
  };
}

/** The chains that are still come to, without the rules that nobody comes to; such chains' rules become unreachable. */
function withoutRemoved<R extends ProgramRule>(program: Program<R>, removed: Map<R, Removal>): Program<R> {
  const reached = new Set([program.entry.name]);
  const chains = new Map<string, ProgramChain<R>>();
  for (const chain of [...program.chains.values()].sort((a, b) => b.height - a.height)) {
    if (!reached.has(chain.name)) {
      for (const rule of chain.rules) if (!removed.has(rule)) removed.set(rule, 'unreachable');
      continue;
    }
    const rules = chain.rules.filter((rule) => !removed.has(rule));
    chains.set(chain.name, rules.length === chain.rules.length ? chain : { ...chain, rules });
    for (const rule of rules) {
      const target = targetOf(rule);
      if (target !== undefined) reached.add(target);
    }
  }
  const entry = chains.get(program.entry.name) ?? program.entry;
  return { entry, chains, rules: program.rules.filter((rule) => !removed.has(rule)) };
}
