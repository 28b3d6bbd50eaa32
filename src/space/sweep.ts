import type { Diagrams, Node } from './diagram.js';
import { NO } from './outcome.js';

/** Goes through the values of a variable, and knows which tests of it may still match there. */
export class Sweep {
  /** Tests by the last value of each of their ranges. */
  readonly ends = new Map<number, number[]>();
  readonly #range: number[] = [];
  readonly #matching = new Map<number, Node>();
  #next: number | undefined;

  constructor(
    private readonly diagrams: Diagrams,
    private readonly tests: readonly Node[],
  ) {
    for (const [i, test] of tests.entries()) {
      this.#range.push(-1);
      this.#enter(i);
      for (const high of diagrams.highsOf(test)) {
        const ending = this.ends.get(high);
        if (ending === undefined) this.ends.set(high, [i]);
        else ending.push(i);
      }
    }
  }

  #enter(i: number): void {
    const child = this.diagrams.childrenOf(this.tests[i])[++this.#range[i]];
    if (child === undefined || child === NO) this.#matching.delete(i);
    else this.#matching.set(i, child);
  }

  /** The tests that may match here, with what they come to. */
  *matching(): Iterable<readonly [test: Node, outcome: Node]> {
    for (const [i, child] of this.#matching) yield [this.tests[i], child];
  }

  /** The same text for values for which all tests come to the same; `high` ends a range, and rises from call to call. */
  keyUpTo(high: number): string {
    if (this.#next !== undefined) for (const i of this.ends.get(this.#next) ?? []) this.#enter(i);
    this.#next = high;
    return [...this.#matching]
      .sort(([a], [b]) => a - b)
      .map(([i, child]) => `${i} ${child}`)
      .join();
  }
}
