import type { Memory } from '../state.js';
import { AskedError, type Local } from './condition.js';
import { fork, type Frame, type Machine } from './machine.js';
import type { Step } from './step.js';

/** What follows a return: by the number that is returned. */
interface Known {
  /** What the machine's memory is there. */
  readonly memory: Memory;
  /** Undefined: that depends on what is known of the packet. */
  readonly steps: Map<number | bigint, Step | undefined>;
}

type Follow = (machine: Machine, local: Local) => Step;

/**
 * What a function's caller does with a number that it is returned. Many ways through a function return the same: nodes of a table
 * lead to the same rule. The frame that is left says all that the caller's registers hold, so where the memory is the same,
 * too, and nothing of the packet is asked, what follows is the same.
 */
export class Returns {
  private readonly known = new Map<Frame, Known[]>();
  private alone = false;

  constructor(private readonly withheld: Local) {}

  /** `frame` has just been left. Undefined where the way itself is to be followed. */
  behind(frame: Frame, machine: Machine, follow: Follow): Step | undefined {
    const [result] = machine.registers;
    if (this.alone || (result?.kind !== 'number' && result?.kind !== 'large')) return undefined;
    const { steps } = this.of(frame, machine.memory);
    const { value } = result;
    if (!steps.has(value)) steps.set(value, this.followed(machine, follow));
    return steps.get(value);
  }

  private followed(machine: Machine, follow: Follow): Step | undefined {
    this.alone = true;
    try {
      return follow(fork(machine), this.withheld);
    } catch (error) {
      if (!(error instanceof AskedError)) throw error;
      return undefined;
    } finally {
      this.alone = false;
    }
  }

  private of(frame: Frame, memory: Memory): Known {
    let all = this.known.get(frame);
    if (all === undefined) this.known.set(frame, (all = []));
    let one = all.find((known) => known.memory.isSame(memory));
    if (one === undefined) all.push((one = { memory: memory.fork(), steps: new Map() }));
    return one;
  }
}
