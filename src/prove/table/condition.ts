import { not, TRUE, type Bdd, type Ref } from '../bdd.js';
import { common, holds, meets } from './dimensions.js';
import type { Known, Range } from './pieces.js';

/** A condition that is worked out when it is first asked for: most never are. */
export class Condition {
  static readonly always = new Condition(() => TRUE);
  private found: Ref | undefined;

  constructor(private readonly find: () => Ref) {}

  get ref(): Ref {
    return (this.found ??= this.find());
  }

  not(): Condition {
    return new Condition(() => not(this.ref));
  }

  and(other: Condition, bdd: Bdd): Condition {
    return this === Condition.always ? other : new Condition(() => bdd.and(this.ref, other.ref));
  }

  or(other: Condition, bdd: Bdd): Condition {
    return new Condition(() => bdd.or(this.ref, other.ref));
  }
}

/** Ranges that a number lies in, and what is known of others; of one number, the first in the list says all. */
interface Bounds {
  readonly name: string;
  readonly ranges: readonly Range[];
  readonly next: Bounds | undefined;
}

/** Something was asked of packets of which nothing is told. */
export class AskedError extends Error {}

/** What a walk knows of packets since the last place: a condition, and ranges of numbers that follow from it. */
export class Local {
  private constructor(
    private readonly bdd: Bdd,
    private readonly condition: Condition,
    private readonly bounds: Bounds | undefined,
    private readonly isWithheld = false,
  ) {}

  static nothing(bdd: Bdd): Local {
    return new Local(bdd, Condition.always, undefined);
  }

  /** Whatever is asked of it, throws {@link AskedError}: what is found without asking is so for all packets. */
  static withheld(bdd: Bdd): Local {
    return new Local(bdd, Condition.always, undefined, true);
  }

  get ref(): Ref {
    this.refuse();
    return this.condition.ref;
  }

  private refuse(): void {
    if (this.isWithheld) throw new AskedError();
  }

  /** `known` follows from `when`. */
  and(when: Condition, known: readonly Known[]): Local {
    this.refuse();
    let { bounds } = this;
    for (const { name, ranges } of known) {
      const own = rangesOf(name, bounds);
      bounds = { name, ranges: own === undefined ? ranges : common(own, ranges), next: bounds };
    }
    return new Local(this.bdd, this.condition.and(when, this.bdd), bounds);
  }

  /** False: here, one of these is wrong for certain. */
  mayHold(known: readonly Known[]): boolean {
    this.refuse();
    return known.every(({ name, ranges }) => {
      const own = rangesOf(name, this.bounds);
      return own === undefined ? ranges.length > 0 : meets(own, ranges);
    });
  }

  /** True: here, all of these hold for certain. */
  holds(known: readonly Known[]): boolean {
    this.refuse();
    return known.every(({ name, ranges }) => {
      const own = rangesOf(name, this.bounds);
      return own !== undefined && holds(ranges, own);
    });
  }
}

function rangesOf(name: string, bounds: Bounds | undefined): readonly Range[] | undefined {
  for (let at = bounds; at !== undefined; at = at.next) if (at.name === name) return at.ranges;
  return undefined;
}
