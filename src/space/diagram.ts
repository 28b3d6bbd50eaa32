import { constant, FALSE, MOST_NODES, NodeTable, TRUE, valueOf, type Node } from './node-table.js';
import { PairTable } from './pair-table.js';

export { constant, FALSE, TRUE, valueOf, type Node };

/** Below every variable. */
export const NO_VARIABLE = Number.MAX_SAFE_INTEGER;

/** A closed range of values of a variable. */
export type Range = readonly [lo: number, hi: number];

/** An operation on two functions, value by value, with what it has computed already. */
export class Operation {
  readonly known = new PairTable();

  /** `settle` gives the result where it is clear without looking further; it must, for two constants. */
  constructor(readonly settle: (a: Node, b: Node) => Node | undefined) {}
}

/** Room for pairs of nodes in one number. */
const PAIR = 2 * MOST_NODES;

/**
 * Ordered, reduced, hash-consed interval decision diagrams with any number of different constants (multi-terminal; for
 * two constants: Lee 1959, Bryant 1986; intervals at nodes: Strehl and Thiele 1998). Variables have values from 0 to
 * size − 1, at most 2^53; a node tests one variable and has a child for each of some ranges that cover its values.
 * Variables are tested in the order of their numbers.
 */
export class Diagrams {
  readonly #table = new NodeTable();
  readonly #variables = this.#table.variables;
  readonly #highs = this.#table.highs;
  readonly #children = this.#table.children;
  readonly #sizes: number[] = [];
  readonly #negations = new Map<Node, Node>();
  readonly #meetings = new Map<number, boolean>();

