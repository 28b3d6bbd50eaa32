import type { Leaf, Node } from './dag.js';
import { divided, undivided, waysToDivide, type Group } from './division.js';
import type { Dimension, Instance } from './instance.js';
import { InstanceTable } from './instance-table.js';

/** A diagram for each group of instances: a packet's rules are those of all of them, in order of rule. */
export interface Classifier {
  /** In order of {@link Group.first}. */
  readonly groups: readonly Group[];
  /** Hits that one packet can have, at most. */
  readonly longest: number;
  /** Branches on the longest way. */
  readonly depth: number;
  /** Instances of the longest list. */
  readonly candidates: number;
  /** Children of all branches. */
  readonly edges: number;
}

export interface Limits {
  readonly groups: number;
  readonly longest: number;
  /** What it takes to look a packet up in groups, by which the way to divide is chosen. */
  cost(groups: readonly Group[]): number;
}

/**
 * A diagram with more edges for each instance is large for what it holds: to divide it may cost less. Where a packet has several hits,
 * it does not: those of several diagrams must be put in order.
 */
const DENSE = 4;

/**
 * All instances (in order of rule) in one diagram, or in groups that have one each, whatever is expected to cost least. Undefined where more
 * groups would be needed than the limit, or where some packet could have more hits.
 */
export function classify(
  instances: readonly Instance[],
  dimensions: readonly Dimension[],
  limits: Limits,
): Classifier | undefined {
  const table = new InstanceTable(instances, dimensions);
  const whole = undivided(table);
  let best = whole === undefined ? undefined : withMeasures(whole, limits);
  if (best !== undefined && (best.longest > 1 || best.edges <= DENSE * instances.length)) return best;
  let least = best === undefined ? Infinity : limits.cost(best.groups);
  for (const way of waysToDivide(dimensions)) {
    const groups = divided(table, way, limits.groups);
    const made = groups === undefined ? undefined : withMeasures(groups, limits);
    if (made === undefined) continue;
    const cost = limits.cost(made.groups);
    if (cost >= least) continue;
    best = made;
    least = cost;
  }
  return best;
}

/** Undefined where it is beyond the limits. */
function withMeasures(groups: readonly Group[], limits: Limits): Classifier | undefined {
  if (groups.length > limits.groups) return undefined;
  const measures = groups.map(({ root }) => measure(root));
  const longest = measures.reduce((sum, one) => sum + one.hits, 0);
  if (longest > limits.longest) return undefined;
  const most = (of: (one: Measures) => number): number => Math.max(0, ...measures.map(of));
  const edges = measures.reduce((sum, one) => sum + one.edges, 0);
  return {
    groups,
    longest,
    depth: most(({ depth }) => depth),
    candidates: most(({ candidates }) => candidates),
    edges,
  };
}

/** The highest numbers over all ways through a diagram. */
interface Measures {
  readonly hits: number;
  /** Branches. */
  readonly depth: number;
  /** Instances of a list. */
  readonly candidates: number;
  /** Of all branches together. */
  readonly edges: number;
}

function measure(root: Node): Measures {
  const depths = new Map<Node, number>();
  let hits = 0;
  let candidates = 0;
  let edges = 0;
  const depthOf = (node: Node): number => {
    const known = depths.get(node);
    if (known !== undefined) return known;
    let depth = 0;
    if (node.kind === 'leaf') {
      hits = Math.max(hits, hitsOf(node));
      candidates = Math.max(candidates, node.candidates.length);
    } else {
      edges += node.children.length;
      for (const child of node.children) depth = Math.max(depth, 1 + depthOf(child));
    }
    depths.set(node, depth);
    return depth;
  };
  return { depth: depthOf(root), hits, candidates, edges };
}

/** Hits that a packet of this place can have: of final rules it meets one at most. */
function hitsOf({ candidates }: Leaf): number {
  let isFinal = false;
  let lasting = 0;
  // In order of rule.
  let last = -1;
  for (const { rule, final } of candidates) {
    isFinal ||= final;
    if (!final && rule !== last) {
      lasting++;
      last = rule;
    }
  }
  return lasting + (isFinal ? 1 : 0);
}
