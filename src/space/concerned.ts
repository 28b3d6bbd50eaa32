import type { Chain, Rule, Ruleset, Table } from '../../grammar/model/ruleset.js';
import { findTable } from '../../grammar/model/ruleset.js';
import type { Condition } from '../../grammar/model/condition.js';
import { printRule } from '../../grammar/index.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { Extents } from './extent.js';
import type { ChainPlace } from './place.js';
import { chainsFrom } from './program.js';
import { rewrites } from './ways.js';

/** Beyond so many rules that only one side has, all rules are looked at. */
const MOST_EDITS = 200;

/** Two rulesets for a comparison, with the numbers that their rules have in their chains. */
export interface Concerned {
  readonly before: Ruleset;
  readonly after: Ruleset;
  /** From 1. */
  readonly numbers: ReadonlyMap<Rule, number>;
  /** Rules of the second side that are the same as one of the first: its condition, so that it is made once. */
  readonly conditions: ReadonlyMap<Rule, Condition>;
}

/**
 * The two rulesets with just those rules that may match a packet that an edited rule may match, too. That is enough to
 * compare the chain: a packet that no edited rule matches meets the same rules on both sides, and so it does without
 * the others, which are left out on both sides; one that an edited rule matches is matched by none that is left out.
 */
export async function concernedRules(a: Ruleset, b: Ruleset, place: ChainPlace): Promise<Concerned> {
  const numbers = new Map<Rule, number>();
  const conditions = new Map<Rule, Condition>();
  const whole: Concerned = { before: a, after: b, numbers, conditions };
  const [before, after] = [chainsOf(a, place), chainsOf(b, place)];
  const chains = [...before.values(), ...after.values()];
  for (const { rules } of chains) rules.forEach((rule, i) => numbers.set(rule, i + 1));
  // Where a rule rewrites the packet, others test what it has become.
  if (chains.some(({ rules }) => rules.some(rewrites))) return whole;
  const alignment = await align(before, after);
  if (alignment === undefined) return whole;
  const extents = new Extents(a.family);
  const edits = alignment.edited.flatMap((rule) => extents.around(ruleCondition(rule)));
  const keep = new Set<Rule>(alignment.edited);
  for (const [left, right] of alignment.common) {
    if (!extents.concerns(ruleCondition(left), edits)) continue;
    keep.add(left);
    keep.add(right);
    conditions.set(right, ruleCondition(left));
  }
  return { before: cut(a, place, before, keep), after: cut(b, place, after, keep), numbers, conditions };
}

function chainsOf(ruleset: Ruleset, { table, chain }: ChainPlace): ReadonlyMap<string, Chain> {
  const found = findTable(ruleset, table);
  return new Map((found === undefined ? [] : chainsFrom(found, chain)).map((one) => [one.name, one]));
}

interface Alignment {
  /** Rules that only one side has at their place. */
  readonly edited: readonly Rule[];
  /** Rules of both sides, in the same order in the same chain. */
  readonly common: readonly (readonly [before: Rule, after: Rule])[];
}

/** Undefined where the chains differ in more than some rules. */
async function align(
  before: ReadonlyMap<string, Chain>,
  after: ReadonlyMap<string, Chain>,
): Promise<Alignment | undefined> {
  const { diffArrays } = await import('diff');
  const edited: Rule[] = [];
  const common: (readonly [Rule, Rule])[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [left, right] = [before.get(name), after.get(name)];
    if (left === undefined || right === undefined) edited.push(...((left ?? right)?.rules ?? []));
    else if (left.policy !== right.policy) return undefined;
    else {
      const edits = diffArrays(left.rules.map(printRule), right.rules.map(printRule), { maxEditLength: MOST_EDITS });
      if (edits === undefined) return undefined;
      let [i, j] = [0, 0];
      for (const { value, added, removed } of edits) {
        for (let k = 0; k < value.length; k++) {
          if (removed) edited.push(left.rules[i++]);
          else if (added) edited.push(right.rules[j++]);
          else common.push([left.rules[i++], right.rules[j++]]);
        }
      }
    }
    if (edited.length > MOST_EDITS) return undefined;
  }
  return { edited, common };
}

function cut(
  ruleset: Ruleset,
  { table }: ChainPlace,
  chains: ReadonlyMap<string, Chain>,
  keep: ReadonlySet<Rule>,
): Ruleset {
  const tables = ruleset.tables.map((one): Table => {
    if (one.name !== table) return one;
    return {
      ...one,
      chains: one.chains.map((chain) =>
        chains.has(chain.name) ? { ...chain, rules: chain.rules.filter((rule) => keep.has(rule)) } : chain,
      ),
    };
  });
  return { ...ruleset, tables };
}
