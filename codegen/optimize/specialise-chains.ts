import { isFalse, type Condition } from '../../grammar/model/condition.js';
import { either, MOST_GUARDS, NOTHING_KNOWN, type Guard, type Known } from './known.js';
import { targetOf, type OptimizeSettings, type Program, type ProgramChain, type ProgramRule } from './model.js';
import { simplify } from './simplify.js';

export interface Specialised<R extends ProgramRule> {
  /** By the rule's number; undefined where nothing is left out. */
  readonly conditions: readonly (Condition | undefined)[];
  /** No packet that comes to them matches them, and none is dropped by their tests. */
  readonly contradictory: readonly R[];
  /** Chains that no rule which can match jumps to. */
  readonly unreachable: readonly ProgramChain<R>[];
}

/**
 * Asks in each rule only what is not known of the packets that come there: what the rules have tested that jump to the chain, and
 * which packets the tests of the rules before it have dropped.
 */
export function specialiseChains<R extends ProgramRule>(
  program: Program<R>,
  settings: OptimizeSettings<R>,
): Specialised<R> {
  const conditions: (Condition | undefined)[] = program.rules.map(() => undefined);
  const contradictory: R[] = [];
  const unreachable: ProgramChain<R>[] = [];
  const knownOf = new Map<string, Known>([[program.entry.name, NOTHING_KNOWN]]);
  // A chain behind all that jump to it.
  const chains = [...program.chains.values()].sort((a, b) => b.height - a.height);
  for (const chain of chains) {
    const known = knownOf.get(chain.name);
    if (known === undefined) {
      unreachable.push(chain);
      continue;
    }
    const guards: Guard[] = [...known.guards];
    for (const rule of chain.rules) {
      const before = settings.condition(rule);
      const { condition, facts, passed } = simplify(before, { facts: known.facts, guards }, settings);
      if (condition !== before) conditions[rule.id] = condition;
      for (const guard of passed) if (guards.length < MOST_GUARDS && isCommon(guard)) guards.push(guard);
      if (isFalse(condition)) {
        contradictory.push(rule);
        continue;
      }
      const target = targetOf(rule);
      if (target === undefined) continue;
      const here = { facts, guards: [...guards] };
      const other = knownOf.get(target);
      knownOf.set(target, other === undefined ? here : either(other, here));
    }
  }
  return { conditions, contradictory, unreachable };
}

/** What is dropped of one address alone helps no other rule. */
function isCommon({ of }: Guard): boolean {
  return of.every(({ field, mask }) => mask !== undefined || (field !== 'saddr' && field !== 'daddr'));
}
