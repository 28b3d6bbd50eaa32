import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { findChain, findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import { printPacketText } from '../packet/index.js';
import { coverWithBoxes, type CoverLimits } from '../space/boxes.js';
import { compareChains, type Comparison } from '../space/compare.js';
import type { ChainPlace } from '../space/place.js';
import { decidingOf, type Deciding } from '../space/deciding.js';
import { describeBox, type Side } from '../space/describe.js';
import type { Example } from '../space/example.js';
import type { FatePair } from '../space/explore.js';
import { flowsOf } from '../space/flows.js';
import type { Product } from '../space/product.js';
import { describeInputs, exampleIn, isVerdict, replayExample } from '../space/replay.js';

/** One example, judged by the reference on both sides. */
export interface ReplayedPacket {
  /** As `explain --packet` reads it. */
  readonly text: string;
  readonly packet: Packet;
  /** What is assumed beside the packet. */
  readonly inputs: readonly Side[];
  /** Verdicts of the reference; `unknown` where a target is not understood. */
  readonly before: string;
  readonly after: string;
  /** The reference says what the comparison says. */
  readonly confirmed: boolean;
}

/** Packets that one pair of rules judges otherwise. */
export interface PacketChange {
  readonly before: Deciding;
  readonly after: Deciding;
  readonly rectangles: readonly (readonly Side[])[];
  /** More packets change than the rectangles hold. */
  readonly more: boolean;
  /** Different combinations of addresses, protocol and first four bytes of the transport header (the ports). */
  readonly flows: bigint;
  readonly example?: ReplayedPacket;
}

/** What changes for the packets of a built-in chain. */
export interface ChainChanges extends ChainPlace {
  /** The largest first. */
  readonly changes: readonly PacketChange[];
  /** Pairs of rules beyond those that are told. */
  readonly omitted: number;
}

/** What counts as a change, and how much of it is told. */
export interface PacketDiffOptions {
  readonly strict?: boolean;
  /** Rectangles that are told of each pair of rules, and pairs of each chain. */
  readonly rectangles?: number;
  readonly pairs?: number;
  /** No more rectangles of a pair once those that are told have so many ranges of values together. */
  readonly ranges?: number;
}

/** What people are told: as much as they read. The others are counted. */
export const SUMMARY = { pairs: 20, rectangles: 5, ranges: 500 } as const satisfies PacketDiffOptions;

/** Built-in chains that either side says something about. */
export function chainsToCompare(a: Ruleset, b: Ruleset): readonly ChainPlace[] {
  const tables = new Set<TableName>([...a.tables, ...b.tables].map(({ name }) => name));
  return [...tables].flatMap((table) =>
    BUILTIN_CHAINS[table]
      .filter((chain) => [a, b].some((ruleset) => saysSomething(ruleset, table, chain)))
      .map((chain): ChainPlace => ({ table, chain })),
  );
}

function saysSomething(ruleset: Ruleset, table: TableName, name: BuiltinChain): boolean {
  const found = findTable(ruleset, table);
  const chain = found && findChain(found, name);
  return chain !== undefined && (chain.rules.length > 0 || chain.policy === 'DROP');
}

/** The packets of a built-in chain that two rulesets judge differently. Throws as `compareChains`. */
export async function diffPackets(
  a: Ruleset,
  b: Ruleset,
  place: ChainPlace,
  options: PacketDiffOptions = {},
): Promise<ChainChanges> {
  const strict = options.strict ?? false;
  const comparison = await compareChains(a, b, { ...place, strict });
  const { pairs } = comparison;
  const most = options.pairs ?? MOST_PAIRS;
  const limits = { boxes: options.rectangles ?? MOST_RECTANGLES, ranges: options.ranges ?? MOST_RANGES };
  const changes = pairs
    .slice(0, most)
    .map((pair) => changeOf(a, b, place, comparison, pair, comparison.regionOf(pair), limits));
  return { ...place, changes: changes.sort(largestFirst), omitted: Math.max(0, pairs.length - most) };
}

/** The same order for the same change, however the packets were walked through. */
function largestFirst(a: PacketChange, b: PacketChange): number {
  return a.flows === b.flows ? 0 : a.flows > b.flows ? -1 : 1;
}

/** Pairs of rules that are told of a chain. */
const MOST_PAIRS = 200;

/** Rectangles that are told of a pair, and ranges behind which no further one is: nobody reads thousands of networks. */
const MOST_RECTANGLES = 20;
const MOST_RANGES = 1000;

function changeOf(
  a: Ruleset,
  b: Ruleset,
  place: ChainPlace,
  comparison: Comparison,
  pair: FatePair,
  region: Product,
  limits: CoverLimits,
): PacketChange {
  const { space } = comparison;
  const { boxes, more } = coverWithBoxes(space.diagrams, region, space.feasible, limits);
  const example = exampleIn(space, region, () => boxes);
  return {
    before: decidingOf(pair.before, a, place),
    after: decidingOf(pair.after, b, place),
    rectangles: boxes.map((box) => describeBox(space, box)),
    more,
    flows: flowsOf(space, region),
    ...(example === undefined ? {} : { example: replay(a, b, place, comparison, pair, example) }),
  };
}

function replay(
  a: Ruleset,
  b: Ruleset,
  place: ChainPlace,
  { space, names }: Comparison,
  pair: FatePair,
  example: Example,
): ReplayedPacket {
  const [before, after] = [a, b].map((ruleset) => replayExample(ruleset, place, space, names, example).verdict);
  return {
    text: printPacketText(example.packet),
    packet: example.packet,
    inputs: describeInputs(space, example),
    before,
    after,
    confirmed: isVerdict(before, pair.before.verdict) && isVerdict(after, pair.after.verdict),
  };
}
