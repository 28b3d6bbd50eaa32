import type { Classifier, Dimension, Node } from '../../classify/index.js';
import { COST } from './cost-coefficients.js';

/** What a packet's way through a stretch is made of, on average: what the cost model multiplies with its coefficients. */
export interface Work {
  /** Instructions of rules that are asked in turn. */
  readonly instructions: number;
  /** Diagrams that are entered, branches on the way through them, steps of the search in those, and entries of lists. */
  readonly looks: number;
  readonly branches: number;
  readonly steps: number;
  readonly entries: number;
  /** Doublings of the diagrams' size beyond what a processor keeps next to it, for each branch. */
  readonly misses: number;
}

/** Children of one search; branches with more begin with the upper bits as an index (TableWriter), and then search. */
const SEARCHED = 7;
/** A look-up that an earlier group has mostly made needless. */
const LATER_GROUP = 0.5;
/** Bytes that a core's own cache holds beside everything else; of a diagram's edge and of an entry with its record, about. */
const NEAR_BYTES = 32 * 1024;
const EDGE_BYTES = 10;
const LISTED_BYTES = 24;

/** Rules that are asked one after the other, of so many instructions: half of them, on average. */
export function linearWork(slots: number): Work {
  return { instructions: slots / 2, looks: 0, branches: 0, steps: 0, entries: 0, misses: 0 };
}

/** Look-ups in all diagrams of a stretch, each way as likely as the others. */
export function diagramWork({ groups }: Classifier, dimensions: readonly Dimension[]): Work {
  const walks = groups.map(({ root }) => walkOf(root, dimensions));
  const share = (index: number): number => (index === 0 ? 1 : LATER_GROUP);
  const sum = (of: (walk: Walk) => number): number =>
    walks.reduce((total, walk, index) => total + share(index) * of(walk), 0);
  const bytes = walks.reduce((total, { edges, listed }) => total + edges * EDGE_BYTES + listed * LISTED_BYTES, 0);
  const branches = sum((walk) => walk.branches);
  const looks = sum(() => 1);
  return {
    instructions: 0,
    looks,
    branches,
    steps: sum((walk) => walk.steps),
    entries: sum((walk) => walk.entries),
    misses: (branches + looks) * Math.max(0, Math.log2(bytes / NEAR_BYTES)),
  };
}

/** Expected nanoseconds of a packet. */
export function costOf(work: Work): number {
  return (
    COST.instruction * work.instructions +
    COST.look * work.looks +
    COST.branch * work.branches +
    COST.step * work.steps +
    COST.entry * work.entries +
    COST.miss * work.misses
  );
}

/** A packet's way, on average. */
interface Way {
  readonly branches: number;
  readonly steps: number;
  readonly entries: number;
}

interface Walk extends Way {
  /** All edges of the diagram, and all entries of its lists. */
  readonly edges: number;
  readonly listed: number;
}

/** What is asked first is code, whose jumps the processor foresees mostly. */
function walkOf(root: Node, dimensions: readonly Dimension[]): Walk {
  const known = new Map<Node, Way>();
  let edges = 0;
  let listed = 0;
  const wayOf = (node: Node): Way => {
    if (node.kind === 'leaf') {
      listed += node.candidates.length;
      return { branches: 0, steps: 0, entries: node.candidates.length / 2 };
    }
    const count = node.children.length;
    let branches = 0;
    let steps = 0;
    let entries = 0;
    for (const child of node.children) {
      const below = visit(child);
      branches += below.branches;
      steps += below.steps;
      entries += below.entries;
    }
    edges += count;
    const isCode = dimensions[node.dimension].first !== undefined;
    const own = isCode ? 0 : count <= SEARCHED ? 1 : 2;
    return { branches: (isCode ? 0 : 1) + branches / count, steps: own + steps / count, entries: entries / count };
  };
  const visit = (node: Node): Way => {
    const seen = known.get(node);
    if (seen !== undefined) return seen;
    const way = wayOf(node);
    known.set(node, way);
    return way;
  };
  return { ...visit(root), edges, listed };
}
