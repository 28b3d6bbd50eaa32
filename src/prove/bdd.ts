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
const FIRST_CAPACITY = 1 << 14;
const CACHE_SLOTS = 1 << 16;
const DEFAULT_MAX_NODES = 20_000_000;

const AND = 1;
const XOR = 2;

/**
 * Reduced ordered binary decision diagrams with complement edges (R. E. Bryant, 1986; K. S. Brace, R. L. Rudell, R. E.
 * Bryant, 1990). Variables are numbered from 0 and ordered by number. A node's edge for 1 is never a complement, so that
 * every function has one form. Throws {@link Unprovable} `too-complex` beyond `maxNodes`.
 */
export class Bdd {
  private variable = new Int32Array(FIRST_CAPACITY);
  private high = new Int32Array(FIRST_CAPACITY);
  private low = new Int32Array(FIRST_CAPACITY);
  private used = 1;
  /** Open addressing; 0 is empty, as node 0 is the constant. */
  private table = new Int32Array(FIRST_CAPACITY * 2);
  private cacheA = new Int32Array(CACHE_SLOTS);
  private cacheB = new Int32Array(CACHE_SLOTS);
  private cacheResult = new Int32Array(CACHE_SLOTS);
  private readonly literals: Ref[] = [];

  constructor(private readonly maxNodes = DEFAULT_MAX_NODES) {
    this.variable[0] = TERMINAL;
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
    return f < g ? this.conjoin(f, g) : this.conjoin(g, f);
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
    return this.and(f, g ^ 1) === FALSE;
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
      const high = this.high[node] ^ sign;
      const low = this.low[node] ^ sign;
      const wanted = prefer(this.variable[node]);
      const value = wanted ? high !== FALSE : low === FALSE;
      values.set(this.variable[node], value);
      at = value ? high : low;
    }
    return values;
  }

  /** The value of the function where the variables have these values; those left out are 0. */
  holds(f: Ref, values: Assignment): boolean {
    let at = f;
    while (at > 1) {
      const node = at >> 1;
      const next = values.get(this.variable[node]) === true ? this.high[node] : this.low[node];
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
      variables.add(this.variable[node]);
      open.push(this.high[node] >> 1, this.low[node] >> 1);
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
    const high = this.exists(this.high[node] ^ sign, which, known);
    const low = this.exists(this.low[node] ^ sign, which, known);
    const variable = this.variable[node];
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
    const va = this.variable[a];
    const vc = this.variable[c];
    const careHigh = vc <= va ? this.high[c] ^ (care & 1) : care;
    const careLow = vc <= va ? this.low[c] ^ (care & 1) : care;
    const key = f * 0x8000000 + care;
    const found = known.get(key);
    if (found !== undefined) return found;
    let result: Ref;
    if (vc < va) {
      result = this.simplify(f, this.or(careHigh, careLow), known);
    } else {
      const high = this.high[a] ^ (f & 1);
      const low = this.low[a] ^ (f & 1);
      if (careHigh === FALSE) result = this.simplify(low, careLow, known);
      else if (careLow === FALSE) result = this.simplify(high, careHigh, known);
      else result = this.node(va, this.simplify(high, careHigh, known), this.simplify(low, careLow, known));
    }
    known.set(key, result);
    return result;
  }

  private conjoin(f: Ref, g: Ref): Ref {
    const slot = slotOf(f, g, AND);
    const key = g * 4 + AND;
    if (this.cacheA[slot] === f && this.cacheB[slot] === (key | 0)) return this.cacheResult[slot];
    const a = f >> 1;
    const b = g >> 1;
    const va = this.variable[a];
    const vb = this.variable[b];
    const top = va < vb ? va : vb;
    const fs = f & 1;
    const gs = g & 1;
    const fh = va === top ? this.high[a] ^ fs : f;
    const fl = va === top ? this.low[a] ^ fs : f;
    const gh = vb === top ? this.high[b] ^ gs : g;
    const gl = vb === top ? this.low[b] ^ gs : g;
    const result = this.node(top, this.and(fh, gh), this.and(fl, gl));
    this.cacheA[slot] = f;
    this.cacheB[slot] = key;
    this.cacheResult[slot] = result;
    return result;
  }

  private differ(f: Ref, g: Ref): Ref {
    const slot = slotOf(f, g, XOR);
    const key = g * 4 + XOR;
    if (this.cacheA[slot] === f && this.cacheB[slot] === (key | 0)) return this.cacheResult[slot];
    const a = f >> 1;
    const b = g >> 1;
    const va = this.variable[a];
    const vb = this.variable[b];
    const top = va < vb ? va : vb;
    const fh = va === top ? this.high[a] : f;
    const fl = va === top ? this.low[a] : f;
    const gh = vb === top ? this.high[b] : g;
    const gl = vb === top ? this.low[b] : g;
    const result = this.node(top, this.xor(fh, gh), this.xor(fl, gl));
    this.cacheA[slot] = f;
    this.cacheB[slot] = key;
    this.cacheResult[slot] = result;
    return result;
  }

  private node(variable: number, high: Ref, low: Ref): Ref {
    if (high === low) return high;
    return (high & 1) === 0 ? this.unique(variable, high, low) : this.unique(variable, high ^ 1, low ^ 1) ^ 1;
  }

  private unique(variable: number, high: Ref, low: Ref): Ref {
    const mask = this.table.length - 1;
    let slot = hash(variable, high, low) & mask;
    for (;;) {
      const node = this.table[slot];
      if (node === 0) break;
      if (this.variable[node] === variable && this.high[node] === high && this.low[node] === low) return node * 2;
      slot = (slot + 1) & mask;
    }
    const node = this.used++;
    if (node >= this.variable.length) this.grow();
    this.variable[node] = variable;
    this.high[node] = high;
    this.low[node] = low;
    if (this.used * 2 > this.table.length) this.rehash();
    else this.table[slot] = node;
    return node * 2;
  }

  private grow(): void {
    const capacity = this.variable.length * 2;
    if (this.used >= this.maxNodes) throw new Unprovable('too-complex', `more than ${this.maxNodes} diagram nodes`);
    const larger = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(capacity);
      to.set(from);
      return to;
    };
    this.variable = larger(this.variable);
    this.high = larger(this.high);
    this.low = larger(this.low);
  }

  private rehash(): void {
    const table = new Int32Array(this.table.length * 2);
    const mask = table.length - 1;
    for (let node = 1; node < this.used; node++) {
      let slot = hash(this.variable[node], this.high[node], this.low[node]) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = node;
    }
    this.table = table;
  }
}

function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

function slotOf(f: Ref, g: Ref, operation: number): number {
  return hash(f, g, operation) & (CACHE_SLOTS - 1);
}
