import { Bucket } from './bucket.js';
import type { Instance } from './instance.js';
import type { InstanceTable } from './instance-table.js';
import { ListIndex } from './list-index.js';

/** Where a packet goes by one of its numbers: to child i if `cuts[i - 1] <= value < cuts[i]`. */
export interface Branch {
  readonly kind: 'branch';
  readonly dimension: number;
  /** Ascending, none of them 0. */
  readonly cuts: readonly number[];
  /** One more than the cuts. */
  readonly children: readonly Node[];
}

/**
 * Instances that a packet of this place may be inside of, in order of rule: it meets those whose boxes it is inside of,
 * up to the first final one. Dimensions that are asked first are decided.
 */
export interface Leaf {
  readonly kind: 'leaf';
  readonly candidates: readonly Instance[];
}

export type Node = Branch | Leaf;

/** A decision diagram, and its size. */
export interface Dag {
  readonly root: Node;
  /** Children of all branches. */
  readonly edges: number;
}

/** What a diagram may cost to build and to keep. */
export interface Budget {
  /** Instances in all lists that are looked at on the way. */
  readonly work: number;
  /** Children of all branches together. */
  readonly edges: number;
}

/**
 * So few instances are asked one after the other, which takes less time and room than to branch on. Where a packet may have
 * several hits, a program goes on in lists, too, and the verifier follows it through each entry once more.
 */
const FEW = 12;
const FEW_WITH_HITS = 8;
/**
 * Children with so few instances that have so many times the room of a child on average stay by themselves: packets from anywhere
 * mostly come there, and are done with few instances or none.
 */
const LEAN = 3;
const GAP_SHARE = 8;
/** What tells a leaf from a branch over the same instances. */
const LEAF_TAG = -1;

class BudgetError extends Error {}

/**
 * From this share of the work on it is looked at how much of the diagram is done: less than {@link LEAST_DONE} of the share that is
 * spent, and it will not come to be. (Of those that came to be, each had done more than an eighth with an eighth of the work, and more than a
 * quarter with a quarter.) The first branches do nothing but look at all instances, so it is not looked before these could have been: each
 * branch asks an instance for each number once, and twice more to divide them.
 */
const FIRST_LOOK = 1 / 8;
const LEAST_DONE = 1 / 2;
const FIRST_BRANCHES = 2;

/**
 * A decision diagram over instances of a table, which are named by their places, ascending: each branch asks for one number, no number
 * is asked twice on a way, and places with the same instances left share what is below; where few are left, none is asked. Undefined
 * where it costs more than the budget, or is seen to.
 */
export function buildDag(table: InstanceTable, members: Int32Array, budget: Budget): Dag | undefined {
  try {
    return new Builder(table, members, budget).build();
  } catch (error) {
    if (error instanceof BudgetError) return undefined;
    throw error;
  }
}

/** The children of a branch as they are found, from the lowest value on. */
class Edges {
  readonly cuts: number[] = [];
  readonly children: Node[] = [];

  /** `from`: the child's lowest value. */
  add(from: number, child: Node): void {
    const { length } = this.children;
    if (length > 0 && this.children[length - 1] === child) return;
    if (length > 0) this.cuts.push(from);
    this.children.push(child);
  }
}

/**
 * Lists of instances lie one behind the other in one stack of numbers: those of the branches on the way from the root
 * to here. Positions on it are called `at`; a list is its position and its length.
 */
class Builder {
  private readonly masks: Int32Array;
  private readonly rules: Int32Array;
  private readonly finals: Uint8Array;
  private readonly firsts: number;
  private readonly nodes = new ListIndex<Node>();
  private stack = new Int32Array(1 << 16);
  private readonly few: number;
  private work: number;
  private edges: number;
  /** Share of the diagram that is done, as if all children of a branch were alike. */
  private done = 0;
  /** What is done is looked at when so much work is left. */
  private lookAt: number;
  /** Bit set of the dimensions that the instances test which {@link prune} has left. */
  private tested = 0;

