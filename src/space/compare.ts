import type { Condition } from '../../grammar/model/condition.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { findTable, type Chain, type Ruleset } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { Alignment } from './alignment.js';
import { changedRegions } from './changed.js';
import { concernedRules } from './concerned.js';
import { FALSE, type Node } from './diagram.js';
import { Explorer, type FatePair } from './explore.js';
import { FirstMatch } from './first-match.js';
import { flatten } from './flat.js';
import { Hulls } from './hull.js';
import { Lists, type Detail, type List } from './lists.js';
import { nameRules, type RuleNames } from './names.js';
import { chainsFrom, compileChain, Deciders, markChangesOf } from './program.js';
import type { ChainPlace } from './place.js';
import { piecesOf } from './pieces.js';
import type { Product } from './product.js';
import { RegionLists } from './region-lists.js';
import { regionsOf } from './regions.js';
import { PacketSpace } from './space.js';

export interface CompareOptions extends ChainPlace {
  /** Compare what is counted, logged and marked, too. */
  readonly strict?: boolean;
  /** Look at all rules at once, rectangle by rectangle, where the first match would say as much: a second way to the same. */
  readonly byRectangles?: boolean;
}

/** Where two chains differ, over all packets. */
export interface Comparison {
  readonly space: PacketSpace;
  /** Of the rules that matter: the others match no packet of a difference. */
  readonly names: RuleNames;
  readonly pairs: readonly FatePair[];
  /** Exactly the packets of one of the pairs; two pairs share none. */
  regionOf(pair: FatePair): Product;
}

/**
 * Compares what the same built-in chain of two rulesets does to every packet. The rulesets must be of one family.
 *
 * @throws TooWideError, BrokenTableError
 */
export async function compareChains(a: Ruleset, b: Ruleset, options: CompareOptions): Promise<Comparison> {
  const { table, chain, strict = false, byRectangles = false } = options;
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
  const named = sides(strict ? 'counts' : 'deciders');
  const first = byRectangles ? undefined : await firstMatch(space, deciders, named);
  if (first !== undefined) return { space, names, pairs: first.pairs(), regionOf: (pair) => first.regionOf(pair) };
  const changed = async ({ lists, left, right }: Sides): Promise<readonly Node[]> => {
    const regions = await changedRegions(lists, left, right);
    return regions.map((region) => space.diagrams.and(region, space.feasible));
  };
  if (strict) return told(space, names, named, await changed(named));
  // Where verdicts differ at all is found without asking who decides; that is asked in these regions alone.
  const bare = sides('verdicts');
  const different = (await changed(bare))
    .map((region) => differing(space, compareIn(bare, piecesOf(space.diagrams, region))))
    .filter((region) => region !== FALSE);
  return told(space, names, named, different);
}

/** Undefined where the lists have little in common, or are large with what leaves chains early cut from them. */
async function firstMatch(
  { diagrams, feasible }: PacketSpace,
  deciders: Deciders,
  { lists, hulls, left, right }: Sides,
): Promise<FirstMatch | undefined> {
  const [before, after] = [left, right].map((list) => flatten(lists, list));
  if (before === undefined || after === undefined) return undefined;
  const keyOf = lists.counts ? lists.keyOf : undefined;
  const alignment = await Alignment.of(diagrams, hulls, before, after, keyOf);
  return alignment === undefined ? undefined : new FirstMatch(diagrams, hulls, deciders, feasible, alignment, keyOf);
}

/** The differences in some regions, by pairs. */
function told(space: PacketSpace, names: RuleNames, sides: Sides, regions: readonly Node[]): Comparison {
  const { diagrams } = space;
  const differences = compareIn(sides, regions).map((node) => regionsOf(diagrams, node));
  const { pairs } = sides.explorer;
  const numbers = new Map(pairs.map((pair, i) => [pair, i + 1]));
  const regionOf = (pair: FatePair): Product => {
    const number = numbers.get(pair);
    return [diagrams.anyOf(differences.flatMap((one) => (number === undefined ? [] : (one.get(number) ?? []))))];
  };
  return { space, names, pairs, regionOf };
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
