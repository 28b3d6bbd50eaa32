import { fork, type Machine } from './machine.js';
import type { Step } from './step.js';

/** What waits for numbers that are known later. */
interface Telling {
  readonly machine: Machine;
  /** Makes a copy of the machine one for which the number is known. */
  readonly find: (one: Machine, number: bigint) => void;
  /** All of them, so far. */
  readonly numbers: () => readonly bigint[];
  readonly cases: Map<bigint, Step>;
}

/** Places at which it is told what was found, or returned: which numbers that may be is known when all else is done. */
export class Tellings {
  private readonly waiting: Telling[] = [];

  add(telling: Telling): void {
    this.waiting.push(telling);
  }

  /** Tells the numbers that were not known so far; false where there are no others. */
  more(follow: (machine: Machine) => Step): boolean {
    let more = false;
    // What follows from one number may wait for others.
    for (const { machine, find, numbers, cases } of this.waiting) {
      for (const number of numbers()) {
        if (cases.has(number)) continue;
        const one = fork(machine);
        find(one, number);
        cases.set(number, follow(one));
        more = true;
      }
    }
    return more;
  }
}
