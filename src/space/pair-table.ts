/** One more number in a hash value. */
export function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ (value + 0x9e3779b9 + (hash << 6)), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

const FIRST_SLOTS = 1 << 6;

/** Functions are numbers from −2^25 up; with it they are above 0. */
const SHIFT = 2 ** 25 + 1;
const UNUSED = 0;

/** What an operation has computed: for two functions a third one, without an object for each (open addressing). */
export class PairTable {
  #slots = new Int32Array(3 * FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  #used = 0;

  /** Undefined where nothing was set. */
  get(a: number, b: number): number | undefined {
    const at = this.#slotOf(a, b);
    return this.#slots[at] === UNUSED ? undefined : this.#slots[at + 2];
  }

  set(a: number, b: number, result: number): void {
    if (this.#used * 2 > this.#mask) this.#grow();
    const at = this.#slotOf(a, b);
    if (this.#slots[at] === UNUSED) this.#used++;
    this.#slots[at] = a + SHIFT;
    this.#slots[at + 1] = b;
    this.#slots[at + 2] = result;
  }

  clear(): void {
    this.#slots = new Int32Array(3 * FIRST_SLOTS);
    this.#mask = FIRST_SLOTS - 1;
    this.#used = 0;
  }

  #slotOf(a: number, b: number): number {
    for (let i = mix(a, b) & this.#mask; ; i = (i + 1) & this.#mask) {
      const at = 3 * i;
      const own = this.#slots[at];
      if (own === UNUSED || (own === a + SHIFT && this.#slots[at + 1] === b)) return at;
    }
  }

  #grow(): void {
    const slots = this.#slots;
    this.#slots = new Int32Array(2 * slots.length);
    this.#mask = 2 * this.#mask + 1;
    this.#used = 0;
    for (let at = 0; at < slots.length; at += 3) {
      if (slots[at] !== UNUSED) this.set(slots[at] - SHIFT, slots[at + 1], slots[at + 2]);
    }
  }
}
