import { Unprovable } from './unprovable.js';

/**
 * A Boolean function of {@link Bdd}: twice the number of its node, plus one if it is the complement. Equal functions are
 * equal numbers.
 */
export type Ref = number;
export const TRUE: Ref = 0;
export const FALSE: Ref = 1;

export const not = (f: Ref): Ref => f ^ 1;

/** Values of the variables on which a function depends; the others do not matter. */
export type Assignment = ReadonlyMap<number, boolean>;

const TERMINAL = 0x7fffffff;
const FIRST_CAPACITY = 1 << 17;
const FIRST_CACHE = 1 << 16;
const LARGEST_CACHE = 1 << 20;
const DEFAULT_MAX_NODES = 20_000_000;

const AND = 1;
const XOR = 2;
/** Known of pairs that hold nowhere together. */
const DISJOINT = 3;

/** Words of a node, side by side as they are read together: its variable, its two edges, the next node of the same hash. */
const NODE = 4;
const HIGH = 1;
const LOW = 2;
const NEXT = 3;

/** Words of a known result: the two operands, the second with the operation, and what comes of them. */
const KNOWN = 4;

/**
 * Reduced ordered binary decision diagrams with complement edges (R. E. Bryant, 1986; K. S. Brace, R. L. Rudell, R. E.
 * Bryant, 1990). Variables are numbered from 0 and ordered by number. A node's edge for 1 is never a complement, so that
 * every function has one form. Throws {@link Unprovable} `too-complex` beyond `maxNodes`.
 */
export class Bdd {
  private nodes = new Int32Array(FIRST_CAPACITY * NODE);
  private used = 1;
  /** First node of each hash; 0 is none, as node 0 is the constant. */
  private table = new Int32Array(FIRST_CAPACITY);
  /** Results that are known; where two want the same place, the later one has it. */
  private cache = new Int32Array(FIRST_CACHE * KNOWN);
  private readonly literals: Ref[] = [];

  constructor(private readonly maxNodes = DEFAULT_MAX_NODES) {
    this.nodes[0] = TERMINAL;
  }

  /** Nodes so far. */
  get size(): number {
    return this.used;
  }

  literal(variable: number): Ref {
    return (this.literals[variable] ??= this.node(variable, TRUE, FALSE));
  }

  and(f: Ref, g: Ref): Ref {
    if (f === g || g === TRUE) return f;
    if (f === TRUE) return g;
    if (f === FALSE || g === FALSE || f === (g ^ 1)) return FALSE;
    if (f > g) {
      const first = g;
      g = f;
      f = first;
    }
    const { cache, nodes } = this;
    const a = (f >> 1) * NODE;
    const b = (g >> 1) * NODE;
    const va = nodes[a];
    const vb = nodes[b];
    // A literal above the other operand: a node on top, for which nothing need be remembered.
    if (va < vb && (nodes[a + HIGH] | nodes[a + LOW]) === 1) return this.under(va, f & 1, g);
    if (vb < va && (nodes[b + HIGH] | nodes[b + LOW]) === 1) return this.under(vb, g & 1, f);
    const key = g * 4 + AND;
    const hashed = hash(f, g, AND);
    const place = (hashed << 2) & (cache.length - 1);
    if (cache[place] === f && cache[place + 1] === key) return cache[place + 2];
    let fh = f;
    let fl = f;
    let gh = g;
    let gl = g;
    if (va <= vb) {
      fh = nodes[a + HIGH] ^ (f & 1);
      fl = nodes[a + LOW] ^ (f & 1);
    }
    if (vb <= va) {
      gh = nodes[b + HIGH] ^ (g & 1);
      gl = nodes[b + LOW] ^ (g & 1);
    }
    const result = this.node(va < vb ? va : vb, this.and(fh, gh), this.and(fl, gl));
    this.remember(hashed, f, key, result);
    return result;
  }

  or(f: Ref, g: Ref): Ref {
    return this.and(f ^ 1, g ^ 1) ^ 1;
  }

  xor(f: Ref, g: Ref): Ref {
    const sign = (f ^ g) & 1;
    const a = f & ~1;
    const b = g & ~1;
    if (a === b) return FALSE ^ sign;
    if (a === TRUE) return b ^ 1 ^ sign;
    if (b === TRUE) return a ^ 1 ^ sign;
    return (a < b ? this.differ(a, b) : this.differ(b, a)) ^ sign;
  }

  /** f without g. */
  without(f: Ref, g: Ref): Ref {
    return this.and(f, g ^ 1);
  }

  /** `g` where `f` holds, else `h`. */
  choose(f: Ref, g: Ref, h: Ref): Ref {
    if (f === TRUE || g === h) return g;
    if (f === FALSE) return h;
    if (g === TRUE && h === FALSE) return f;
    if (g === FALSE && h === TRUE) return f ^ 1;
    return this.or(this.and(f, g), this.and(f ^ 1, h));
  }