  readonly #and = new Operation((a, b) => {
    if (a === FALSE || b === FALSE) return FALSE;
    if (a === TRUE || a === b) return b;
    return b === TRUE ? a : undefined;
  });
  readonly #or = new Operation((a, b) => {
    if (a === TRUE || b === TRUE) return TRUE;
    if (a === FALSE || a === b) return b;
    return b === FALSE ? a : undefined;
  });

  /** A new variable behind all others, with values from 0 to `size` − 1. */
  addVariable(size: number): number {
    return this.#sizes.push(size) - 1;
  }

  sizeOf(variable: number): number {
    return this.#sizes[variable];
  }

  get variableCount(): number {
    return this.#sizes.length;
  }

  /** Nodes that were made so far. */
  get nodeCount(): number {
    return this.#variables.length;
  }

  /** The variable that a node tests first; {@link NO_VARIABLE} for a constant. */
  variableOf(node: Node): number {
    return node < 0 ? NO_VARIABLE : this.#variables[node];
  }

  /** Last value of each range of a node that is no constant. */
  highsOf(node: Node): readonly number[] {
    return this.#highs[node];
  }

  childrenOf(node: Node): readonly Node[] {
    return this.#children[node];
  }

  /** The function that is `children[i]` where the variable is at most `highs[i]` and above the one before. */
  node(variable: number, highs: readonly number[], children: readonly Node[]): Node {
    return this.#table.put(variable, highs, children, false);
  }

  /** A function that tests what another one does, with other children. */
  #like(node: Node, children: readonly Node[]): Node {
    return this.#table.put(this.#variables[node], this.#highs[node], children, true);
  }

  /** `inside` where the variable is in one of the ranges (sorted, disjoint), else `outside`. */
  test(variable: number, ranges: readonly Range[], inside: Node = TRUE, outside: Node = FALSE): Node {
    const highs: number[] = [];
    const children: Node[] = [];
    const last = this.#sizes[variable] - 1;
    let next = 0;
    for (const [lo, hi] of ranges) {
      if (lo > last) break;
      if (lo > next) {
        highs.push(lo - 1);
        children.push(outside);
      }
      highs.push(Math.min(hi, last));
      children.push(inside);
      next = hi + 1;
    }
    if (next <= last) {
      highs.push(last);
      children.push(outside);
    }
    return this.node(variable, highs, children);
  }

  and(a: Node, b: Node): Node {
    return this.apply(this.#and, a < b ? a : b, a < b ? b : a);
  }

  or(a: Node, b: Node): Node {
    return this.apply(this.#or, a < b ? a : b, a < b ? b : a);
  }

  not(a: Node): Node {
    if (a < 0) return a === FALSE ? TRUE : FALSE;
    const known = this.#negations.get(a);
    if (known !== undefined) return known;
    const result = this.#like(
      a,
      this.#children[a].map((child) => this.not(child)),
    );
    this.#negations.set(a, result);
    return result;
  }

  /** `yes` where `a` (0 or 1) holds, else `no`. */
  choose(a: Node, yes: Node, no: Node): Node {
    if (yes === no) return yes;
    const known = new Map<string, Node>();
    const walk = (f: Node, g: Node, h: Node): Node => {
      if (f < 0) return f === FALSE ? h : g;
      if (g === h) return g;
      const key = `${f} ${g} ${h}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const variable = Math.min(this.#variables[f], this.variableOf(g), this.variableOf(h));
      const result = this.#split(variable, [f, g, h], ([x, y, z]) => walk(x, y, z));
      known.set(key, result);
      return result;
    };
    return walk(a, yes, no);
  }

  apply(operation: Operation, a: Node, b: Node): Node {
    const settled = operation.settle(a, b);
    if (settled !== undefined) return settled;
    const known = operation.known.get(a, b);
    if (known !== undefined) return known;
    const left = this.variableOf(a);
    const right = this.variableOf(b);
    const result =
      left < right
        ? this.#like(
            a,
            this.#children[a].map((child) => this.apply(operation, child, b)),
          )
        : right < left
          ? this.#like(
              b,
              this.#children[b].map((child) => this.apply(operation, a, child)),
            )
          : this.#merge(operation, left, a, b);
    operation.known.set(a, b, result);
    return result;
  }

  /** Lets go of what and, or, not and meet remember; the functions stay. */
  forget(): void {
    for (const { known } of [this.#and, this.#or]) known.clear();
    this.#negations.clear();
    this.#meetings.clear();
  }

  #merge(operation: Operation, variable: number, a: Node, b: Node): Node {
    const [aHighs, aKids, bHighs, bKids] = [this.#highs[a], this.#children[a], this.#highs[b], this.#children[b]];
    const highs: number[] = [];
    const children: Node[] = [];
    for (let i = 0, j = 0; i < aHighs.length && j < bHighs.length;) {
      children.push(this.apply(operation, aKids[i], bKids[j]));
      const high = Math.min(aHighs[i], bHighs[j]);
      highs.push(high);
      if (aHighs[i] === high) i++;
      if (bHighs[j] === high) j++;
    }
    return this.node(variable, highs, children);
  }

  /** A node over `variable` whose children are made of the children of several functions. */
  #split(variable: number, functions: readonly Node[], combine: (children: readonly Node[]) => Node): Node {
    const highs: number[] = [];
    const children: Node[] = [];
    const at = functions.map(() => 0);
    for (;;) {
      let high = this.#sizes[variable] - 1;
      const kids = functions.map((f, i) => {
        if (this.variableOf(f) !== variable) return f;
        high = Math.min(high, this.#highs[f][at[i]]);
        return this.#children[f][at[i]];
      });
      highs.push(high);
      children.push(combine(kids));
      if (high === this.#sizes[variable] - 1) return this.node(variable, highs, children);
      functions.forEach((f, i) => {
        if (this.variableOf(f) === variable && this.#highs[f][at[i]] === high) at[i]++;
      });
    }
  }

  /** The function with each value put through `change`; `known` remembers what was done before with the same change. */
  map(a: Node, change: (value: number) => number, known = new Map<Node, Node>()): Node {
    const walk = (f: Node): Node => {
      if (f < 0) return constant(change(valueOf(f)));
      const before = known.get(f);
      if (before !== undefined) return before;
      const result = this.#like(f, this.#children[f].map(walk));
      known.set(f, result);
      return result;
    };
    return walk(a);
  }

  /** Whether both functions (0 or 1) hold for some values. */
  meet(a: Node, b: Node): boolean {
    if (a === FALSE || b === FALSE) return false;
    if (a === TRUE || b === TRUE || a === b) return true;
    const key = (a < b ? a : b) * PAIR + (a < b ? b : a);
    const known = this.#meetings.get(key);
    if (known !== undefined) return known;
    const result = this.#meetBelow(a, b);
    this.#meetings.set(key, result);
    return result;
  }

  #meetBelow(a: Node, b: Node): boolean {
    const [left, right] = [this.#variables[a], this.#variables[b]];
    if (left < right) return this.#children[a].some((child) => this.meet(child, b));
    if (right < left) return this.#children[b].some((child) => this.meet(a, child));
    const [aHighs, aKids, bHighs, bKids] = [this.#highs[a], this.#children[a], this.#highs[b], this.#children[b]];
    for (let i = 0, j = 0; i < aHighs.length && j < bHighs.length;) {
      if (aKids[i] !== FALSE && bKids[j] !== FALSE && this.meet(aKids[i], bKids[j])) return true;
      const order = aHighs[i] - bHighs[j];
      if (order <= 0) i++;
      if (order >= 0) j++;
    }
    return false;
  }

  /** The child that a node has for a value of its variable. */
  childAt(node: Node, value: number): Node {
    const highs = this.#highs[node];
    let [low, high] = [0, highs.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (highs[middle] < value) low = middle + 1;
      else high = middle;
    }
    return this.#children[node][low];
  }

  /** The value of the function where each variable has the value that `at` says. */
  evaluate(node: Node, at: (variable: number) => number): number {
    let here = node;
    while (here >= 0) here = this.childAt(here, at(this.#variables[here]));
    return valueOf(here);
  }

  /** Whether the function comes to 0 and 1 alone. */
  isBoolean(a: Node): boolean {
    return this.#table.isBoolean(a);
  }

  /** Where the function (0 or 1) holds for some values of the variables that are not kept. */
  project(node: Node, keep: (variable: number) => boolean): Node {
    const known = new Map<Node, Node>();
    const walk = (f: Node): Node => {
      if (f < 0) return f;
      const before = known.get(f);
      if (before !== undefined) return before;
      const children = this.#children[f].map(walk);
      const result = keep(this.#variables[f])
        ? this.#like(f, children)
        : children.reduce((sum, child) => this.or(sum, child), FALSE);
      known.set(f, result);
      return result;
    };
    return walk(node);
  }

  /** All constants that the function comes to. */
  valuesOf(node: Node): ReadonlySet<number> {
    const seen = new Set<Node>([node]);
    const values = new Set<number>();
    for (const f of seen) {
      if (f < 0) values.add(valueOf(f));
      else for (const child of this.#children[f]) seen.add(child);
    }
    return values;
  }

  /** Where any of the functions (0 or 1) holds: pairs first, so that no long sum is walked again and again. */
  anyOf(nodes: readonly Node[]): Node {
    if (nodes.length < 2) return nodes.length === 0 ? FALSE : nodes[0];
    const middle = nodes.length >> 1;
    return this.or(this.anyOf(nodes.slice(0, middle)), this.anyOf(nodes.slice(middle)));
  }

  /** How many ranges its nodes have together. */
  rangesOf(node: Node): number {
    const seen = new Set<Node>([node]);
    let ranges = 0;
    for (const f of seen) {
      if (f < 0) continue;
      ranges += this.#children[f].length;
      for (const child of this.#children[f]) seen.add(child);
    }
    return ranges;
  }

  /** Variables that the function depends on, in order. */
  supportOf(...nodes: readonly Node[]): readonly number[] {
    const seen = new Set<Node>(nodes);
    const variables = new Set<number>();
    for (const f of seen) {
      if (f < 0) continue;
      variables.add(this.#variables[f]);
      for (const child of this.#children[f]) seen.add(child);
    }
    return [...variables].sort((a, b) => a - b);
  }
}
