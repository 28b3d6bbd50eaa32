import { isBuiltin, type Chain, type Rule } from '../../grammar/model/ruleset.js';
import { FALSE, type Node } from '../space/diagram.js';
import { exampleWithout, type Told } from './example.js';
import { lintRule, type Jump, type RulePlace } from './place.js';
import type { LintExample, LintRule } from './model.js';
import type { Superfluous } from './superfluous.js';

/** Rules behind another one that do the same to all of its packets. */
export interface Behind {
  readonly by: readonly LintRule[];
  readonly example?: LintExample;
}

/** Jumps that are followed to find a packet that comes to a rule. */
const MOST_WAYS = 8;

/**
 * What makes a rule needless that packets come to: rules behind it in its chain do the same to all of its packets, at each
 * of the hooks, and are needed themselves. Undefined where some packet would fare otherwise without the rule, or it is too much to tell.
 */
export function behindOf(
  place: RulePlace,
  rule: Rule,
  hooks: readonly Superfluous[],
  { isAlive, jumpsTo }: { isAlive(rule: Rule): boolean; jumpsTo(chain: Chain): readonly Jump[] },
): Behind | undefined {
  const { chain } = place;
  const index = chain.rules.indexOf(rule);
  const takers = new Set<number>();
  for (const hook of hooks) {
    const found = hook.takersOf(chain, index);
    if (found === undefined) return undefined;
    // Of two rules that are the same, the second one is named, which no packet comes to.
    if ([...found.takers, ...found.droppers].some((at) => !isAlive(chain.rules[at]))) return undefined;
    for (const one of found.takers) takers.add(one);
  }
  const by = [...takers].sort((a, b) => a - b).map((at) => lintRule(chain.name, at + 1, chain.rules[at]));
  for (const hook of hooks) {
    const told = exampleAt(hook, place, index, jumpsTo);
    if (told.kind === 'refuted') return undefined;
    if (told.kind === 'example') return { by, example: told.example };
  }
  return { by };
}

function exampleAt(
  hook: Superfluous,
  place: RulePlace,
  index: number,
  jumpsTo: (chain: Chain) => readonly Jump[],
): Told {
  let left = MOST_WAYS;
  const walk = (chain: Chain, at: number, region: Node): Told => {
    const fresh = hook.freshPackets(chain, at, region);
    if (fresh === FALSE || left <= 0) return { kind: 'none' };
    if (isBuiltin(chain)) {
      left--;
      return exampleWithout(hook.view, place, index + 1, fresh);
    }
    for (const { chain: from, number } of jumpsTo(chain)) {
      if (!hook.view.chains.includes(from)) continue;
      const matches = hook.view.space.diagrams.and(fresh, hook.matchesOf(from, number - 1));
      const told = walk(from, number - 1, matches);
      if (told.kind !== 'none') return told;
    }
    return { kind: 'none' };
  };
  return walk(place.chain, index, hook.matchesOf(place.chain, index));
}
