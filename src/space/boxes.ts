import { FALSE, TRUE, type Diagrams, type Node, type Range } from './diagram.js';

/** A rectangle of a space: for each variable that counts the values it may have; any for the others. */
export type Box = ReadonlyMap<number, readonly Range[]>;

export interface Cover {
  readonly boxes: readonly Box[];
  /** There are more packets than the boxes hold. */
  readonly more: boolean;
}

/** How much of a cover is wanted; the first rectangle is there in any case. */
export interface CoverLimits {
  readonly boxes: number;
  /** No more rectangles once those that are there have so many ranges of values together. */
  readonly ranges: number;
}

/**
 * Few rectangles that together hold exactly the packets of a region, as far as the limits allow. Each is as wide as it can be: no
 * variable can take another value that the region has for all the rest. Rectangles may overlap, and may hold values
 * outside of `possible`, which no packet has.
 */
export function coverWithBoxes(diagrams: Diagrams, region: Node, possible: Node, limits: CoverLimits): Cover {
  const allowed = diagrams.or(region, diagrams.not(possible));
  const boxes: Box[] = [];
  let left = diagrams.and(region, possible);
  let ranges = 0;
  while (left !== FALSE && boxes.length < limits.boxes && ranges < limits.ranges) {
    const box = widen(diagrams, allowed, startOf(diagrams, left));
    boxes.push(box);
    for (const own of box.values()) ranges += own.length;
    left = diagrams.and(left, diagrams.not(boxNode(diagrams, box)));
  }
  return { boxes, more: left !== FALSE };
}

/** The box as a region. */
export function boxNode(diagrams: Diagrams, box: Box): Node {
  return [...box]
    .sort(([a], [b]) => b - a)
    .reduce((below: Node, [variable, ranges]) => diagrams.test(variable, ranges, below), TRUE);
}

/** The widest way through the region: at each node the child that takes most values. */
function startOf(diagrams: Diagrams, region: Node): Box {
  const box = new Map<number, readonly Range[]>();
  let here = region;
  while (here >= 0) {
    const byChild = rangesByChild(diagrams, here);
    const widest = [...byChild].filter(([child]) => child !== FALSE).sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))[0];
    box.set(diagrams.variableOf(here), widest[1]);
    here = widest[0];
  }
  return box;
}

function rangesByChild(diagrams: Diagrams, node: Node): ReadonlyMap<Node, readonly Range[]> {
  const byChild = new Map<Node, Range[]>();
  let lo = 0;
  diagrams.highsOf(node).forEach((hi, i) => {
    const child = diagrams.childrenOf(node)[i];
    const ranges = byChild.get(child);
    if (ranges === undefined) byChild.set(child, [[lo, hi]]);
    else ranges.push([lo, hi]);
    lo = hi + 1;
  });
  return byChild;
}

function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [lo, hi]) => sum + hi - lo + 1, 0);
}

/** Each variable in turn gets every value that the region allows it; what is tested late is freed first. */
function widen(diagrams: Diagrams, allowed: Node, start: Box): Box {
  const box = new Map(start);
  for (const variable of [...start.keys()].sort((a, b) => b - a)) {
    const values = valuesFor(diagrams, allowed, box, variable);
    if (values === undefined) box.delete(variable);
    else box.set(variable, values);
  }
  return box;
}

/** Values of a variable with which the whole box lies in the region; undefined for all values. */
function valuesFor(diagrams: Diagrams, region: Node, box: Box, variable: number): readonly Range[] | undefined {
  const known = new Map<Node, Node>();
  const walk = (node: Node): Node => {
    if (node < 0) return node;
    const before = known.get(node);
    if (before !== undefined) return before;
    const own = diagrams.variableOf(node);
    const children = diagrams.childrenOf(node);
    const result =
      own === variable
        ? diagrams.node(own, diagrams.highsOf(node), children.map(walk))
        : inside(diagrams, node, box.get(own)).reduce((sum: Node, child) => {
            return sum === FALSE ? FALSE : diagrams.and(sum, walk(child));
          }, TRUE);
    known.set(node, result);
    return result;
  };
  const values = walk(region);
  return values < 0 ? undefined : (rangesByChild(diagrams, values).get(TRUE) ?? []);
}

/** Children that a node has for some of the values (ranges in order, disjoint). */
function inside(diagrams: Diagrams, node: Node, ranges: readonly Range[] | undefined): readonly Node[] {
  const children = diagrams.childrenOf(node);
  if (ranges === undefined) return [...new Set(children)];
  const highs = diagrams.highsOf(node);
  const found = new Set<Node>();
  for (let i = 0, at = 0; i < highs.length && at < ranges.length;) {
    const [from, to] = ranges[at];
    // Child i has the values up to highs[i], from behind those of the child before.
    if (from <= highs[i]) found.add(children[i]);
    if (to <= highs[i]) at++;
    else i++;
  }
  return [...found];
}
