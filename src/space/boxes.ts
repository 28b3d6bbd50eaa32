import { FALSE, TRUE, type Diagrams, type Node, type Range } from './diagram.js';
import { firstVariable, Products, type Product } from './product.js';

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
export function coverWithBoxes(diagrams: Diagrams, region: Product, possible: Node, limits: CoverLimits): Cover {
  const products = new Products(diagrams);
  const impossible = diagrams.not(possible);
  const allowed = region.map((node) => diagrams.or(node, impossible));
  const boxes: Box[] = [];
  const [first = TRUE, ...others] = region;
  let left: Product = [diagrams.and(first, possible), ...others];
  let ranges = 0;
  while (products.some(left) && boxes.length < limits.boxes && ranges < limits.ranges) {
    const box = widen(diagrams, allowed, startOf(diagrams, products, left));
    boxes.push(box);
    for (const own of box.values()) ranges += own.length;
    left = [diagrams.and(left[0], diagrams.not(boxNode(diagrams, box))), ...others];
  }
  return { boxes, more: products.some(left) };
}

/** The box as a region. */
export function boxNode(diagrams: Diagrams, box: Box): Node {
  return [...box]
    .sort(([a], [b]) => b - a)
    .reduce((below: Node, [variable, ranges]) => diagrams.test(variable, ranges, below), TRUE);
}

/** The widest way through the region: for each variable the values that most others go with. */
function startOf(diagrams: Diagrams, products: Products, region: Product): Box {
  const box = new Map<number, readonly Range[]>();
  for (let here: Product = region.filter((node) => node !== TRUE); here.length > 0;) {
    const ways = new Map<string, { readonly product: Product; readonly ranges: Range[] }>();
    for (const { lo, hi, product } of products.runs(here)) {
      const key = product.join();
      const way = ways.get(key);
      if (way === undefined) ways.set(key, { product, ranges: [[lo, hi]] });
      else way.ranges.push([lo, hi]);
    }
    const sized = Array.from(ways.values(), (way) => ({ ...way, size: sizeOf(way.ranges) }));
    const widest = sized.sort((a, b) => b.size - a.size).find(({ product }) => products.some(product));
    if (widest === undefined) throw new Error('a way through a region that is empty');
    box.set(firstVariable(diagrams, here), joined(widest.ranges));
    here = widest.product;
  }
  return box;
}

/** Ranges in order, neighbours as one. */
function joined(ranges: readonly Range[]): readonly Range[] {
  const out: Range[] = [];
  for (const [lo, hi] of ranges) {
    const last = out[out.length - 1];
    if (out.length > 0 && last[1] + 1 === lo) out[out.length - 1] = [last[0], hi];
    else out.push([lo, hi]);
  }
  return out;
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
function widen(diagrams: Diagrams, allowed: Product, start: Box): Box {
  const box = new Map(start);
  for (const variable of [...start.keys()].sort((a, b) => b - a)) {
    const values = allowed
      .map((node) => valuesFor(diagrams, node, box, variable))
      .reduce((all, node) => diagrams.and(all, node), TRUE);
    if (values < 0) box.delete(variable);
    else box.set(variable, rangesByChild(diagrams, values).get(TRUE) ?? []);
  }
  return box;
}

/** 1 for the values of a variable with which the whole box lies in the region. */
function valuesFor(diagrams: Diagrams, region: Node, box: Box, variable: number): Node {
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
        : allOf(diagrams, inside(diagrams, node, box.get(own)), walk);
    known.set(node, result);
    return result;
  };
  return walk(region);
}

/** Where all hold: pairs first, so that no long product is walked again and again. */
function allOf(diagrams: Diagrams, nodes: readonly Node[], valueOf: (node: Node) => Node): Node {
  const values = new Set<Node>();
  for (const node of nodes) {
    const value = valueOf(node);
    if (value === FALSE) return FALSE;
    values.add(value);
  }
  const join = (some: readonly Node[]): Node => {
    if (some.length < 2) return some.length === 0 ? TRUE : some[0];
    const middle = some.length >> 1;
    return diagrams.and(join(some.slice(0, middle)), join(some.slice(middle)));
  };
  return join([...values]);
}

/** Children that a node has for some of the values (ranges in order, disjoint). */
function inside(diagrams: Diagrams, node: Node, ranges: readonly Range[] | undefined): readonly Node[] {
  const children = diagrams.childrenOf(node);
  if (ranges === undefined) return [...new Set(children)];
  const highs = diagrams.highsOf(node);
  const found = new Set<Node>();
  for (let i = 0, at = 0; i < highs.length; i++) {
    // Child i has the values up to highs[i], from behind those of the child before.
    at = firstUpTo(ranges, at, i === 0 ? 0 : highs[i - 1] + 1);
    if (at === ranges.length) break;
    if (ranges[at][0] <= highs[i]) found.add(children[i]);
  }
  return [...found];
}

/** The first range from `at` on that does not end below a value: in steps that double, then by halves. */
function firstUpTo(ranges: readonly Range[], at: number, value: number): number {
  if (at >= ranges.length || ranges[at][1] >= value) return at;
  let low = at;
  let step = 1;
  for (; low + step < ranges.length && ranges[low + step][1] < value; step *= 2) low += step;
  let high = Math.min(low + step, ranges.length);
  // ranges[low] ends below the value, ranges[high] does not.
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][1] < value) low = middle;
    else high = middle;
  }
  return high;
}
