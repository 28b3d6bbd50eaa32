import { FALSE, TRUE, type Diagrams, type Node } from './diagram.js';
import { Inside, type Hull, type Hulls } from './hull.js';
import type { Product } from './product.js';

/** A variable of which rules ask for so many different ranges has a function of its own in a product. */
const MANY = 16;
/** Rules that tell so many ranges apart before it are put together for themselves. */
const SOME = 8;

/** A function, and a rectangle around it. */
export interface Placed {
  readonly node: Node;
  readonly hull: Hull;
}

/**
 * The region without what others take. They are put together by the first variable of many values that they ask for: rules
 * that ask for another one first would be told with each of these values.
 */
export function without(
  diagrams: Diagrams,
  hulls: Hulls,
  region: Node,
  within: Inside,
  taken: readonly Placed[],
): Product {
  const [wide, ...narrow] = byFirst(taken);
  const left = diagrams.and(region, diagrams.not(unionOf(diagrams, simple(wide, within))));
  if (left === FALSE) return [FALSE];
  const near = new Inside(diagrams, hulls.of(left));
  return [
    left,
    ...narrow.flatMap(({ rules, variable }) => {
      const meeting = rules.filter(({ hull }) => near.meets(hull));
      const own = simple(meeting, near).filter(({ node }) => diagrams.meet(node, left));
      // Those that tell many values apart before the variable would be told with each of its values, too.
      const isPlain = ({ node }: Placed): boolean => mostAbove(diagrams, node, variable) < SOME;
      return [own.filter(isPlain), own.filter((one) => !isPlain(one))].map((some) =>
        diagrams.not(unionOf(diagrams, some)),
      );
    }),
  ].filter((node) => node !== TRUE);
}

/** The most ranges that a function tells apart on a way to a variable. */
function mostAbove(diagrams: Diagrams, node: Node, variable: number): number {
  let most = 0;
  for (let here = node; diagrams.variableOf(here) < variable;) {
    const children = diagrams.childrenOf(here);
    most = Math.max(most, children.length);
    here = children.find((child) => child !== FALSE) ?? FALSE;
  }
  return most;
}

/** Neighbours are put together first: what lies apart keeps its parts. */
function unionOf(diagrams: Diagrams, rules: readonly Placed[]): Node {
  return diagrams.anyOf([...rules].sort((a, b) => byCorner(a.hull, b.hull)).map(({ node }) => node));
}

/** What they are in a rectangle, each function once. */
function simple(rules: readonly Placed[], inside: Inside): readonly Placed[] {
  const found = new Map<Node, Placed>();
  for (const { node, hull } of rules) {
    const here = inside.simplified(node);
    if (!found.has(here)) found.set(here, { node: here, hull });
  }
  return [...found.values()];
}

/** First those that ask for no variable of many values; then those of which the last such variable is the first, and so on. */
function byFirst(
  taken: readonly Placed[],
): readonly [readonly Placed[], ...{ readonly rules: readonly Placed[]; readonly variable: number }[]] {
  const lows = new Map<number, Set<number>>();
  for (const { hull } of taken) {
    hull.variables.forEach((variable, i) => {
      const known = lows.get(variable);
      if (known === undefined) lows.set(variable, new Set([hull.least[i]]));
      else known.add(hull.least[i]);
    });
  }
  const many = [...lows].flatMap(([variable, { size }]) => (size < MANY ? [] : [variable])).sort((a, b) => b - a);
  const wide: Placed[] = [];
  const groups = many.map((variable) => ({ rules: [] as Placed[], variable }));
  for (const one of taken) {
    const first = many.findLastIndex((variable) => one.hull.variables.includes(variable));
    (first < 0 ? wide : groups[first].rules).push(one);
  }
  return [wide, ...groups];
}

/** By the variable that is tested first, and its values; then by the next one. */
function byCorner(a: Hull, b: Hull): number {
  for (let i = 0; i < a.variables.length && i < b.variables.length; i++) {
    const order = a.variables[i] - b.variables[i] || a.least[i] - b.least[i] || a.most[i] - b.most[i];
    if (order !== 0) return order;
  }
  return b.variables.length - a.variables.length;
}
