import { visitCondition } from '../../../grammar/model/condition-parts.js';
import type { Condition } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import { asksFor, isLasting, isPure } from '../../optimize/effects.js';
import type { VisitRoom } from '../flow.js';
import type { Reachable, ReachableChain, ReachableRule } from '../reachable.js';

/**
 * Chains that are judged once for all jumps to them, however deep they nest and however many ways lead to them.
 *
 * Such a chain does the same at each of a packet's visits: its rules ask for nothing that changes on the way, and do nothing but count, jump and
 * decide; so do all chains that it jumps to. If it decides, its first visit is the last one. If it comes to its end, every visit counts the same rules
 * again. So it is enough to know whether a chain decides, which is found from the leaves up, and how often it is visited, which
 * is found from the first chain down; then each chain is run once, and counts each rule that matches as often as it is visited.
 */
export interface VisitPlan {
  /** Each behind all that jump to it. */
  readonly order: readonly VisitedChain[];
  readonly chains: ReadonlyMap<string, VisitedChain>;
  /** Numbers of visits that must be kept at one time. */
  readonly slots: number;
  /** Chains that may decide. */
  readonly deciders: number;
  /** Runs of chains, if all rules match, without those for which chains are run at each visit. */
  readonly runs: number;
  /** Longest path of calls below the first chain and those that are judged once: the others are called at each of their visits. */
  readonly height: number;
  /** The same below each of the others. */
  readonly heights: ReadonlyMap<string, number>;
  /** A rule for which its chain, and all that lead to it, are run at each visit. */
  readonly unlike?: ReachableRule;
}

export interface VisitedChain {
  readonly name: string;
  /** Where the number of its visits is kept; other chains have it before and after. */
  readonly slot: number;
  /** Its bit among the chains that decide; undefined where it never does. */
  readonly decider?: number;
}

/** What all programs of an object keep of their chains. */
export function roomOf(plans: ReadonlyMap<unknown, VisitPlan>): VisitRoom {
  const all = [...plans.values()];
  return {
    slots: Math.max(0, ...all.map(({ slots }) => slots)),
    deciders: Math.max(0, ...all.map(({ deciders }) => deciders)),
  };
}

export interface VisitSettings {
  condition(rule: ReachableRule): Condition;
  /** Fields that rules change on the way of a packet. */
  readonly changing: ReadonlySet<Field>;
  /** Chains that are not as high are called at each of their visits: what is kept of the others lies on the stack, which is small. */
  readonly least: number;
}

export function planVisits(reachable: Reachable, settings: VisitSettings): VisitPlan {
  const { entry } = reachable;
  // Each behind all that it jumps to.
  const chains = [...reachable.chains.values()].sort((a, b) => a.height - b.height);
  const unlike = new Map<string, ReachableRule>();
  const deciding = new Set<string>();
  for (const { name, rules } of chains) {
    for (const rule of rules) {
      const target = targetOf(rule);
      const why = isAlike(rule, settings) ? unlike.get(target ?? '') : rule;
      if (why !== undefined && !unlike.has(name)) unlike.set(name, why);
      if (mayDecide(rule, settings) || deciding.has(target ?? '')) deciding.add(name);
    }
  }
  const isVisited = ({ name, height }: ReachableChain): boolean =>
    name !== entry.name && !unlike.has(name) && height >= settings.least;
  const order = chains.filter(isVisited).reverse();
  const called = chains.filter((chain) => !isVisited(chain));
  const slots = slotsOf(order, called);
  let deciders = 0;
  const visited = order.map(({ name }, index) => ({
    name,
    slot: slots[index],
    ...(deciding.has(name) ? { decider: deciders++ } : {}),
  }));
  const heights = heightsOf(called);
  const why = unlike.get(entry.name);
  return {
    order: visited,
    chains: new Map(visited.map((chain) => [chain.name, chain])),
    slots: Math.max(0, ...slots.map((slot) => slot + 1)),
    deciders,
    runs: runsOf(chains, (chain) => !isVisited(chain) && !unlike.has(chain.name)),
    height: Math.max(...[entry, ...order].map((chain) => heightOf(chain, heights))),
    heights,
    ...(why === undefined ? {} : { unlike: why }),
  };
}

function targetOf({ rule: { target } }: ReachableRule): string | undefined {
  return target.effect.kind === 'jump' ? target.effect.chain : undefined;
}

/** Whether a rule does the same with a packet whenever it comes there, and nothing that must be done again. */
function isAlike(rule: ReachableRule, { condition, changing }: VisitSettings): boolean {
  switch (rule.rule.target.effect.kind) {
    case 'log':
    case 'mark':
    case 'opaque':
      return false;
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
    case 'continue':
    case 'jump':
  }
  const asked = condition(rule);
  let lasting = !asksFor(asked, changing);
  visitCondition(asked, { opaque: (test) => (lasting &&= isLasting(test)) });
  return lasting;
}

/** Whether a rule may end a packet's way by itself: by its target, or by a test that drops. */
function mayDecide(rule: ReachableRule, { condition }: VisitSettings): boolean {
  const { kind } = rule.rule.target.effect;
  return kind === 'accept' || kind === 'drop' || kind === 'reject' || !isPure(condition(rule));
}

/** A slot is a chain's from the first chain that jumps to it until it is run itself; chains that are called run before all. */
function slotsOf(order: readonly ReachableChain[], called: readonly ReachableChain[]): readonly number[] {
  const first = new Map<string, number>();
  const jumps = (from: ReachableChain, at: number): void => {
    for (const rule of from.rules) {
      const target = targetOf(rule);
      if (target !== undefined && !first.has(target)) first.set(target, at);
    }
  };
  for (const chain of called) jumps(chain, -1);
  order.forEach(jumps);
  const slots = new Map<string, number>();
  const slotOf = (name: string): number => {
    const slot = slots.get(name);
    if (slot === undefined) throw new Error(`no rule jumps to chain ${name}`);
    return slot;
  };
  const free: number[] = [];
  let used = 0;
  const take = (at: number): void => {
    for (const { name } of order) if (first.get(name) === at) slots.set(name, free.pop() ?? used++);
  };
  take(-1);
  order.forEach(({ name }, at) => {
    // The slot is read before the chain runs.
    free.push(slotOf(name));
    take(at);
  });
  return order.map(({ name }) => slotOf(name));
}

/** Longest path of jumps among these chains. */
function heightsOf(chains: readonly ReachableChain[]): ReadonlyMap<string, number> {
  const heights = new Map<string, number>();
  for (const chain of chains) heights.set(chain.name, heightOf(chain, heights));
  return heights;
}

function heightOf({ rules }: ReachableChain, heights: ReadonlyMap<string, number>): number {
  return 1 + rules.reduce((most, rule) => Math.max(most, heights.get(targetOf(rule) ?? '') ?? -1), -1);
}

/** How often chains run, each with those that it calls, if all rules match. */
function runsOf(chains: readonly ReachableChain[], isCalled: (chain: ReachableChain) => boolean): number {
  const runs = new Map<string, number>();
  let sum = 0;
  for (const chain of chains) {
    const own = chain.rules.reduce((most, rule) => most + (runs.get(targetOf(rule) ?? '') ?? 0), 1);
    if (isCalled(chain)) runs.set(chain.name, own);
    else sum += own;
  }
  return sum;
}
