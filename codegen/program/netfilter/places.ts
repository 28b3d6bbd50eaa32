/**
 * Tests that iptables' own code must answer where they stand: `connlimit` remembers the connections that come to its
 * rule, so that it may be asked about those alone. In front of the program, the chain is gone through without counting
 * (rehearsal.ts) up to such a test; a rule in table mangle then asks it, and the way goes on from there, with the
 * answer. What the way depends on and may be answered only once (a `limit` whose rule drops, chance, the time) iptables is asked
 * in the same manner; the program takes all these answers as they are.
 */
import { remembers, type Condition, type Opaque } from '../../../grammar/model/condition.js';
import { opaqueTests } from '../../../grammar/model/condition-parts.js';
import { mayDrop } from '../../../grammar/model/payload.js';
import { changedRule, type Effect, type Rule, type Ruleset } from '../../../grammar/model/ruleset.js';
import { unquote } from '../../../grammar/syntax/index.js';
import type { Undecided, View } from '../place.js';
import { inOrder, type Reachable, type ReachableRule, type RuleMeaning } from '../reachable.js';
import type { LeftPlan } from './left.js';

/** A test of a rule: `ordinal` is its number among the opaque tests of the rule, from 0. */
export interface PlacedTest {
  readonly rule: Pick<ReachableRule, 'chain' | 'number'>;
  readonly ordinal: number;
  readonly test: Opaque;
  /** Words of a rule that asks what the test asks. */
  readonly words: readonly string[];
}

/** What of one chain, and those it reaches, iptables is asked where it stands. */
export interface PlacePlan {
  /** In the order in which a packet comes to them. */
  readonly tests: readonly PlacedTest[];
  /** The chains as they are gone through in front: rules that steer the way there, without what else they do. */
  readonly rehearsed: Reachable;
  /** Conditions of these rules. */
  meaning(rule: ReachableRule): RuleMeaning;
  /** Why iptables cannot be asked so, if it cannot: the reason against each rule that counts connections. */
  undecided(rule: ReachableRule): readonly Undecided[];
}

/** A name for a test's place, the same in all chains. */
export function placeName({ chain, number }: PlacedTest['rule'], ordinal: number): string {
  return `${ordinal} ${number} ${chain}`;
}

export interface PlaceContext {
  readonly ruleset: Ruleset;
  readonly view: View;
  readonly left: LeftPlan;
  /** A rule's condition as the view decides it. */
  meaning(rule: ReachableRule): RuleMeaning;
}

/** Undefined where no rule counts connections. */
export function planPlaces(reachable: Reachable, context: PlaceContext): PlacePlan | undefined {
  const conditionOf = (rule: ReachableRule): Condition => context.meaning(rule).condition;
  const counting = new Set(reachable.rules.filter((rule) => opaqueTests(conditionOf(rule)).some(countsConnections)));
  if (counting.size === 0) return undefined;
  const visits = inOrder(reachable, () => true);
  const before = visits.slice(0, visits.findLastIndex((rule) => counting.has(rule)) + 1);
  const conditions = new Map<number, Condition>();
  for (const rule of before) {
    const condition = rehearsedPart(rule, conditionOf(rule), context.left);
    if (condition !== undefined) conditions.set(rule.id, condition);
  }
  const found = before.flatMap((rule) => placedTests(rule, conditions.get(rule.id)));
  const reason = obstacle(found, before, context);
  const meaningOf = (rule: ReachableRule): RuleMeaning => {
    const condition = conditions.get(rule.id);
    if (condition === undefined) throw new Error(`rule ${rule.number} of ${rule.chain} is not gone through in front`);
    return { condition, undecided: false };
  };
  return {
    tests: found,
    rehearsed: withoutEffects(reachable, conditions, context.left),
    meaning: meaningOf,
    undecided: (rule) =>
      reason === undefined || !counting.has(rule) ? [] : [{ reason: `match connlimit: ${reason}`, advice: ADVICE }],
  };
}

const ADVICE = 'keep iptables for this chain';

function countsConnections({ name }: Opaque): boolean {
  return name === 'connlimit';
}

/** Whether the answer belongs to the moment and the place at which the test is asked. */
function isMomentary(test: Opaque): boolean {
  return remembers(test) || test.name === 'random' || test.name === 'cpu' || test.name === 'time';
}

/** Whether what stands behind a matching rule depends on it. */
function steers({ id, rule }: ReachableRule, left: LeftPlan): boolean {
  const { effect } = rule.target;
  switch (effect.kind) {
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
    case 'jump':
    case 'mark':
      return true;
    case 'continue':
    case 'log':
      return false;
    case 'opaque':
      return left.endings.has(id);
  }
}

