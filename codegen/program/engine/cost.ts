import type { Classifier, Node } from '../../classify/index.js';

/**
 * What a packet costs, in nanoseconds on a machine of 2023 (docs/classification.md tells how they were measured). Only
 * their ratios matter for the choice.
 */
const COST = {
  /** An instruction of a rule that is asked in turn. */
  instruction: 0.13,
  /** Entering a diagram and taking its hit. */
  look: 14,
  /** A branch of a diagram, and each step of the search in it. */
  branch: 9,
  step: 3.5,
  /** A look-up that an earlier group has mostly made needless. */
  laterGroup: 0.5,
} as const;

/** Branches with more children begin with the upper bits (TableWriter): no search takes more steps. */
const MOST_STEPS = 4;

/** Rules that are asked one after the other, of so many instructions: half of them, on average. */
export function linearCost(slots: number): number {
  return (COST.instruction * slots) / 2;
}

/** Look-ups in all diagrams of a stretch, each way as likely as the others. */
export function diagramCost({ groups }: Classifier): number {
  return groups.reduce(
    (sum, { root }, index) => sum + (index === 0 ? 1 : COST.laterGroup) * (COST.look + walkCost(root)),
    0,
  );
}

function walkCost(root: Node): number {
  const known = new Map<Node, number>();
  const visit = (node: Node): number => {
    if (node.kind === 'leaf') return 0;
    const seen = known.get(node);
    if (seen !== undefined) return seen;
    const below = node.children.reduce((sum, child) => sum + visit(child), 0) / node.children.length;
    const cost = COST.branch + COST.step * Math.min(MOST_STEPS, Math.ceil(Math.log2(node.children.length))) + below;
    known.set(node, cost);
    return cost;
  };
  return visit(root);
}
