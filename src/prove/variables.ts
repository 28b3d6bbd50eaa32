import type { Assignment, Bdd } from './bdd.js';
import type { Bits } from './words.js';

/** Number of the first variable behind those that are given out one by one. */
const LAST = 1 << 20;

/**
 * Gives out variables of a diagram by name, in the order in which they are asked for, or (`lastFirst`) the other way round: where
 * one condition after the other is added to what holds, the new one then is a few nodes on top.
 */
export class Variables {
  private next = 0;
  private last = LAST;
  private readonly named = new Map<string, Bits>();

  constructor(
    private readonly bdd: Bdd,
    private readonly lastFirst = false,
  ) {}

  /** A number of `width` bits, most significant bit first in the order of the variables. The same name, the same bits. */
  word(name: string, width: number): Bits {
    const known = this.named.get(name);
    if (known !== undefined) return known;
    const first = this.lastFirst ? LAST - this.next - width : this.next;
    this.next += width;
    const bits = Array.from({ length: width }, (_, bit) => this.bdd.literal(first + width - 1 - bit));
    this.named.set(name, bits);
    return bits;
  }

  /**
   * Numbers that are compared with one another: their bits stand side by side, behind all others. What is known of them
   * is large, and the same below many different things that are known of the others.
   */
  interleaved(names: readonly string[], width: number): void {
    const first = this.last;
    this.last += names.length * width;
    names.forEach((name, index) => {
      const literal = (bit: number): number => this.bdd.literal(first + (width - 1 - bit) * names.length + index);
      this.named.set(
        name,
        Array.from({ length: width }, (_, bit) => literal(bit)),
      );
    });
  }

  /** Numbers that have been asked for. */
  names(): readonly string[] {
    return [...this.named.keys()];
  }

  has(name: string): boolean {
    return this.named.has(name);
  }

  /** The variables of a number. */
  variablesOf(name: string): readonly number[] {
    return (this.named.get(name) ?? []).flatMap((bit) => [...this.bdd.support(bit)]);
  }

  /** What the named number is under an assignment; undefined where it has not been asked for. */
  value(name: string, values: Assignment): bigint | undefined {
    const bits = this.named.get(name);
    if (bits === undefined) return undefined;
    let value = 0n;
    for (let i = bits.length - 1; i >= 0; i--) value = value * 2n + (this.bdd.holds(bits[i], values) ? 1n : 0n);
    return value;
  }
}
