/**
 * Neighbouring children that have few instances together are one: a list tests whole boxes, so that it may be longer than
 * it must.
 */
export class Bucket {
  /** Lowest value; −1 where the bucket is empty. */
  from = -1;
  length = 0;
  /** The instances are the first of these. */
  readonly own: Int32Array;
  private readonly union: Int32Array;

  constructor(private readonly few: number) {
    this.own = new Int32Array(few);
    this.union = new Int32Array(2 * few);
  }

  clear(): void {
    this.from = -1;
    this.length = 0;
  }

  /** Whether there was room for a child's instances, which are ascending. */
  take(from: number, stack: Int32Array, at: number, length: number): boolean {
    if (this.from < 0) {
      this.from = from;
      for (let i = 0; i < length; i++) this.own[i] = stack[at + i];
      this.length = length;
      return true;
    }
    const { own, union, length: mine } = this;
    const end = at + length;
    let count = 0;
    let i = 0;
    let j = at;
    for (; i < mine && j < end; count++) {
      const left = own[i];
      const right = stack[j];
      union[count] = left < right ? left : right;
      if (left <= right) i++;
      if (right <= left) j++;
    }
    while (i < mine) union[count++] = own[i++];
    while (j < end) union[count++] = stack[j++];
    if (count > this.few) return false;
    for (let k = 0; k < count; k++) own[k] = union[k];
    this.length = count;
    return true;
  }
}
