/** Entries kept; past this many the rest of a dump hardly repeats itself. */
const KEPT = 10_000;
/** Questions after which it is judged, and the share of them that must have had an answer. */
const JUDGED = 2_000;
const WORTHWHILE = 1 / 8;

/** Results by text, asked for as long as enough of them come up again: hashing a long text costs as much as a result. */
export class Recall<T> {
  private readonly results = new Map<string, T>();
  private asked = 0;
  private answered = 0;
  private givenUp = false;

  /** Whether it is still worth asking. */
  get isOpen(): boolean {
    return !this.givenUp;
  }

  get(text: string): T | undefined {
    if (this.givenUp) return undefined;
    const result = this.results.get(text);
    this.asked++;
    if (result !== undefined) this.answered++;
    if (this.asked % JUDGED === 0) this.judge();
    return result;
  }

  /** Keeps the result, and gives it back. */
  set(text: string, result: T): T {
    if (!this.givenUp && this.results.size < KEPT) this.results.set(text, result);
    return result;
  }

  private judge(): void {
    this.givenUp = this.answered < this.asked * WORTHWHILE;
    if (this.givenUp) this.results.clear();
  }
}
