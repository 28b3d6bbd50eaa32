import { FALSE, type Diagrams, type Node } from './diagram.js';

/**
 * For how many values of the given variables (all that the function depends on among them) it is 1, where each value
 * of a variable stands for `weight` many.
 */
export function countValues(
  diagrams: Diagrams,
  node: Node,
  variables: readonly number[],
  weight: (variable: number, lo: number, hi: number) => bigint,
): bigint {
  const known = new Map<Node, bigint>();
  const totals = variables.map((variable) => weight(variable, 0, diagrams.sizeOf(variable) - 1));
  const places = new Map(variables.map((variable, i) => [variable, i]));
  const placeOf = (f: Node): number => (f < 0 ? variables.length : (places.get(diagrams.variableOf(f)) ?? 0));
  const between = (from: number, to: number): bigint => {
    let product = 1n;
    for (let i = from; i < to; i++) product *= totals[i];
    return product;
  };
  const walk = (f: Node): bigint => {
    if (f < 0) return f === FALSE ? 0n : 1n;
    const before = known.get(f);
    if (before !== undefined) return before;
    let sum = 0n;
    let lo = 0;
    const place = placeOf(f);
    diagrams.highsOf(f).forEach((hi, i) => {
      const child = diagrams.childrenOf(f)[i];
      if (child !== FALSE) {
        sum += weight(diagrams.variableOf(f), lo, hi) * walk(child) * between(place + 1, placeOf(child));
      }
      lo = hi + 1;
    });
    known.set(f, sum);
    return sum;
  };
  return walk(node) * between(0, placeOf(node));
}
