/** Collects a few values and gives them in an array without spare room, as one that grew would have; its own room is kept. */
export class Scratch<T> {
  private readonly items: T[] = [];
  private count = 0;

  put(item: T): void {
    this.items[this.count++] = item;
  }

  take(): readonly T[] {
    const taken = this.count === 0 ? [] : this.items.slice(0, this.count);
    this.count = 0;
    return taken;
  }
}
