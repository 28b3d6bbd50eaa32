import { buildDag, type Leaf, type Node } from './dag.js';
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
}

export interface Group {
  readonly root: Node;
  /** Its first rule: whoever has met a final one before it need not look here. */
  readonly first: number;
}

export interface Limits {
  readonly groups: number;
  readonly longest: number;
}

/** Narrow is what covers at most one 65536th of a dimension, as prefixes of 16 bits and more. */
const NARROW_SHARE = 65_536;
/**
 * For each range of the boxes. Large diagrams that come to be take 5 to 11 (IPv4 and IPv6, 2,500 to 100,000 rules); one that takes more
 * seldom comes to be at all, and what was done for it is lost.
 */
const WORK_PER_TEST = 16;
const EDGES_PER_INSTANCE = 24;
const LEAST_WORK = 400_000;
const LEAST_EDGES = 4_096;

/**
 * Groups of the instances (in order of rule) that each have a small diagram: all in one if that will do; else those with
 * narrow ranges apart from those with wide ones, dimension by dimension; else the first half apart from the second.
 * Undefined where more groups would be needed than the limit, or where some packet could have more hits.
 */
export function classify(
  instances: readonly Instance[],
  dimensions: readonly Dimension[],
  limits: Limits,
): Classifier | undefined {
  const partitions = dimensions.flatMap(({ partition }, dimension) => (partition === true ? [dimension] : []));
  const groups: Group[] = [];
  const table = new InstanceTable(instances, dimensions);
  if (!divide(table, table.all(), partitions, groups, limits.groups)) return undefined;
  groups.sort((a, b) => a.first - b.first);
  const measures = groups.map(({ root }) => measure(root));
  const longest = measures.reduce((sum, one) => sum + one.hits, 0);
  if (longest > limits.longest) return undefined;
  const most = (of: (one: Measures) => number): number => Math.max(0, ...measures.map(of));
  return { groups, longest, depth: most(({ depth }) => depth), candidates: most(({ candidates }) => candidates) };
}

/** Adds a group of the members of the table, or several. */
function divide(
  table: InstanceTable,
  members: Int32Array,
  partitions: readonly number[],
  groups: Group[],
  most: number,
): boolean {
  const { length } = members;
  if (length === 0) return true;
  if (groups.length >= most) return false;
  const root = buildDag(table, members, {
    work: Math.max(LEAST_WORK, WORK_PER_TEST * testsOf(table, members)),
    edges: Math.max(LEAST_EDGES, EDGES_PER_INSTANCE * length),
  });
  if (root !== undefined) {
    groups.push({ root, first: table.rules[members[0]] });
    return true;
  }
  if (length === 1) return false;
  const [partition, ...rest] = partitions;
  const inFirst =
    partition === undefined
      ? (_: number, index: number) => index < length / 2
      : (member: number) => isNarrow(table.instances[member], partition, table.dimensions[partition].max);
  const first = members.filter(inFirst);
  const second = members.filter((member, index) => !inFirst(member, index));
  return divide(table, first, rest, groups, most) && divide(table, second, rest, groups, most);
}

function testsOf({ tests }: InstanceTable, members: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < members.length; i++) sum += tests[members[i]];
  return sum;
}

function isNarrow({ box }: Instance, dimension: number, max: number): boolean {
  for (const { dimension: own, lo, hi } of box) if (own === dimension) return hi - lo < (max + 1) / NARROW_SHARE;
  return false;
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
