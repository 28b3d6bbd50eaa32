import { countValues } from './count.js';
import { TRUE, type Node } from './diagram.js';
import type { Measure } from './measures.js';
import type { Product } from './product.js';
import { projected } from './projection.js';
import { valuesOf } from './segments.js';
import type { PacketSpace } from './space.js';

const FLOW: readonly Measure[] = ['saddr', 'daddr', 'proto', 'l4.0'];

/** Combinations of addresses, protocol and ports that some packet of the region has. */
export function flowsOf(space: PacketSpace, region: Product): bigint {
  const { diagrams } = space;
  const segments = FLOW.flatMap((measure) => space.segmentsOf(measure));
  const own = new Map(segments.map((segment) => [segment.variable, segment]));
  const free = FLOW.filter((measure) => space.segmentsOf(measure).length === 0).reduce(
    (product, measure) => product * (1n << BigInt(bitsOf(measure, space))),
    1n,
  );
  const variables = [...own.keys()].sort((x, y) => x - y);
  const countOf = (node: Node): bigint =>
    countValues(diagrams, node, variables, (variable, lo, hi) => {
      const segment = own.get(variable);
      if (segment === undefined) return 1n;
      const values = valuesOf(segment, [lo, hi]);
      return values.hi - values.lo + 1n;
    });
  const flowsWithin = (product: Product, flows: Node): bigint =>
    countOf(projected(diagrams, product, flows, (variable) => own.has(variable)));
  // A function changes the count for those flows alone of which it leaves some packet out: these are counted with and without it.
  const count = (product: Product): bigint => {
    const others = product.slice(0, -1);
    if (others.length === 0) return flowsWithin(product, TRUE);
    const touched = diagrams.project(diagrams.not(product[others.length]), (variable) => own.has(variable));
    return count(others) - flowsWithin(others, touched) + flowsWithin(product, touched);
  };
  return count(region) * free;
}

function bitsOf(measure: Measure, { family }: PacketSpace): number {
  if (measure === 'proto') return 8;
  return measure === 'l4.0' || family === 'v4' ? 32 : 128;
}

/** The share of the flows of `whole` that `part`, some of them, has. */
export function shareText(part: bigint, whole: bigint): string {
  if (part === whole) return 'all';
  const perMille = (part * 1000n + whole / 2n) / whole;
  if (perMille === 0n) return 'less than 0.1 %';
  return perMille > 999n ? 'more than 99.9 %' : `${perMille / 10n}.${perMille % 10n} %`;
}

/** The nearest power of two for people, where the number is long. */
export function flowsText(flows: bigint): string {
  if (flows < 1_000_000n) return `${flows} ${flows === 1n ? 'flow' : 'flows'}`;
  // Its first 53 bits say enough of how much it is.
  const behind = Math.max(0, flows.toString(2).length - 53);
  return `2^${(behind + Math.log2(Number(flows >> BigInt(behind)))).toFixed(0)} flows`;
}