  implies(f: Ref, g: Ref): boolean {
    return !this.meets(f, g ^ 1);
  }

  /** Whether both hold somewhere: no diagram is made of where, and the first place that is found is enough. */
  meets(f: Ref, g: Ref): boolean {
    if (f === FALSE || g === FALSE || f === (g ^ 1)) return false;
    if (f === TRUE || g === TRUE || f === g) return true;
    if (f > g) {
      const first = g;
      g = f;
      f = first;
    }
    const { cache, nodes } = this;
    const key = g * 4 + DISJOINT;
    const place = (hash(f, g, DISJOINT) << 2) & (cache.length - 1);
    if (cache[place] === f && cache[place + 1] === key) return false;
    const a = (f >> 1) * NODE;
    const b = (g >> 1) * NODE;
    const va = nodes[a];
    const vb = nodes[b];
    const fh = va <= vb ? nodes[a + HIGH] ^ (f & 1) : f;
    const fl = va <= vb ? nodes[a + LOW] ^ (f & 1) : f;
    const gh = vb <= va ? nodes[b + HIGH] ^ (g & 1) : g;
    const gl = vb <= va ? nodes[b + LOW] ^ (g & 1) : g;
    if (this.meets(fl, gl) || this.meets(fh, gh)) return true;
    cache[place] = f;
    cache[place + 1] = key;
    cache[place + 2] = FALSE;
    return false;
  }

  allOf(parts: readonly Ref[]): Ref {
    // From the last on: with parts in the order of the variables each step adds a node on top.
    let all = TRUE;
    for (let i = parts.length - 1; i >= 0; i--) all = this.and(parts[i], all);
    return all;
  }

  anyOf(parts: readonly Ref[]): Ref {
    let any = FALSE;
    for (let i = parts.length - 1; i >= 0; i--) any = this.or(parts[i], any);
    return any;
  }

  /**
   * An assignment under which the function holds; undefined for FALSE. `prefer` says which value to take of a variable
   * that both allow (0 if left out).
   */
  satisfy(f: Ref, prefer: (variable: number) => boolean = () => false): Assignment | undefined {
    if (f === FALSE) return undefined;
    const values = new Map<number, boolean>();
    let at = f;
    while (at > 1) {
      const node = at >> 1;
      const sign = at & 1;
      const high = this.nodes[node * NODE + HIGH] ^ sign;
      const low = this.nodes[node * NODE + LOW] ^ sign;
      const wanted = prefer(this.nodes[node * NODE]);
      const value = wanted ? high !== FALSE : low === FALSE;
      values.set(this.nodes[node * NODE], value);
      at = value ? high : low;
    }
    return values;
  }

  /** The value of the function where the variables have these values; those left out are 0. */
  holds(f: Ref, values: Assignment): boolean {
    let at = f;
    while (at > 1) {
      const node = at >> 1;
      const next =
        values.get(this.nodes[node * NODE]) === true ? this.nodes[node * NODE + HIGH] : this.nodes[node * NODE + LOW];
      at = next ^ (at & 1);
    }
    return at === TRUE;
  }

