/**
 * Answers to the questions of one evaluation, in the order in which they are asked; one evaluation after the other gets
 * other ones, until all that can be have been given.
 */
export class Answers {
  private readonly given: { value: boolean; turned: boolean }[] = [];
  /** Questions of this evaluation so far. */
  asked = 0;

  /** The answer to the next question, `first` where it has not been asked before. */
  next(first: boolean): boolean {
    if (this.asked === this.given.length) this.given.push({ value: first, turned: false });
    return this.given[this.asked++].value;
  }

  /** Ends the evaluation. False: there are no other answers. */
  advance(): boolean {
    this.given.length = this.asked;
    this.asked = 0;
    while (this.given.at(-1)?.turned === true) this.given.pop();
    const last = this.given.at(-1);
    if (last === undefined) return false;
    last.value = !last.value;
    last.turned = true;
    return true;
  }
}
