import { remembers, type Opaque } from '../../grammar/model/condition.js';
import { opaqueTests } from '../../grammar/model/condition-parts.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { findTable, type Chain, type Rule, type Ruleset } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { reachable } from '../space/compare.js';
import { testKey } from '../space/inputs.js';
import { Lists } from '../space/lists.js';
import { chainsFrom, compileChain, Deciders, markChangesOf } from '../space/program.js';
import { PacketSpace } from '../space/space.js';
import { Reach, type RuleState } from './reach.js';
import { Walks } from './walked.js';

/** What one built-in chain says about the rules that it leads to. */
export interface HookView {
  readonly table: TableName;
  readonly hook: BuiltinChain;
  readonly space: PacketSpace;
  readonly deciders: Deciders;
  readonly chains: readonly Chain[];
  /** Rules that are on no list are absent: nothing leads there. */
  readonly states: ReadonlyMap<Rule, RuleState>;
  /** Rules that no packet of this chain matches, whatever stands before them. */
  readonly contradictory: ReadonlySet<Rule>;
  /** How a rule's tests with memory are named, the first time that a packet comes there. */
  occurrence(chain: string, number: number): string;
}

/**
 * Follows the packets of a built-in chain. Rules of `settled` are not looked at.
 *
 * @throws TooManyWaysError, BrokenTableError, RangeError where the chain is too wide for diagrams
 */
export function viewOf(
  ruleset: Ruleset,
  table: TableName,
  hook: BuiltinChain,
  settled: ReadonlySet<Rule>,
): HookView | undefined {
  const chains = reachable(ruleset, { table, chain: hook });
  if (chains.every(({ rules }) => rules.length === 0)) return undefined;
  const conditions = chains.flatMap(({ rules }) => rules.map(ruleCondition));
  const isOwn = ownTests(chains);
  const space = new PacketSpace({ family: ruleset.family, hook, conditions, marks: markChangesOf(chains), isOwn });
  const deciders = new Deciders();
  const lists = new Lists(space.diagrams, 'counts', String);
  const list = compileChain(space, lists, deciders, {
    ruleset,
    table,
    chain: hook,
    occurrence,
    apart: chainsApart(ruleset, table, isOwn),
  });
  const ruleOf = (number: number): Rule | undefined => {
    const decider = deciders.get(number);
    return decider.kind === 'rule' ? decider.rule : undefined;
  };
  const reach = new Reach(space, lists, deciders, (number) => {
    const rule = ruleOf(number);
    return rule !== undefined && settled.has(rule);
  });
  reach.look(list);
  const states = new Map<Rule, RuleState>();
  for (const [number, state] of reach.states) {
    const rule = ruleOf(number);
    if (rule !== undefined) states.set(rule, state);
  }
  const contradictory = contradictoryRules(space, lists, chains, isOwn);
  return { table, hook, space, deciders, chains, states, contradictory, occurrence };
}

function occurrence(chain: string, number: number, _rule?: Rule, visit = 0): string {
  return visit === 0 ? `${chain} ${number}` : `${chain} ${number} @${visit}`;
}

function contradictoryRules(
  space: PacketSpace,
  lists: Lists,
  chains: readonly Chain[],
  isOwn: (test: Opaque) => boolean,
): ReadonlySet<Rule> {
  const walks = new Walks(lists);
  const found = new Set<Rule>();
  for (const chain of chains) {
    chain.rules.forEach((rule, i) => {
      const condition = ruleCondition(rule);
      const outcome = space.outcomes.of(condition, { occurrence: occurrence(chain.name, i + 1) });
      if (space.diagrams.meet(walks.matches(outcome), space.feasible)) return;
      // The same question twice in one rule may be answered in two ways.
      const own = opaqueTests(condition).filter(isOwn).map(testKey);
      if (new Set(own).size === own.length) found.add(rule);
    });
  }
  return found;
}

/** Tests whose answers at two places have nothing to do with each other. */
function ownTests(chains: readonly Chain[]): (test: Opaque) => boolean {
  const setsChange = chains.some(({ rules }) => rules.some(({ target }) => target.name === 'SET'));
  return (test) => {
    if (remembers(test)) return true;
    switch (test.name) {
      // Connections count packets and change their marks, and seconds pass, between two rules.
      case 'random':
      case 'time':
      case 'conntrack':
      case 'module':
        return true;
      case 'set':
        return setsChange;
      case 'ctstate':
      case 'addrtype':
      case 'bridge-port':
      case 'cpu':
      case 'devgroup':
      case 'owner':
        return false;
    }
  };
}

/** Chains from which packets come to a test that may answer otherwise the next time. */
function chainsApart(ruleset: Ruleset, table: TableName, isOwn: (test: Opaque) => boolean): (chain: Chain) => boolean {
  const found = findTable(ruleset, table);
  const known = new Map<string, boolean>();
  const unknownTarget = ({ target: { effect } }: Rule): boolean => effect.kind === 'opaque';
  return ({ name }) => {
    let apart = known.get(name);
    if (apart === undefined) {
      const chains = found === undefined ? [] : chainsFrom(found, name);
      apart = chains.some(({ rules }) =>
        rules.some((rule) => unknownTarget(rule) || opaqueTests(ruleCondition(rule)).some(isOwn)),
      );
      known.set(name, apart);
    }
    return apart;
  };
}
