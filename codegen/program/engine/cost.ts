import type { Dimension, Group, Node } from '../../classify/index.js';
import { COST } from './cost-coefficients.js';

/** What a packet's way through a stretch is made of, on average: what the cost model multiplies with its coefficients. */
export interface Work {
  /** Instructions of rules that are asked in turn. */
  readonly instructions: number;
  /** Comparisons of the search in a list that is code: a processor foresees half of these jumps. */
  readonly halvings: number;
  /** Diagrams that are entered, branches on the way through them, steps of the search in those, and entries of lists. */
  readonly looks: number;
  readonly branches: number;
  readonly steps: number;
  readonly entries: number;
  /** Doublings of the size (of the diagrams, of a list's code) beyond what a processor keeps next to it, for each branch or comparison. */
  readonly misses: number;
}

/** Children of one search; branches with more begin with the upper bits as an index (TableWriter), and then search. */
const SEARCHED = 7;
/** Bytes that a core's own cache holds beside everything else; of a diagram's edge and of an entry with its record, about. */
const NEAR_BYTES = 32 * 1024;
const EDGE_BYTES = 10;
const LISTED_BYTES = 24;
const SLOT_BYTES = 8;
/** Slots of a list beside the search: what is asked before, and the verdict. */
const LIST_SLOTS = 6;

const NONE: Work = { instructions: 0, halvings: 0, looks: 0, branches: 0, steps: 0, entries: 0, misses: 0 };

/** Rules that are asked one after the other, of so many instructions: half of them, on average. */
export function linearWork(slots: number): Work {
  return { ...NONE, instructions: slots / 2 };
}

/** A list of so many ranges in so many instructions: a packet that comes to it is compared to the end. */
export function listWork(ranges: number, slots: number): Work {
  const halvings = Math.log2(Math.max(1, ranges));
  return { ...NONE, instructions: LIST_SLOTS / 2, halvings, misses: halvings * beyondNear(SLOT_BYTES * slots) };
}

/** Work done one after the other; of what is alike, `times` as much. */
export function sumOfWork(works: readonly Work[], times = 1): Work {
  const total: Record<(typeof WORK_NAMES)[number], number> = { ...NONE };
  for (const work of works) for (const name of WORK_NAMES) total[name] += times * work[name];
  return total;
}

const WORK_NAMES = ['instructions', 'halvings', 'looks', 'branches', 'steps', 'entries', 'misses'] as const;

/** Doublings of a size beyond what a core keeps next to it. */
function beyondNear(bytes: number): number {
  return Math.max(0, Math.log2(bytes / NEAR_BYTES));
}

/** Look-ups in all diagrams of a stretch, each way as likely as the others. */
export function diagramWork(groups: readonly Group[], dimensions: readonly Dimension[]): Work {
  const walks = groups.map(({ root }) => walkOf(root, dimensions));
  // A hit that decides before the first rule of a group makes it needless to look there.
  const sum = (of: (walk: Walk) => number): number =>
    walks.reduce((total, walk, index) => total + groups[index].reached * of(walk), 0);
  const bytes = walks.reduce((total, { listed }, i) => total + groups[i].edges * EDGE_BYTES + listed * LISTED_BYTES, 0);
  const branches = sum((walk) => walk.branches);
  const looks = sum(() => 1);
  return {
    ...NONE,
    looks,
    branches,
    steps: sum((walk) => walk.steps),
    entries: sum((walk) => walk.entries),
    misses: (branches + looks) * beyondNear(bytes),
  };
}

/** Expected nanoseconds of a packet. */
export function costOf(work: Work): number {
  return (
    COST.instruction * work.instructions +
    COST.halving * work.halvings +
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
  /** All entries of the diagram's lists. */
  readonly listed: number;
}

/** What is asked first is code, whose jumps the processor foresees mostly. */
function walkOf(root: Node, dimensions: readonly Dimension[]): Walk {
  const known = new Map<Node, Way>();
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
  return { ...visit(root), listed };
}
