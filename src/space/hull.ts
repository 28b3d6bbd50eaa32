import { FALSE, TRUE, type Diagrams, type Node } from './diagram.js';

/** The least rectangle around a function: outside of one range of each of some variables it is 0. */
export interface Hull {
  /** In order. */
  readonly variables: readonly number[];
  /** Of each variable: its first and its last value. */
  readonly least: readonly number[];
  readonly most: readonly number[];
}

const EVERYTHING: Hull = { variables: [], least: [], most: [] };

/** The hull of a function (0 or 1) that is 1 somewhere; `known` remembers those of its parts. */
export function hullOf(diagrams: Diagrams, node: Node, known = new Map<Node, Hull>()): Hull {
  if (node < 0) return EVERYTHING;
  const before = known.get(node);
  if (before !== undefined) return before;
  const highs = diagrams.highsOf(node);
  const children = diagrams.childrenOf(node);
  let least = -1;
  let most = 0;
  let below: Hull | undefined;
  let last: Node = FALSE;
  for (let i = 0; i < highs.length; i++) {
    const child = children[i];
    if (child === FALSE) continue;
    if (least < 0) least = i === 0 ? 0 : highs[i - 1] + 1;
    most = highs[i];
    if (child === last) continue;
    const hull = hullOf(diagrams, child, known);
    below = below === undefined ? hull : around(below, hull);
    last = child;
  }
  below ??= EVERYTHING;
  const hull: Hull = {
    variables: [diagrams.variableOf(node), ...below.variables],
    least: [least, ...below.least],
    most: [most, ...below.most],
  };
  known.set(node, hull);
  return hull;
}

/** The least hull around two; a variable that one of them leaves open is open. */
function around(a: Hull, b: Hull): Hull {
  if (a === b || a.variables.length === 0) return a;
  const [variables, least, most]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0, j = 0; i < a.variables.length && j < b.variables.length;) {
    const order = a.variables[i] - b.variables[j];
    if (order === 0) {
      variables.push(a.variables[i]);
      least.push(Math.min(a.least[i], b.least[j]));
      most.push(Math.max(a.most[i], b.most[j]));
    }
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return { variables, least, most };
}

/** Whether both share a value of each variable. */
export function share(a: Hull, b: Hull): boolean {
  for (let i = 0, j = 0; i < a.variables.length && j < b.variables.length;) {
    const order = a.variables[i] - b.variables[j];
    if (order === 0 && (a.most[i] < b.least[j] || b.most[j] < a.least[i])) return false;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return true;
}

/** Hulls of functions that are asked for again and again. */
export class Hulls {
  readonly #known = new Map<Node, Hull>();

  constructor(private readonly diagrams: Diagrams) {}

  /** The hull of a function (0 or 1) that is 1 somewhere. */
  of(node: Node): Hull {
    return hullOf(this.diagrams, node, this.#known);
  }
}

/** Above the number of any function, and of any constant with its sign turned. */
const SHIFT = 2 ** 26;

/** The hull of a region, laid out for questions about many functions. */
export class Inside {
  readonly #least: Float64Array;
  readonly #most: Float64Array;
  /** By node: what it is here, and {@link SHIFT} more, so that 0 is none. */
  readonly #known: Int32Array;
  /** What nodes are that were made later. */
  readonly #newer = new Map<Node, Node>();
  readonly #all: Node;

  constructor(
    private readonly diagrams: Diagrams,
    { variables, least, most }: Hull,
  ) {
    this.#all = variables.reduceRight<Node>(
      (below, variable, i) => diagrams.test(variable, [[least[i], most[i]]], below),
      TRUE,
    );
    this.#known = new Int32Array(diagrams.nodeCount);
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

  /** What another hull leaves of this one: the ranges of those variables of which it has not all values that are here. */
  clipped(hull: Hull): Hull {
    const [variables, least, most]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < hull.variables.length; i++) {
      const variable = hull.variables[i];
      const [lo, hi] = [this.#least[variable], this.#most[variable]];
      if (hull.least[i] <= lo && hull.most[i] >= hi) continue;
      variables.push(variable);
      least.push(Math.max(hull.least[i], lo));
      most.push(Math.min(hull.most[i], hi));
    }
    return { variables, least, most };
  }

  /** A function that is the same inside of the hull, and does not ask what is certain there. */
  simplified(f: Node): Node {
    if (f < 0) return f;
    const isNewer = f >= this.#known.length;
    const known = isNewer ? this.#newer.get(f) : this.#known[f] - SHIFT;
    if (known !== undefined && known !== -SHIFT) return known;
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
    if (isNewer) this.#newer.set(f, result);
    else this.#known[f] = result + SHIFT;
    return result;
  }
}