  /** The variables on which the function depends. */
  support(f: Ref): ReadonlySet<number> {
    const seen = new Set<number>();
    const variables = new Set<number>();
    const open = [f >> 1];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node === 0 || seen.has(node)) continue;
      seen.add(node);
      variables.add(this.nodes[node * NODE]);
      open.push(this.nodes[node * NODE + HIGH] >> 1, this.nodes[node * NODE + LOW] >> 1);
    }
    return variables;
  }

  /** Whether some values of the variables chosen by `which` make the function true: ∃ over them. */
  exists(f: Ref, which: (variable: number) => boolean, known = new Map<Ref, Ref>()): Ref {
    if (f <= 1) return f;
    const found = known.get(f);
    if (found !== undefined) return found;
    const node = f >> 1;
    const sign = f & 1;
    const high = this.exists(this.nodes[node * NODE + HIGH] ^ sign, which, known);
    const low = this.exists(this.nodes[node * NODE + LOW] ^ sign, which, known);
    const variable = this.nodes[node * NODE];
    const result = which(variable) ? this.or(high, low) : this.node(variable, high, low);
    known.set(f, result);
    return result;
  }

  /**
   * A function that agrees with `f` wherever `care` holds, and mostly a smaller one (O. Coudert, J. C. Madre: restrict).
   * `care` is not FALSE.
   */
  simplify(f: Ref, care: Ref, known = new Map<number, Ref>()): Ref {
    if (f <= 1 || care === TRUE) return f;
    const a = f >> 1;
    const c = care >> 1;
    const va = this.nodes[a * NODE];
    const vc = this.nodes[c * NODE];
    const careHigh = vc <= va ? this.nodes[c * NODE + HIGH] ^ (care & 1) : care;
    const careLow = vc <= va ? this.nodes[c * NODE + LOW] ^ (care & 1) : care;
    const key = f * 0x8000000 + care;
    const found = known.get(key);
    if (found !== undefined) return found;
    let result: Ref;
    if (vc < va) {
      result = this.simplify(f, this.or(careHigh, careLow), known);
    } else {
      const high = this.nodes[a * NODE + HIGH] ^ (f & 1);
      const low = this.nodes[a * NODE + LOW] ^ (f & 1);
      if (careHigh === FALSE) result = this.simplify(low, careLow, known);
      else if (careLow === FALSE) result = this.simplify(high, careHigh, known);
      else result = this.node(va, this.simplify(high, careHigh, known), this.simplify(low, careLow, known));
    }
    known.set(key, result);
    return result;
  }

  /** `f` where the variable, above all of its own, is 1, or 0 for its complement; else FALSE. */
  private under(variable: number, complement: number, f: Ref): Ref {
    return complement === 0 ? this.node(variable, f, FALSE) : this.node(variable, FALSE, f);
  }

  /** f ≠ g, for f < g of which neither is a constant or a complement. */
  private differ(f: Ref, g: Ref): Ref {
    const key = g * 4 + XOR;
    const hashed = hash(f, g, XOR);
    const { cache, nodes } = this;
    const place = (hashed << 2) & (cache.length - 1);
    if (cache[place] === f && cache[place + 1] === key) return cache[place + 2];
    const a = (f >> 1) * NODE;
    const b = (g >> 1) * NODE;
    const va = nodes[a];
    const vb = nodes[b];
    const fh = va <= vb ? nodes[a + HIGH] : f;
    const fl = va <= vb ? nodes[a + LOW] : f;
    const gh = vb <= va ? nodes[b + HIGH] : g;
    const gl = vb <= va ? nodes[b + LOW] : g;
    const result = this.node(va < vb ? va : vb, this.xor(fh, gh), this.xor(fl, gl));
    this.remember(hashed, f, key, result);
    return result;
  }

  /** Other results have been remembered since the place was looked at, perhaps in a larger cache. */
  private remember(hashed: number, f: Ref, key: number, result: Ref): void {
    const { cache } = this;
    const place = (hashed << 2) & (cache.length - 1);
    cache[place] = f;
    cache[place + 1] = key;
    cache[place + 2] = result;
  }

  private node(variable: number, high: Ref, low: Ref): Ref {
    if (high === low) return high;
    return (high & 1) === 0 ? this.unique(variable, high, low) : this.unique(variable, high ^ 1, low ^ 1) ^ 1;
  }

  private unique(variable: number, high: Ref, low: Ref): Ref {
    const { nodes, table } = this;
    const slot = hash(variable, high, low) & (table.length - 1);
    const first = table[slot];
    for (let node = first; node !== 0;) {
      const at = node * NODE;
      if (nodes[at] === variable && nodes[at + HIGH] === high && nodes[at + LOW] === low) return node * 2;
      node = nodes[at + NEXT];
    }
    const node = this.used++;
    const at = node * NODE;
    if (at >= nodes.length) {
      this.grow();
      return this.add(node, variable, high, low);
    }
    nodes[at] = variable;
    nodes[at + HIGH] = high;
    nodes[at + LOW] = low;
    nodes[at + NEXT] = first;
    table[slot] = node;
    return node * 2;
  }

  private add(node: number, variable: number, high: Ref, low: Ref): Ref {
    const { nodes, table } = this;
    const slot = hash(variable, high, low) & (table.length - 1);
    nodes.set([variable, high, low, table[slot]], node * NODE);
    table[slot] = node;
    return node * 2;
  }

  /** Twice the room, and a new table of hashes for all but the node that is about to be added. */
  private grow(): void {
    if (this.used >= this.maxNodes) throw new Unprovable('too-complex', `more than ${this.maxNodes} diagram nodes`);
    const known = this.nodes.length / NODE;
    const nodes = new Int32Array(this.nodes.length * 2);
    nodes.set(this.nodes);
    const table = new Int32Array(known * 2);
    for (let node = 1; node < known; node++) {
      const at = node * NODE;
      const slot = hash(nodes[at], nodes[at + HIGH], nodes[at + LOW]) & (table.length - 1);
      nodes[at + NEXT] = table[slot];
      table[slot] = node;
    }
    this.nodes = nodes;
    this.table = table;
    const results = Math.min(known * 2, LARGEST_CACHE);
    if (results * KNOWN > this.cache.length) this.cache = new Int32Array(results * KNOWN);
  }
}

function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
