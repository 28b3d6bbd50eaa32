import { TRUE, type Diagrams, type Node } from './diagram.js';
import type { Product } from './product.js';

/** Two functions whose ranges, multiplied, are more are looked at where the given one holds alone. */
const MOST_RANGES = 2 ** 20;

/**
 * Where `within`, a function of variables that are kept, holds, and the product does for some values of the others. Small functions
 * are multiplied first, and a variable is let go of as soon as no function behind asks for it: as one function the product may be
 * far larger than what is kept of it.
 */
export function projected(
  diagrams: Diagrams,
  product: Product,
  within: Node,
  keep: (variable: number) => boolean,
  most = MOST_RANGES,
): Node {
  const parts = product
    .map((node) => ({ node, support: diagrams.supportOf(node), ranges: diagrams.rangesOf(node) }))
    .sort((a, b) => a.ranges - b.ranges);
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  parts.forEach(({ support }, i) => {
    for (const variable of support) {
      if (!first.has(variable)) first.set(variable, i);
      last.set(variable, i);
    }
  });
  let all: Node = TRUE;
  let isWithin = false;
  parts.forEach(({ node, support, ranges }, i) => {
    const ending = new Set(support.filter((variable) => !keep(variable) && last.get(variable) === i));
    const alone = (variable: number): boolean => ending.has(variable) && first.get(variable) === i;
    const own = support.some(alone) ? diagrams.project(node, (variable) => !alone(variable)) : node;
    if (!isWithin && diagrams.rangesOf(all) * ranges > most) {
      all = diagrams.and(all, within);
      isWithin = true;
    }
    all = diagrams.and(all, own);
    if (ending.size > 0) all = diagrams.project(all, (variable) => !ending.has(variable));
  });
  return isWithin ? all : diagrams.and(all, within);
}