  constructor(
    private readonly table: InstanceTable,
    private readonly members: Int32Array,
    private readonly budget: Budget,
  ) {
    const { masks, rules, finals, firsts } = table;
    this.masks = masks;
    this.rules = rules;
    this.finals = finals;
    this.firsts = firsts;
    this.few = members.every((member) => finals[member] === 1) ? FEW : FEW_WITH_HITS;
    this.work = budget.work;
    this.edges = budget.edges;
    const branch = members.length * (table.dimensions.length + 2);
    this.lookAt = Math.max(0, budget.work - Math.max(FIRST_LOOK * budget.work, FIRST_BRANCHES * branch));
  }

  build(): Dag {
    const { members } = this;
    const { length } = members;
    this.reserve(3 * length);
    // The list, then where its members stand in it, then what is left of it.
    this.stack.set(members);
    for (let i = 0; i < length; i++) this.stack[length + i] = i;
    const left = this.prune(length, length, 0, 2 * length, 0);
    const root = this.node(2 * length, left, this.tested, 0, 1);
    return { root, edges: this.budget.edges - this.edges };
  }

  private reserve(end: number): void {
    if (end <= this.stack.length) return;
    const grown = new Int32Array(2 * end);
    grown.set(this.stack);
    this.stack = grown;
  }

  /**
   * Writes those instances of a list that still matter where the dimensions in `done` fit all of them; how many. `from`: their
   * places in the list that begins at `base`.
   */
  private prune(from: number, length: number, base: number, to: number, done: number): number {
    const { stack, rules, masks, finals } = this;
    this.spend(length);
    let end = to;
    let covered = -1;
    let tested = 0;
    for (let i = from; i < from + length; i++) {
      const index = stack[base + stack[i]];
      // Another box of a rule that is met anyway.
      if (rules[index] === covered) continue;
      stack[end++] = index;
      const mask = masks[index];
      tested |= mask;
      if ((mask & ~done) !== 0) continue;
      if (finals[index] === 1) break;
      covered = rules[index];
    }
    this.tested = tested;
    return end - to;
  }

  private spend(work: number): void {
    this.work -= work;
    if (this.work < this.lookAt) this.look();
  }

  /** Gives up where the work is spent, or will be before all is done; else says when to look next. */
  private look(): void {
    const { work } = this.budget;
    if (this.work < 0 || this.done < LEAST_DONE * (1 - this.work / work)) throw new BudgetError();
    this.lookAt = Math.max(0, (1 - this.done / LEAST_DONE) * work);
  }

  /** `tested`: bit set of the dimensions that instances of the list test; `share`: what of the diagram is below. */
  private node(at: number, length: number, tested: number, done: number, share: number): Node {
    // What no instance here tests makes no difference.
    const known = done & tested;
    const open = tested & ~done;
    if (open === 0 || this.isFew(length, open)) return this.leaf(this.stack, at, length);
    const slot = this.nodes.place(this.stack, at, length, known);
    const found = this.nodes.get(slot);
    if (found !== undefined) return found;
    const node = this.branch(at, length, known, this.choose(at, length, open), share);
    this.nodes.set(slot, node);
    return node;
  }

  /** Whether instances are few enough to be asked one by one. */
  private isFew(length: number, open: number): boolean {
    return length <= this.few && (open & this.firsts) === 0;
  }

  private leaf(list: Int32Array, at: number, length: number): Node {
    const slot = this.nodes.place(list, at, length, LEAF_TAG);
    const found = this.nodes.get(slot);
    if (found !== undefined) return found;
    const candidates = new Array<Instance>(length);
    for (let i = 0; i < length; i++) candidates[i] = this.table.instances[list[at + i]];
    const node: Leaf = { kind: 'leaf', candidates };
    this.nodes.set(slot, node);
    return node;
  }

  /** The dimension whose branch leaves the fewest instances to a child on average. */
  private choose(at: number, length: number, open: number): number {
    const { dimensions, ranks } = this.table;
    let best = -1;
    let least = Infinity;
    let first = Infinity;
    for (let dimension = 0; dimension < dimensions.length; dimension++) {
      if ((open & (1 << dimension)) === 0) continue;
      const rank = dimensions[dimension].first ?? Infinity;
      if (rank < first) {
        first = rank;
        best = dimension;
      } else if (first === Infinity && open !== 1 << dimension) {
        this.spend(length);
        const mean = ranks[dimension].meanChild(this.stack, at, length);
        if (mean >= least) continue;
        least = mean;
        best = dimension;
      } else if (best < 0) {
        best = dimension;
      }
    }
    return best;
  }

