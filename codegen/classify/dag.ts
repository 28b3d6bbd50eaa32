import type { Dimension, Hit, Instance, Range } from './instance.js';

/** Where a packet goes by one of its numbers: to child i if `cuts[i - 1] <= value < cuts[i]`. */
export interface Branch {
  readonly kind: 'branch';
  readonly dimension: number;
  /** Ascending, none of them 0. */
  readonly cuts: readonly number[];
  /** One more than the cuts. */
  readonly children: readonly Node[];
}

/** All rules that a packet of this place meets, in order, up to the first final one. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly hits: readonly Hit[];
}

export type Node = Branch | Leaf;

/** What a diagram may cost to build and to keep. */
export interface Budget {
  /** Instances in all lists that are looked at on the way. */
  readonly work: number;
  /** Children of all branches together. */
  readonly edges: number;
}

class BudgetError extends Error {}

/**
 * A decision diagram over the instances (in order of rule): each branch asks for one number, no number is asked twice
 * on a way, and places with the same instances left share what is below. Undefined where it costs more than the budget.
 */
export function buildDag(
  instances: readonly Instance[],
  dimensions: readonly Dimension[],
  budget: Budget,
): Node | undefined {
  try {
    return new Builder(instances, dimensions, budget).build();
  } catch (error) {
    if (error instanceof BudgetError) return undefined;
    throw error;
  }
}

class Builder {
  /** Bit set of the dimensions that an instance tests. */
  private readonly masks: Int32Array;
  private readonly nodes = new Map<string, Node>();
  private work: number;
  private edges: number;

  constructor(
    private readonly instances: readonly Instance[],
    private readonly dimensions: readonly Dimension[],
    budget: Budget,
  ) {
    this.masks = Int32Array.from(instances, ({ box }) =>
      box.reduce((mask, { dimension }) => mask | (1 << dimension), 0),
    );
    this.work = budget.work;
    this.edges = budget.edges;
  }

  build(): Node {
    return this.node(this.pruned(this.instances.keys(), 0), 0);
  }

  /** The instances that still matter where the dimensions in `done` are known to fit all of them. */
  private pruned(list: Iterable<number>, done: number): readonly number[] {
    const kept: number[] = [];
    let covered = -1;
    for (const index of list) {
      this.work--;
      const { rule, final } = this.instances[index];
      // Another box of a rule that is met anyway.
      if (rule === covered) continue;
      kept.push(index);
      if ((this.masks[index] & ~done) !== 0) continue;
      if (final) break;
      covered = rule;
    }
    if (this.work < 0) throw new BudgetError();
    return kept;
  }

  private node(list: readonly number[], done: number): Node {
    let asked = 0;
    for (const index of list) asked |= this.masks[index];
    // What no instance here tests makes no difference.
    const known = done & asked;
    const open = asked & ~done;
    const key = `${known} ${list.join(' ')}`;
    const found = this.nodes.get(key);
    if (found !== undefined) return found;
    const node = open === 0 ? this.leaf(list) : this.branch(list, known, this.choose(list, open));
    this.nodes.set(key, node);
    return node;
  }

  private leaf(list: readonly number[]): Leaf {
    const hits: Hit[] = [];
    for (const index of list) {
      const { rule, action } = this.instances[index];
      if (hits.length === 0 || hits[hits.length - 1].rule !== rule) hits.push({ rule, action });
    }
    return { kind: 'leaf', hits };
  }

  /** The dimension whose branch leaves the fewest instances to a child on average. */
  private choose(list: readonly number[], open: number): number {
    let best = -1;
    let least = Infinity;
    let first = Infinity;
    for (let dimension = 0; dimension < this.dimensions.length; dimension++) {
      if ((open & (1 << dimension)) === 0) continue;
      const rank = this.dimensions[dimension].first ?? Infinity;
      if (rank < first) {
        first = rank;
        best = dimension;
      } else if (first === Infinity) {
        const mean = this.meanChild(list, dimension);
        if (mean >= least) continue;
        least = mean;
        best = dimension;
      }
    }
    return best;
  }

  private meanChild(list: readonly number[], dimension: number): number {
    const places = this.placesOf(list, dimension);
    let sum = 0;
    for (const index of list) {
      const range = this.rangeOf(index, dimension);
      if (range === undefined) sum += places.size + 1;
      else sum += (places.get(range.hi + 1) ?? places.size + 1) - (places.get(range.lo) ?? 0);
    }
    return sum / (places.size + 1);
  }

  private rangeOf(index: number, dimension: number): Range | undefined {
    if ((this.masks[index] & (1 << dimension)) === 0) return undefined;
    return this.instances[index].box.find((range) => range.dimension === dimension);
  }

  /** The values at which some instance begins or has ended, ascending, each with its number from 1. */
  private placesOf(list: readonly number[], dimension: number): ReadonlyMap<number, number> {
    const { max } = this.dimensions[dimension];
    const ends = new Set<number>();
    for (const index of list) {
      const range = this.rangeOf(index, dimension);
      if (range === undefined) continue;
      if (range.lo > 0) ends.add(range.lo);
      if (range.hi < max) ends.add(range.hi + 1);
    }
    this.work -= list.length;
    if (this.work < 0) throw new BudgetError();
    return new Map([...Float64Array.from(ends).sort()].map((value, place) => [value, place + 1]));
  }

  private branch(list: readonly number[], done: number, dimension: number): Node {
    const places = this.placesOf(list, dimension);
    const count = places.size + 1;
    // For each instance, the children from `starts` to before `ends` are its own.
    const starts = new Int32Array(list.length);
    const ends = new Int32Array(list.length).fill(count);
    const beginning: number[][] = Array.from({ length: count }, () => []);
    list.forEach((index, at) => {
      const range = this.rangeOf(index, dimension);
      if (range !== undefined) {
        starts[at] = places.get(range.lo) ?? 0;
        ends[at] = places.get(range.hi + 1) ?? count;
      }
      beginning[starts[at]].push(at);
    });
    const below = done | (1 << dimension);
    const cuts: number[] = [];
    const children: Node[] = [];
    const values = [0, ...places.keys()];
    let alive: readonly number[] = [];
    for (let child = 0; child < count; child++) {
      const kept = alive.filter((at) => ends[at] > child);
      this.work -= alive.length;
      alive = beginning[child].length === 0 ? kept : merged(kept, beginning[child]);
      const next = this.node(
        this.pruned(
          alive.map((at) => list[at]),
          below,
        ),
        below,
      );
      if (child > 0 && next === children[children.length - 1]) continue;
      if (child > 0) cuts.push(values[child]);
      children.push(next);
    }
    this.edges -= children.length;
    if (this.edges < 0) throw new BudgetError();
    return children.length === 1 ? children[0] : { kind: 'branch', dimension, cuts, children };
  }
}

/** Two ascending lists as one. */
function merged(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  const out: number[] = [];
  let i = 0;
  for (const value of b) {
    while (i < a.length && a[i] < value) out.push(a[i++]);
    out.push(value);
  }
  while (i < a.length) out.push(a[i++]);
  return out;
}
