import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import { findChain, findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import { printRule } from '../../grammar/index.js';
import { evaluate, type Evaluation } from '../evaluate/index.js';
import { printPacketText } from '../packet/index.js';
import { coverWithBoxes, type Box } from '../space/boxes.js';
import { compareChains, type ChainPlace, type Comparison } from '../space/compare.js';
import { boxText, describeBox, type Side } from '../space/describe.js';
import { FALSE, TRUE, type Node } from '../space/diagram.js';
import { exampleOf, type Example } from '../space/example.js';
import type { Fate, FatePair } from '../space/explore.js';
import type { Measure } from '../space/measures.js';
import { verdictKey } from '../space/program.js';
import { valuesOf } from '../space/segments.js';
import type { PacketSpace } from '../space/space.js';

/** What decides on one side. */
export interface Deciding {
  /** `accept`, `drop`, `reject TYPE` or `target WORDS`. */
  readonly verdict: string;
  readonly chain: string;
  /** From 1; absent for the policy. */
  readonly rule?: number;
  /** Line in the dump, from 1; absent for a policy that the dump does not say. */
  readonly line?: number;
  /** The rule as iptables-save prints it, or the policy. */
  readonly text: string;
  /** A test of the rule drops the packet at once. */
  readonly hotdrop: boolean;
}

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

export interface ChainChanges extends ChainPlace {
  readonly changes: readonly PacketChange[];
  /** Pairs of rules beyond those that are told. */
  readonly omitted: number;
}

export interface PacketDiffOptions {
  readonly strict?: boolean;
  /** Rectangles that are told of each pair of rules, and pairs of each chain. */
  readonly rectangles?: number;
  readonly pairs?: number;
}

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
  const { regions, omitted } = regionsOfPairs(comparison, options.pairs ?? MOST_PAIRS);
  const changes = [...regions].map(([number, region]) =>
    changeOf(a, b, place, comparison, comparison.pairs[number - 1], region, options.rectangles ?? 20),
  );
  return { ...place, changes, omitted };
}

/** Pairs of rules that are told of a chain. */
const MOST_PAIRS = 200;

/** The region of each pair of rules, for the first pairs that were found; how many others there are. */
function regionsOfPairs(
  { space, differences }: Comparison,
  most: number,
): { readonly regions: ReadonlyMap<number, Node>; readonly omitted: number } {
  const { diagrams } = space;
  const regions = new Map<number, Node>();
  const others = new Set<number>();
  for (const node of differences) {
    for (const number of diagrams.valuesOf(node)) {
      if (number === 0) continue;
      if (!regions.has(number) && regions.size >= most) {
        others.add(number);
        continue;
      }
      const own = diagrams.map(node, (value) => (value === number ? 1 : 0));
      regions.set(number, diagrams.or(regions.get(number) ?? FALSE, own));
    }
  }
  return { regions, omitted: others.size };
}

function changeOf(
  a: Ruleset,
  b: Ruleset,
  place: ChainPlace,
  comparison: Comparison,
  pair: FatePair,
  region: Node,
  limit: number,
): PacketChange {
  const { space } = comparison;
  const { boxes, more } = coverWithBoxes(space.diagrams, region, space.feasible, limit);
  const example = exampleIn(space, region, boxes);
  return {
    before: decidingOf(pair.before, a, place),
    after: decidingOf(pair.after, b, place),
    rectangles: boxes.map((box) => describeBox(space, box)),
    more,
    flows: flowsOf(space, region),
    ...(example === undefined ? {} : { example: replay(a, b, place, comparison, pair, example) }),
  };
}

function exampleIn(space: PacketSpace, region: Node, boxes: readonly Box[]): Example | undefined {
  const whole = exampleOf(space, region);
  if (whole !== undefined) return whole;
  for (const box of boxes) {
    const sides = [...box].reduce(
      (sum: Node, [variable, ranges]) => space.diagrams.and(sum, space.diagrams.test(variable, ranges)),
      TRUE,
    );
    const example = exampleOf(space, space.diagrams.and(region, sides));
    if (example !== undefined) return example;
  }
  return undefined;
}