/** The part of a rule's condition that must be answered to know where the packet goes; undefined where that is none. */
function rehearsedPart(rule: ReachableRule, condition: Condition, left: LeftPlan): Condition | undefined {
  if (steers(rule, left)) return condition;
  const parts = condition.kind === 'all' ? condition.of : [condition];
  const last = parts.findLastIndex((part) => mayEnd(part) || opaqueTests(part).some(countsConnections));
  return last < 0 ? undefined : { kind: 'all', of: parts.slice(0, last + 1) };
}

/** Whether asking may end the way of the packet. */
function mayEnd(condition: Condition): boolean {
  switch (condition.kind) {
    case 'hotdrop':
      return true;
    case 'payload':
      return mayDrop(condition.test);
    case 'all':
    case 'any':
      return condition.of.some(mayEnd);
    case 'not':
    case 'in':
    case 'opaque':
      return false;
  }
}

function placedTests(rule: ReachableRule, condition: Condition | undefined): readonly PlacedTest[] {
  if (condition === undefined) return [];
  return opaqueTests(condition).flatMap((test, ordinal): PlacedTest[] =>
    isMomentary(test) ? [{ rule, ordinal, test, words: wordsOf(rule.rule, test) }] : [],
  );
}

/** Words of the match that a test comes from, if it is all that the match asks. */
function wordsOf({ matches }: Rule, test: Opaque): readonly string[] {
  const match = matches.find(({ condition }) => {
    const tests = opaqueTests(condition);
    return tests.length === 1 && tests[0] === test;
  });
  return match?.words.map(unquote) ?? [];
}

/** What stands against asking iptables for these tests, in front of table filter. */
function obstacle(
  tests: readonly PlacedTest[],
  before: readonly ReachableRule[],
  { ruleset, view, left }: PlaceContext,
): string | undefined {
  if (view.asking?.everything !== true) {
    return 'table mangle or nat may change or drop packets between the place where iptables can be asked and the rule';
  }
  const names = tests.map(({ rule, ordinal }) => placeName(rule, ordinal));
  const again = tests.find((_, index) => names.indexOf(names[index]) !== index);
  if (again !== undefined) return `packets may come twice to rule ${again.rule.number} of chain ${again.rule.chain}`;
  const unsaid = tests.find(({ words }) => words.length === 0);
  if (unsaid !== undefined) return `iptables cannot be asked for ${unsaid.test.name} alone, which stands before it`;
  if (before.some(({ id }) => left.goingOn[left.bits.get(id) ?? -1]?.segmentSize)) {
    return 'TCPMSS, which may drop packets, stands before it';
  }
  const counted = tests.find(({ test }) => test.name === 'counted-set');
  if (counted !== undefined) return 'the way there depends on what an IP set counts';
  const shared = tests.find(({ test }) => isShared(test, ruleset));
  return shared === undefined
    ? undefined
    : `the way there depends on ${shared.test.name}, whose memory other rules share (rule ${shared.rule.number} of chain ${shared.rule.chain})`;
}

/** Whether another rule uses the list or table of a test. */
function isShared(test: Opaque, { tables }: Ruleset): boolean {
  const name = memoryName(test);
  if (name === undefined) return false;
  const rules = tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  const users = rules.flatMap(({ matches }) => matches.flatMap(({ condition }) => opaqueTests(condition)));
  return users.filter((one) => memoryName(one) === name).length > 1;
}

function memoryName(test: Opaque): string | undefined {
  if (test.name === 'recent') return `recent ${test.test.list}`;
  return test.name === 'hashlimit' ? `hashlimit ${test.test.name}` : undefined;
}

/** The chains with the rules of these conditions, which do nothing but steer. */
function withoutEffects(reachable: Reachable, conditions: ReadonlyMap<number, Condition>, left: LeftPlan): Reachable {
  const bare = (one: ReachableRule): ReachableRule => {
    const { target } = one.rule;
    return { ...one, rule: changedRule(one.rule, { target: { ...target, effect: bareEffect(one, left) } }) };
  };
  const chains = new Map(
    [...reachable.chains].map(([name, chain]) => {
      const rules = chain.rules.filter(({ id }) => conditions.has(id)).map(bare);
      return [name, { ...chain, rules }] as const;
    }),
  );
  const entry = chains.get(reachable.entry.name);
  if (entry === undefined) throw new Error(`chain ${reachable.entry.name} was not collected`);
  return { entry, chains, rules: [...chains.values()].flatMap(({ rules }) => rules) };
}

function bareEffect(one: ReachableRule, left: LeftPlan): Effect {
  const { effect } = one.rule.target;
  if (!steers(one, left)) return { kind: 'continue' };
  return effect.kind === 'reject' || effect.kind === 'opaque' ? { kind: 'drop' } : effect;
}
