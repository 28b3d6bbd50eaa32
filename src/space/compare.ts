import type { Condition } from '../../grammar/model/condition.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { findTable, type Chain, type Ruleset } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { changedRegions } from './changed.js';
import { concernedRules } from './concerned.js';
import { FALSE, type Node } from './diagram.js';
import { Explorer, type FatePair } from './explore.js';
import { Hulls } from './hull.js';
import { Lists, type Detail, type List } from './lists.js';
import { nameRules, type RuleNames } from './names.js';
import { chainsFrom, compileChain, Deciders, markChangesOf } from './program.js';
import type { ChainPlace } from './place.js';
import { piecesOf } from './pieces.js';
import { RegionLists } from './region-lists.js';
import { PacketSpace } from './space.js';

export interface CompareOptions extends ChainPlace {
  /** Compare what is counted, logged and marked, too. */
  readonly strict?: boolean;
}

/** Where two chains differ, over all packets. */
export interface Comparison {
  readonly space: PacketSpace;
  /** Of the rules that matter: the others match no packet of a difference. */
  readonly names: RuleNames;
  readonly pairs: readonly FatePair[];
  /** Disjoint regions; constants are 0 or a number of {@link pairs} plus 1. */
  readonly differences: readonly Node[];
}

/**
 * Compares what the same built-in chain of two rulesets does to every packet. The rulesets must be of one family.
 *
 * @throws TooWideError, BrokenTableError
 */
export async function compareChains(a: Ruleset, b: Ruleset, options: CompareOptions): Promise<Comparison> {
  const { table, chain, strict = false } = options;
  const concerned = await concernedRules(a, b, options);
  const rulesets = [concerned.before, concerned.after];
  const [before, after] = rulesets.map((ruleset) => reachable(ruleset, options));
  const names = nameRules(before, after);
  const space = spaceFor(a, chain, [...before, ...after]);
  const deciders = new Deciders();
  const hulls = new Hulls(space.diagrams);
  const keyOf = (number: number): string => {
    const decider = deciders.get(number);
    return decider.kind === 'rule' ? (names.text.get(decider.rule) ?? '') : `policy ${decider.chain}`;
  };
  const sides = (detail: Detail): Sides => {
    const lists = new Lists(space.diagrams, detail, keyOf);
    const [left, right] = rulesets.map((ruleset) =>
      compileChain(space, lists, deciders, {
        ruleset,
        table,
        chain,
        occurrence: (_chain, _number, rule) => names.occurrence.get(rule) ?? '',
        numbers: concerned.numbers,
        conditions: concerned.conditions,
      }),
    );
    return { lists, hulls, left, right, explorer: new Explorer(lists, deciders) };
  };
  if (strict) {
    const counting = sides('counts');
    const changed = await changedRegions(counting.lists, counting.left, counting.right);
    const regions = changed.map((region) => space.diagrams.and(region, space.feasible));
    return { space, names, pairs: counting.explorer.pairs, differences: compareIn(counting, regions) };
  }
  // Where verdicts differ at all is found without asking who decides; that is asked in these regions alone.
  const bare = sides('verdicts');
  const changed = await changedRegions(bare.lists, bare.left, bare.right);
  const regions = changed.map((region) => space.diagrams.and(region, space.feasible));
  const different = regions
    .map((region) => differing(space, compareIn(bare, piecesOf(space.diagrams, region))))
    .filter((region) => region !== FALSE);
  if (different.length === 0) return { space, names, pairs: [], differences: [] };
  const named = sides('deciders');
  return { space, names, pairs: named.explorer.pairs, differences: compareIn(named, different) };
}

interface Sides {
  readonly lists: Lists;
  readonly hulls: Hulls;
  readonly left: List;
  readonly right: List;
  readonly explorer: Explorer;
}

function compareIn({ lists, hulls, left, right, explorer }: Sides, regions: readonly Node[]): readonly Node[] {
  return regions
    .filter((region) => region !== FALSE)
    .map((region) => {
      const within = new RegionLists(lists, hulls, region);
      return explorer.compare(region, within.of(left), within.of(right));
    })
    .filter((node) => node !== FALSE);
}

/** The packets of all differences. */
function differing({ diagrams }: PacketSpace, differences: readonly Node[]): Node {
  return diagrams.anyOf(differences.map((node) => diagrams.map(node, (value) => (value === 0 ? 0 : 1))));
}

/** The chains that packets of a built-in chain can come to. */
export function reachable(ruleset: Ruleset, { table, chain }: ChainPlace): readonly Chain[] {
  const found = findTable(ruleset, table);
  return found === undefined ? [] : chainsFrom(found, chain);
}

/** The space of packets that come to a chain, for all tests of the given chains and further ones. */
export function spaceFor(
  { family }: Ruleset,
  hook: BuiltinChain,
  chains: readonly Chain[],
  further: readonly Condition[] = [],
): PacketSpace {
  const conditions = [...chains.flatMap(({ rules }) => rules.map(ruleCondition)), ...further];
  return new PacketSpace({ family, hook, conditions, marks: markChangesOf(chains) });
}
