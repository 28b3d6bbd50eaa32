import { FALSE, NO_VARIABLE, TRUE, type Diagrams, type Node } from './diagram.js';

/**
 * The packets for which each of some functions (0 or 1) holds. As one function they may have far more parts: rules that
 * ask for the source, and others that ask for the destination, tell each source with each destination.
 */
export type Product = readonly Node[];

/** Functions over one run of values of the first variable that any of them tests. */
interface Run {
  readonly lo: number;
  readonly hi: number;
  readonly product: Product;
}

/** As one function. */
export function multiplied(diagrams: Diagrams, product: Product): Node {
  return product.reduce((all, node) => diagrams.and(all, node), TRUE);
}

/** Whether a point lies in all of them. */
export function holdsAt(diagrams: Diagrams, product: Product, at: (variable: number) => number): boolean {
  return product.every((node) => diagrams.evaluate(node, at) === 1);
}

/** The variable that is tested first. */
export function firstVariable(diagrams: Diagrams, product: Product): number {
  return product.reduce((first, node) => Math.min(first, diagrams.variableOf(node)), NO_VARIABLE);
}

/** Looks at products, and remembers which are empty. */
export class Products {
  readonly #known = new Map<string, boolean>();

  constructor(private readonly diagrams: Diagrams) {}

  /** Whether there is a packet. */
  some(product: Product): boolean {
    if (product.includes(FALSE)) return false;
    const [one, other] = product;
    if (product.length < 2) return true;
    if (product.length === 2) return this.diagrams.meet(one, other);
    const key = product.join();
    let known = this.#known.get(key);
    if (known === undefined) {
      known = false;
      for (const run of this.runs(product)) {
        known = this.some(run.product);
        if (known) break;
      }
      this.#known.set(key, known);
    }
    return known;
  }

  /** The runs of values of the first variable in which no function changes, in order, but for those where one is 0. */
  *runs(product: Product): Iterable<Run> {
    const { diagrams } = this;
    const variable = firstVariable(diagrams, product);
    const own = product.filter((node) => diagrams.variableOf(node) === variable);
    const others = product.filter((node) => diagrams.variableOf(node) !== variable);
    const highs = own.map((node) => diagrams.highsOf(node));
    const children = own.map((node) => diagrams.childrenOf(node));
    const at = own.map(() => 0);
    const last = diagrams.sizeOf(variable) - 1;
    for (let lo = 0; lo <= last;) {
      let hi = last;
      for (let i = 0; i < own.length; i++) hi = Math.min(hi, highs[i][at[i]]);
      const below = children.map((kids, i) => kids[at[i]]);
      if (!below.includes(FALSE)) yield { lo, hi, product: distinct([...below, ...others]) };
      for (let i = 0; i < own.length; i++) if (highs[i][at[i]] === hi) at[i]++;
      lo = hi + 1;
    }
  }
}

/** Without what says nothing, or nothing new. */
function distinct(product: Product): Product {
  return [...new Set(product)].filter((node) => node !== TRUE);
}
