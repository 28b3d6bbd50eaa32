import type { Leaf, Node } from './dag.js';
import { Divider, type CostOf, type Group } from './division.js';
import type { Dimension, Instance } from './instance.js';
import { InstanceTable } from './instance-table.js';

/** A diagram for each group of instances: a packet's rules are those of all of them, in order of rule. */
export interface Classifier {
  /** In order of {@link Group.first}. */
  readonly groups: readonly Group[];
  /** What it takes to look a packet up in them. */
  readonly cost: number;
  /** Hits that one packet can have, at most. */
  readonly longest: number;
  /** Branches on the longest way. */
  readonly depth: number;
  /** Instances of the longest list. */
  readonly candidates: number;
}

export interface Limits {
  readonly groups: number;
  readonly longest: number;
}

/**
 * All instances (in order of rule) in one diagram, or in groups that have one each: divided where one would be too large, or large for what it
 * holds, in the way that costs least. Undefined where more groups would be needed than the limit, or where some packet could have more hits.
 */
export function classify(
  instances: readonly Instance[],
  dimensions: readonly Dimension[],
  limits: Limits,
  costOf: CostOf,
): Classifier | undefined {
  if (instances.length === 0) return withMeasures([], limits, costOf);
  const divider = new Divider(new InstanceTable(instances, dimensions), costOf);
  const whole = divider.whole();
  let best = whole && withMeasures([whole], limits, costOf);
  // What is divided has no fewer hits: those of one place are in several lists then.
  if (whole !== undefined && (best === undefined || !divider.isDense(whole))) return best;
  for (const way of divider.ways()) {
    const groups = divider.groups(way, limits.groups);
    const made = groups && withMeasures(groups, limits, costOf);
    if (made !== undefined && made.cost < (best?.cost ?? Infinity)) best = made;
  }
  return best;
}

/** Undefined where it is beyond the limits. */
function withMeasures(groups: readonly Group[], limits: Limits, costOf: CostOf): Classifier | undefined {
  if (groups.length > limits.groups) return undefined;
  const measures = groups.map(({ root }) => measure(root));
  const longest = measures.reduce((sum, one) => sum + one.hits, 0);
  if (longest > limits.longest) return undefined;
  const most = (of: (one: Measures) => number): number => Math.max(0, ...measures.map(of));
  return {
    groups,
    cost: costOf(groups),
    longest,
    depth: most(({ depth }) => depth),
    candidates: most(({ candidates }) => candidates),
  };
}

/** The highest numbers over all ways through a diagram. */
interface Measures {
  readonly hits: number;
  /** Branches. */
  readonly depth: number;
  /** Instances of a list. */
  readonly candidates: number;
}

function measure(root: Node): Measures {
  const depths = new Map<Node, number>();
  let hits = 0;
  let candidates = 0;
  const depthOf = (node: Node): number => {
    const known = depths.get(node);
    if (known !== undefined) return known;
    let depth = 0;
    if (node.kind === 'leaf') {
      hits = Math.max(hits, hitsOf(node));
      candidates = Math.max(candidates, node.candidates.length);
    } else {
      for (const child of node.children) depth = Math.max(depth, 1 + depthOf(child));
    }
    depths.set(node, depth);
    return depth;
  };
  return { depth: depthOf(root), hits, candidates };
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
