import type { Access } from './access.js';

/**
 * The numbers that branches and lists ask for, in the order in which they were first used: a program lays them out one
 * behind the other, and the table says which one it wants.
 */
export class Slots {
  readonly accesses: Access[] = [];

  /** Whether all of these have a slot or can get one, if there may be so many. */
  hasRoomFor(accesses: readonly Access[], most: number): boolean {
    const others = accesses.filter((access) => this.find(access) < 0);
    return this.accesses.length + others.length <= most;
  }

  /** Slot of a number; takes a new one where it has none. */
  of(access: Access): number {
    const found = this.find(access);
    if (found >= 0) return found;
    return this.accesses.push(access) - 1;
  }

  private find({ offset, shift, mask }: Access): number {
    return this.accesses.findIndex((own) => own.offset === offset && own.shift === shift && own.mask === mask);
  }
}
