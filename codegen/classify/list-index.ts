/** Finds what is known of a list of numbers and one number more: a hash table over lists that it keeps end to end. */
export class ListIndex<T> {
  private slots = new Int32Array(1 << 12);
  private readonly starts: number[] = [];
  private readonly lengths: number[] = [];
  private readonly tags: number[] = [];
  private readonly hashes: number[] = [];
  private readonly values: (T | undefined)[] = [];
  private pool = new Int32Array(1 << 16);
  private used = 0;

  /** The number of a list, which is added if it is not known yet; what is known of it is told by {@link set}. */
  place(from: Int32Array, at: number, length: number, tag: number): number {
    const hash = hashOf(from, at, length, tag);
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      const entry = this.slots[slot] - 1;
      if (this.hashes[entry] === hash && this.isList(entry, from, at, length, tag)) return entry;
    }
    return this.add(from, at, length, tag, hash);
  }

  /** What is known of the list with a number. */
  get(entry: number): T | undefined {
    return this.values[entry];
  }

  private add(from: Int32Array, at: number, length: number, tag: number, hash: number): number {
    const entry = this.starts.length;
    if (this.used + length > this.pool.length) this.grow(this.used + length);
    const { pool, used } = this;
    for (let i = 0; i < length; i++) pool[used + i] = from[at + i];
    this.starts.push(used);
    this.lengths.push(length);
    this.tags.push(tag);
    this.hashes.push(hash);
    this.values.push(undefined);
    this.used += length;
    if (2 * this.starts.length > this.slots.length) this.rehash();
    else this.insert(entry);
    return entry;
  }

  set(entry: number, value: T): void {
    this.values[entry] = value;
  }

  private isList(entry: number, from: Int32Array, at: number, length: number, tag: number): boolean {
    if (this.lengths[entry] !== length || this.tags[entry] !== tag) return false;
    const { pool } = this;
    const start = this.starts[entry];
    for (let i = 0; i < length; i++) if (pool[start + i] !== from[at + i]) return false;
    return true;
  }

  private insert(entry: number): void {
    const mask = this.slots.length - 1;
    let slot = this.hashes[entry] & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = entry + 1;
  }

  private rehash(): void {
    this.slots = new Int32Array(2 * this.slots.length);
    for (let entry = 0; entry < this.starts.length; entry++) this.insert(entry);
  }

  private grow(least: number): void {
    const grown = new Int32Array(Math.max(least, 2 * this.pool.length));
    grown.set(this.pool);
    this.pool = grown;
  }
}

function hashOf(from: Int32Array, at: number, length: number, tag: number): number {
  let hash = Math.imul(tag ^ 0x9e37_79b9, 0x85eb_ca6b);
  for (let i = at; i < at + length; i++) {
    hash = Math.imul(hash ^ from[i], 0xcc9e_2d51);
    hash ^= hash >>> 15;
  }
  return (hash ^ (hash >>> 13)) >>> 0;
}
