import { FALSE, TRUE, type Diagrams, type Node, type Range } from './diagram.js';

/** Beyond so many pieces a region stays whole. */
const MOST = 16;

/**
 * Disjoint rectangles that together are the region (0 or 1); the region itself where they would be many. The hull of a
 * rectangle says much of it, that of a region with corners (the packets of a port, and all fragments) little.
 */
export function piecesOf(diagrams: Diagrams, region: Node): readonly Node[] {
  const pieces = below(diagrams, region);
  return pieces ?? [region];
}

/** Undefined where there are too many. */
function below(diagrams: Diagrams, node: Node): readonly Node[] | undefined {
  if (node < 0) return node === FALSE ? [] : [TRUE];
  const ranges = new Map<Node, Range[]>();
  const highs = diagrams.highsOf(node);
  diagrams.childrenOf(node).forEach((child, i) => {
    if (child === FALSE) return;
    const range: Range = [i === 0 ? 0 : highs[i - 1] + 1, highs[i]];
    const others = ranges.get(child);
    if (others === undefined) ranges.set(child, [range]);
    else others.push(range);
  });
  const pieces: Node[] = [];
  for (const [child, own] of ranges) {
    const inside = below(diagrams, child);
    if (inside === undefined || pieces.length + inside.length > MOST) return undefined;
    for (const piece of inside) pieces.push(diagrams.test(diagrams.variableOf(node), own, piece));
  }
  return pieces;
}
