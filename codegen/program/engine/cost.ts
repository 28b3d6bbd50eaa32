import type { Classifier, Node } from '../../classify/index.js';
import { COST } from './cost-coefficients.js';

/** What a packet's way through a stretch is made of, on average: what the cost model multiplies with its coefficients. */
export interface Work {
  /** Instructions of rules that are asked in turn. */
  readonly instructions: number;
  /** Diagrams that are entered, branches on the way through them, and steps of the search in those. */
  readonly looks: number;
  readonly branches: number;
  readonly steps: number;
  /** Doublings of the diagrams' size beyond what a processor keeps next to it, for each branch. */
  readonly misses: number;
}

/** Branches with more children begin with the upper bits (TableWriter): no search takes more steps. */
const MOST_STEPS = 4;
/** A look-up that an earlier group has mostly made needless. */
const LATER_GROUP = 0.5;
/** Bytes that a core's own cache holds beside everything else, and of a diagram's edge, about. */
const NEAR_BYTES = 32 * 1024;
const EDGE_BYTES = 10;

/** Rules that are asked one after the other, of so many instructions: half of them, on average. */
export function linearWork(slots: number): Work {
  return { instructions: slots / 2, looks: 0, branches: 0, steps: 0, misses: 0 };
}

/** Look-ups in all diagrams of a stretch, each way as likely as the others. */
export function diagramWork({ groups }: Classifier): Work {
  const walks = groups.map(({ root }) => walkOf(root));
  const share = (index: number): number => (index === 0 ? 1 : LATER_GROUP);
  const sum = (of: (walk: Walk) => number): number =>
    walks.reduce((total, walk, index) => total + share(index) * of(walk), 0);
  const bytes = walks.reduce((total, { edges }) => total + edges * EDGE_BYTES, 0);
  const branches = sum((walk) => walk.branches);
  return {
    instructions: 0,
    looks: sum(() => 1),
    branches,
    steps: sum((walk) => walk.steps),
    misses: branches * Math.max(0, Math.log2(bytes / NEAR_BYTES)),
  };
}

/** Expected nanoseconds of a packet. */
export function costOf(work: Work): number {
  return (
    COST.instruction * work.instructions +
    COST.look * work.looks +
    COST.branch * work.branches +
    COST.step * work.steps +
    COST.miss * work.misses
  );
}

interface Walk {
  readonly branches: number;
  readonly steps: number;
  /** All edges of the diagram. */
  readonly edges: number;
}

function walkOf(root: Node): Walk {
  const known = new Map<Node, { readonly branches: number; readonly steps: number }>();
  let edges = 0;
  const visit = (node: Node): { readonly branches: number; readonly steps: number } => {
    if (node.kind === 'leaf') return LEAF_WALK;
    const seen = known.get(node);
    if (seen !== undefined) return seen;
    const count = node.children.length;
    let branches = 0;
    let steps = 0;
    for (const child of node.children) {
      const below = visit(child);
      branches += below.branches;
      steps += below.steps;
    }
    edges += count;
    const own = Math.min(MOST_STEPS, Math.ceil(Math.log2(count)));
    const walk = { branches: 1 + branches / count, steps: own + steps / count };
    known.set(node, walk);
    return walk;
  };
  const { branches, steps } = visit(root);
  return { branches, steps, edges };
}

const LEAF_WALK = { branches: 0, steps: 0 } as const;
