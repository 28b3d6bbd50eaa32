import { mix } from './pair-table.js';

/**
 * A function from the values of all variables to a small number: a node of an ordered, reduced interval decision
 * diagram. The same function is the same number, so that `===` compares functions. Negative numbers are constants.
 */
export type Node = number;

/** The constant function of a value (0, 1, 2, …). */
export function constant(value: number): Node {
  return ~value;
}

/** The value of a constant function. */
export function valueOf(node: Node): number {
  return ~node;
}

export const FALSE: Node = constant(0);
export const TRUE: Node = constant(1);

/** Nodes that there may be: two of them fit into one number. */
export const MOST_NODES = 2 ** 25;

/** All nodes of some diagrams, each function once (hash-consed, open addressing). */
export class NodeTable {
  /** By node: the variable that it tests first. */
  readonly variables: number[] = [];
  /** By node: the last value of each range. */
  readonly highs: (readonly number[])[] = [];
  readonly children: (readonly Node[])[] = [];
  /** By its hash value each node, and 1 more, so that 0 is none. */
  #slots = new Int32Array(1 << 12);
  readonly #hashes: number[] = [];
  /** Whether all constants below are 0 and 1. */
  readonly #boolean: boolean[] = [];

  /** The node of some ranges; a child where all are the same. `isLike`: the ranges are those of another node, which may be shared. */
  put(variable: number, highs: readonly number[], children: readonly Node[], isLike: boolean): Node {
    const count = partsOf(children);
    if (count === 1) return children[0];
    const [ends, kids] = count === children.length ? [highs, children] : joined(highs, children);
    let hash = variable;
    for (let i = 0; i < kids.length; i++) {
      const end = ends[i];
      hash = mix(mix(hash, kids[i]), end < 0x100000000 ? end : end + Math.floor(end / 0x100000000));
    }
    let slot = hash & (this.#slots.length - 1);
    for (let at = this.#slots[slot] - 1; at >= 0; at = this.#slots[slot] - 1) {
      if (
        this.#hashes[at] === hash &&
        this.variables[at] === variable &&
        same(this.children[at], kids) &&
        same(this.highs[at], ends)
      ) {
        return at;
      }
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    const made = this.variables.length;
    if (made >= MOST_NODES) throw new RangeError('the packet space has too many parts');
    this.variables.push(variable);
    // A list that has grown has spare room: most are short, and all of them stay.
    this.highs.push(isLike && ends === highs ? highs : ends.slice());
    this.children.push(kids.slice());
    this.#boolean.push(kids.every((kid) => this.isBoolean(kid)));
    this.#hashes.push(hash);
    this.#slots[slot] = made + 1;
    if (2 * made > this.#slots.length) this.#grow();
    return made;
  }

  /** Whether the function comes to 0 and 1 alone. */
  isBoolean(node: Node): boolean {
    return node < 0 ? node === FALSE || node === TRUE : this.#boolean[node];
  }

  #grow(): void {
    const slots = new Int32Array(4 * this.#slots.length);
    const mask = slots.length - 1;
    this.#hashes.forEach((hash, node) => {
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = node + 1;
    });
    this.#slots = slots;
  }
}

/** How many runs of equal children there are. */
function partsOf(children: readonly Node[]): number {
  let count = 1;
  for (let i = 1; i < children.length; i++) if (children[i] !== children[i - 1]) count++;
  return count;
}

/** Neighbouring ranges with the same child are one. */
function joined(highs: readonly number[], children: readonly Node[]): readonly [readonly number[], readonly Node[]] {
  const ends: number[] = [];
  const kids: Node[] = [];
  for (let i = 0; i < highs.length; i++) {
    if (i + 1 < highs.length && children[i] === children[i + 1]) continue;
    ends.push(highs[i]);
    kids.push(children[i]);
  }
  return [ends, kids];
}

function same(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
