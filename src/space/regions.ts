import { FALSE, TRUE, valueOf, type Diagrams, type Node } from './diagram.js';

/** For each constant that a function comes to: where it does. */
export function regionsOf(diagrams: Diagrams, node: Node): ReadonlyMap<number, Node> {
  const known = new Map<Node, ReadonlyMap<number, Node>>();
  const walk = (f: Node): ReadonlyMap<number, Node> => {
    if (f < 0) return new Map([[valueOf(f), TRUE]]);
    const before = known.get(f);
    if (before !== undefined) return before;
    const result = regionsBelow(diagrams, f, walk);
    known.set(f, result);
    return result;
  };
  return walk(node);
}

/** Each constant is at few of the children: the work is what they come to, not their number times that of constants. */
function regionsBelow(
  diagrams: Diagrams,
  f: Node,
  walk: (child: Node) => ReadonlyMap<number, Node>,
): ReadonlyMap<number, Node> {
  const highs = diagrams.highsOf(f);
  const parts = new Map<number, { readonly highs: number[]; readonly children: Node[] }>();
  diagrams.childrenOf(f).forEach((child, i) => {
    for (const [value, region] of walk(child)) {
      let part = parts.get(value);
      if (part === undefined) parts.set(value, (part = { highs: [], children: [] }));
      fillUpTo(part, i === 0 ? -1 : highs[i - 1]);
      part.highs.push(highs[i]);
      part.children.push(region);
    }
  });
  const last = highs[highs.length - 1];
  const variable = diagrams.variableOf(f);
  return new Map(
    Array.from(parts, ([value, part]) => {
      fillUpTo(part, last);
      return [value, diagrams.node(variable, part.highs, part.children)];
    }),
  );
}

/** Ranges up to `high` that nobody has named are 0. */
function fillUpTo({ highs, children }: { readonly highs: number[]; readonly children: Node[] }, high: number): void {
  if ((highs[highs.length - 1] ?? -1) >= high) return;
  highs.push(high);
  children.push(FALSE);
}