/** Rule or policy, with its line. */
export function decidingOf({ verdict, decider, hotdrop }: Fate, ruleset: Ruleset, { table }: ChainPlace): Deciding {
  if (decider.kind === 'rule') {
    const { chain, number, rule } = decider;
    const text = `-A ${chain} ${printRule(rule)}`.trimEnd();
    return { verdict, chain, rule: number, line: rule.range.line, text, hotdrop };
  }
  const found = findTable(ruleset, table);
  const line = found && findChain(found, decider.chain)?.range?.line;
  const text = `policy ${decider.policy} of ${decider.chain}`;
  return { verdict, chain: decider.chain, ...(line === undefined ? {} : { line }), text, hotdrop };
}

const FLOW: readonly Measure[] = ['saddr', 'daddr', 'proto', 'l4.0'];

/** Combinations of addresses, protocol and ports that some packet of the region has. */
function flowsOf(space: PacketSpace, region: Node): bigint {
  const segments = FLOW.flatMap((measure) => space.segmentsOf(measure));
  const own = new Map(segments.map((segment) => [segment.variable, segment]));
  const free = FLOW.filter((measure) => space.segmentsOf(measure).length === 0).reduce(
    (product, measure) => product * (1n << BigInt(bitsOf(measure, space))),
    1n,
  );
  const projected = space.diagrams.project(region, (variable) => own.has(variable));
  const variables = [...own.keys()].sort((x, y) => x - y);
  const count = space.diagrams.count(projected, variables, (variable, lo, hi) => {
    const segment = own.get(variable);
    if (segment === undefined) return 1n;
    const values = valuesOf(segment, [lo, hi]);
    return values.hi - values.lo + 1n;
  });
  return count * free;
}

function bitsOf(measure: Measure, { family }: PacketSpace): number {
  if (measure === 'proto') return 8;
  return measure === 'l4.0' || family === 'v4' ? 32 : 128;
}

function replay(
  a: Ruleset,
  b: Ruleset,
  { table, chain }: ChainPlace,
  { space, names }: Comparison,
  pair: FatePair,
  { packet, inputs, point }: Example,
): ReplayedPacket {
  const judge = (ruleset: Ruleset): string => {
    const found = findTable(ruleset, table);
    if (found === undefined) return 'accept';
    const evaluation = evaluate({
      ruleset,
      table,
      chain,
      packet,
      oracle: (test, ref) => {
        const rule = findChain(found, ref.chain)?.rules[ref.number - 1];
        const occurrence = (rule && names.occurrence.get(rule)) ?? '';
        return space.diagrams.evaluate(space.opaque(test, { occurrence }), point) === 1;
      },
    });
    return verdictOf(evaluation);
  };
  const [before, after] = [judge(a), judge(b)];
  // The reference names a target that it does not understand without its words.
  const same = (told: string, verdict: string): boolean =>
    told === verdict || (told.startsWith('target ') && verdict.startsWith(`${told} `));
  return {
    text: printPacketText(packet),
    packet,
    inputs: inputs.map(({ input, value }) => describeInput(space, input, value)).filter((side) => side !== undefined),
    before,
    after,
    confirmed: same(before, pair.before.verdict) && same(after, pair.after.verdict),
  };
}

function describeInput(space: PacketSpace, input: Example['inputs'][number]['input'], value: number): Side | undefined {
  for (let variable = 0; variable < space.diagrams.variableCount; variable++) {
    const meaning = space.meaningOf(variable);
    if (meaning.kind !== 'input' || meaning.input !== input) continue;
    return describeBox(space, new Map([[variable, [[value, value] as const]]]))[0];
  }
  return undefined;
}

function verdictOf(evaluation: Evaluation): string {
  if (evaluation.kind === 'decided') return verdictKey(evaluation.verdict);
  const { unknown } = evaluation;
  return unknown.kind === 'target' ? `target ${unknown.target}` : 'unknown';
}

/** Who decides, in words. */
export function decidingText({ verdict, chain, rule, line, text, hotdrop }: Deciding, file: string): string {
  const at = line === undefined ? file : `${file}:${line}`;
  const who = rule === undefined ? text : `rule ${rule} of ${chain}: ${text}`;
  return `${verdict.toUpperCase()} by ${at}: ${who}${hotdrop ? ' (drops it at once: a header is cut or broken)' : ''}`;
}

export type { Side };
export { boxText };
