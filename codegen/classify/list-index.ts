/** Numbers that are kept of an entry: where its list begins, its length, the number more, and the hash. */
const ENTRY = 4;
const START = 0;
const LENGTH = 1;
const TAG = 2;
const HASH = 3;

/** Finds what is known of a list of numbers and one number more: a hash table over lists that it keeps end to end. */
export class ListIndex<T> {
  private slots: Int32Array = new Int32Array(1 << 12);
  private entries: Int32Array = new Int32Array(ENTRY << 11);
  private readonly values: (T | undefined)[] = [];
  private pool: Int32Array = new Int32Array(1 << 16);
  private used = 0;

  /** The number of a list, which is added if it is not known yet; what is known of it is told by {@link set}. */
  place(from: Int32Array, at: number, length: number, tag: number): number {
    const mixed = mix(from, at, length, tag);
    const hash = mixed ^ (mixed >>> 13);
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      const entry = this.slots[slot] - 1;
      if (this.entries[ENTRY * entry + HASH] === hash && this.isList(entry, from, at, length, tag)) return entry;
    }
    return this.add(from, at, length, tag, hash);
  }

  /** What is known of the list with a number. */
  get(entry: number): T | undefined {
    return this.values[entry];
  }

  private add(from: Int32Array, at: number, length: number, tag: number, hash: number): number {
    const entry = this.values.length;
    const { used } = this;
    if (used + length > this.pool.length) this.pool = grown(this.pool, used + length);
    copy(from, at, length, this.pool, used);
    const start = ENTRY * entry;
    if (start === this.entries.length) this.entries = grown(this.entries, start + ENTRY);
    const { entries } = this;
    entries[start + START] = used;
    entries[start + LENGTH] = length;
    entries[start + TAG] = tag;
    entries[start + HASH] = hash;
    this.values.push(undefined);
    this.used = used + length;
    if (2 * this.values.length > this.slots.length) this.rehash();
    else this.insert(entry);
    return entry;
  }

  set(entry: number, value: T): void {
    this.values[entry] = value;
  }

  private isList(entry: number, from: Int32Array, at: number, length: number, tag: number): boolean {
    const { entries, pool } = this;
    if (entries[ENTRY * entry + LENGTH] !== length || entries[ENTRY * entry + TAG] !== tag) return false;
    const start = entries[ENTRY * entry + START];
    for (let i = 0; i < length; i++) if (pool[start + i] !== from[at + i]) return false;
    return true;
  }

  private insert(entry: number): void {
    const mask = this.slots.length - 1;
    let slot = this.entries[ENTRY * entry + HASH] & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = entry + 1;
  }

  private rehash(): void {
    this.slots = new Int32Array(2 * this.slots.length);
    for (let entry = 0; entry < this.values.length; entry++) this.insert(entry);
  }
}

// Long loops are functions of their own: see `cut-ranks.ts`.

function copy(from: Int32Array, at: number, length: number, to: Int32Array, place: number): void {
  for (let i = 0; i < length; i++) to[place + i] = from[at + i];
}

function grown(numbers: Int32Array, least: number): Int32Array {
  const more = new Int32Array(Math.max(least, 2 * numbers.length));
  more.set(numbers);
  return more;
}

function mix(from: Int32Array, at: number, length: number, tag: number): number {
  let hash = Math.imul(tag ^ 0x9e37_79b9, 0x85eb_ca6b);
  for (let i = at; i < at + length; i++) {
    hash = Math.imul(hash ^ from[i], 0xcc9e_2d51);
    hash ^= hash >>> 15;
  }
  return hash;
}
