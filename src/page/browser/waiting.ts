/** Milliseconds after which an answer is waited for; what comes sooner needs no word. */
const AT_ONCE = 100;

/** A status line that says what is waited for, where an answer does not come at once. */
export class Waiting {
  #open = 0;

  constructor(private readonly state: HTMLElement) {}

  /** Says `why` until the answer is there, or all answers are that are waited for. */
  async for<T>(answer: Promise<T>, why: string): Promise<T> {
    this.#open++;
    const timer = setTimeout(() => (this.state.textContent = why), AT_ONCE);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      if (--this.#open === 0) this.state.textContent = '';
    }
  }
}
