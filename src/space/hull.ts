import { FALSE, TRUE, type Diagrams, type Node } from './diagram.js';

/** The least rectangle around a function: outside of one range of each of its variables it is 0. */
export interface Hull {
  readonly variables: readonly number[];
  /** Of each variable: its first and its last value. */
  readonly least: readonly number[];
  readonly most: readonly number[];
}

/** The hull of a function (0 or 1) that is 1 somewhere. */
export function hullOf(diagrams: Diagrams, node: Node): Hull {
  const variables = diagrams.supportOf(node);
  const placeOf = (f: Node): number => (f < 0 ? variables.length : variables.indexOf(diagrams.variableOf(f)));
  const least = variables.map((variable) => diagrams.sizeOf(variable));
  const most = variables.map(() => -1);
  // A variable that is not tested on some way has any value.
  const any = (from: number, to: number): void => {
    for (let i = from; i < to; i++) [least[i], most[i]] = [0, diagrams.sizeOf(variables[i]) - 1];
  };
  any(0, placeOf(node));
  const seen = new Set<Node>(node < 0 ? [] : [node]);
  for (const f of seen) {
    const place = placeOf(f);
    const [highs, children] = [diagrams.highsOf(f), diagrams.childrenOf(f)];
    for (let i = 0; i < highs.length; i++) {
      const child = children[i];
      if (child === FALSE) continue;
      least[place] = Math.min(least[place], i === 0 ? 0 : highs[i - 1] + 1);
      most[place] = Math.max(most[place], highs[i]);
      any(place + 1, placeOf(child));
      if (child >= 0) seen.add(child);
    }
  }
  return { variables, least, most };
}

/** Hulls of functions that are asked for again and again. */
export class Hulls {
  readonly #known = new Map<Node, Hull>();

  constructor(private readonly diagrams: Diagrams) {}

  /** The hull of a function (0 or 1) that is 1 somewhere. */
  of(node: Node): Hull {
    let hull = this.#known.get(node);
    if (hull === undefined) this.#known.set(node, (hull = hullOf(this.diagrams, node)));
    return hull;
  }
}

/** The hull of a region, laid out for questions about many functions. */
export class Inside {
  readonly #least: Float64Array;
  readonly #most: Float64Array;
  readonly #known = new Map<Node, Node>();
  readonly #all: Node;

  constructor(
    private readonly diagrams: Diagrams,
    { variables, least, most }: Hull,
  ) {
    this.#all = variables.reduceRight<Node>(
      (below, variable, i) => diagrams.test(variable, [[least[i], most[i]]], below),
      TRUE,
    );
    this.#least = new Float64Array(diagrams.variableCount);
    this.#most = new Float64Array(diagrams.variableCount).fill(Infinity);
    variables.forEach((variable, i) => {
      this.#least[variable] = least[i];
      this.#most[variable] = most[i];
    });
  }

  /** Whether a region of this hull is all of it. */
  isAll(region: Node): boolean {
    return region === this.#all;
  }

  /** Whether both share a value of each variable. */
  meets({ variables, least, most }: Hull): boolean {
    for (let i = 0; i < variables.length; i++) {
      const variable = variables[i];
      if (most[i] < this.#least[variable] || least[i] > this.#most[variable]) return false;
    }
    return true;
  }

  /** A function that is the same inside of the hull, and does not ask what is certain there. */
  simplified(f: Node): Node {
    if (f < 0) return f;
    const known = this.#known.get(f);
    if (known !== undefined) return known;
    const { diagrams } = this;
    const variable = diagrams.variableOf(f);
    const [highs, children] = [diagrams.highsOf(f), diagrams.childrenOf(f)];
    const [least, most] = [this.#least[variable], this.#most[variable]];
    const [ends, kids]: [number[], Node[]] = [[], []];
    let same = true;
    for (let i = 0; i < highs.length; i++) {
      if (highs[i] < least) continue;
      const kid = this.simplified(children[i]);
      same &&= kid === children[i];
      ends.push(highs[i]);
      kids.push(kid);
      if (highs[i] >= most) break;
    }
    ends[ends.length - 1] = highs[highs.length - 1];
    const result = same && ends.length === highs.length ? f : diagrams.node(variable, ends, kids);
    this.#known.set(f, result);
    return result;
  }
}