  private branch(at: number, length: number, done: number, dimension: number, share: number): Node {
    const ranks = this.table.ranks[dimension];
    this.spend(length);
    const places = ranks.places(this.stack, at, length).slice();
    const count = places.length + 1;
    // On the stack behind the list: for each instance its first child and the one behind its last; then, in order of
    // first child, their places in the list; then those of the child at hand; then its list.
    const starts = at + length;
    const ends = starts + length;
    const ordered = ends + length;
    const alive = ordered + length;
    const list = alive + length;
    this.reserve(list + length);
    ranks.locate(this.stack, at, length, places, starts, ends);
    this.orderByStart(starts, ordered, length, count);
    const below = done | (1 << dimension);
    const isFirst = (this.firsts & (1 << dimension)) !== 0;
    const edges = new Edges();
    const bucket = new Bucket(this.few);
    const fill = (): void => {
      if (bucket.from >= 0) edges.add(bucket.from, this.leaf(bucket.own, 0, bucket.length));
      bucket.clear();
    };
    const before = this.done;
    const beyond = this.table.dimensions[dimension].max + 1;
    const gap = (GAP_SHARE * beyond) / count;
    let living = 0;
    let next = 0;
    for (let child = 0; child < count; child++) {
      living = this.without(alive, living, ends, child);
      const from = next;
      while (next < length && this.stack[starts + this.stack[ordered + next]] === child) next++;
      this.mergeInto(alive, living, ordered + from, next - from);
      living += next - from;
      const first = child === 0 ? 0 : ranks.valueOf(places[child - 1]);
      const left = this.prune(alive, living, at, list, below);
      const { tested } = this;
      if (this.isFew(left, tested & ~below)) {
        const end = child + 1 < count ? ranks.valueOf(places[child]) : beyond;
        // Lists do not test what is asked first.
        const isAlone = isFirst || (left <= LEAN && end - first >= gap);
        if (isAlone || !bucket.take(first, this.stack, list, left)) {
          fill();
          bucket.take(first, this.stack, list, left);
          if (isAlone) fill();
        }
      } else {
        fill();
        edges.add(first, this.node(list, left, tested, below, share / count));
      }
      this.done = before + (share * (child + 1)) / count;
    }
    fill();
    const { cuts, children } = edges;
    if (children.length === 1) return children[0];
    this.edges -= children.length;
    if (this.edges < 0) throw new BudgetError();
    return { kind: 'branch', dimension, cuts, children };
  }

  /** Counting sort, which keeps the order of those that start together. */
  private orderByStart(starts: number, ordered: number, length: number, count: number): void {
    const { stack } = this;
    const next = new Int32Array(count + 1);
    countStarts(stack, starts, length, next);
    sumUp(next);
    writeByStart(stack, starts, ordered, length, next);
  }

  /** Takes those that end at the child out of the living; how many are left. */
  private without(alive: number, living: number, ends: number, child: number): number {
    const { stack } = this;
    let kept = 0;
    for (let i = 0; i < living; i++) {
      const one = stack[alive + i];
      if (stack[ends + one] > child) stack[alive + kept++] = one;
    }
    return kept;
  }

  /** Merges an ascending list into the living, which are ascending and have room behind them. */
  private mergeInto(alive: number, living: number, from: number, count: number): void {
    const { stack } = this;
    let left = living - 1;
    let right = count - 1;
    for (let to = living + count - 1; right >= 0; to--) {
      const one = stack[from + right];
      if (left >= 0 && stack[alive + left] > one) {
        stack[alive + to] = stack[alive + left--];
      } else {
        stack[alive + to] = one;
        right--;
      }
    }
  }
}

// Long loops are functions of their own: see `cut-ranks.ts`.

/** `counts`: behind each child, how many start there. */
function countStarts(stack: Int32Array, starts: number, length: number, counts: Int32Array): void {
  for (let i = 0; i < length; i++) counts[stack[starts + i] + 1]++;
}

function sumUp(counts: Int32Array): void {
  for (let i = 1; i < counts.length; i++) counts[i] += counts[i - 1];
}

/** `next`: of each child, the place of the next one that starts there. */
function writeByStart(stack: Int32Array, starts: number, ordered: number, length: number, next: Int32Array): void {
  for (let i = 0; i < length; i++) stack[ordered + next[stack[starts + i]]++] = i;
}
