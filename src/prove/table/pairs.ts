const FIRST_ROOM = 1 << 10;

/** What is known of pairs of whole numbers from 0 to 2^53 − 1, in arrays of numbers: a map of maps takes more time and room. */
export class Pairs<T> {
  private keys = new Float64Array(FIRST_ROOM * 2);
  private values: (T | undefined)[] = new Array<T | undefined>(FIRST_ROOM);
  private used = 0;

  get(a: number, b: number): T | undefined {
    return this.values[this.place(a, b)];
  }

  set(a: number, b: number, value: T): void {
    if (this.used * 2 >= this.values.length) this.grow();
    const place = this.place(a, b);
    if (this.values[place] === undefined) this.used++;
    this.keys[place * 2] = a;
    this.keys[place * 2 + 1] = b;
    this.values[place] = value;
  }

  /** Where the pair stands, or would stand. */
  private place(a: number, b: number): number {
    const { keys, values } = this;
    const last = values.length - 1;
    let place = hash(a, b) & last;
    while (values[place] !== undefined && (keys[place * 2] !== a || keys[place * 2 + 1] !== b))
      place = (place + 1) & last;
    return place;
  }

  private grow(): void {
    const { keys, values } = this;
    this.keys = new Float64Array(keys.length * 2);
    this.values = new Array<T | undefined>(values.length * 2);
    values.forEach((value, place) => {
      if (value === undefined) return;
      const to = this.place(keys[place * 2], keys[place * 2 + 1]);
      this.keys[to * 2] = keys[place * 2];
      this.keys[to * 2 + 1] = keys[place * 2 + 1];
      this.values[to] = value;
    });
  }
}

const HALF = 2 ** 32;

function hash(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b % HALF, 0x85ebca6b) ^ Math.imul(b / HALF, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
