import { not, TRUE, type Bdd, type Ref } from '../bdd.js';
import { common, holds } from './dimensions.js';
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

/** What a walk knows of packets since the last place: a condition, and ranges of numbers that follow from it. */
export class Local {
  private constructor(
    private readonly bdd: Bdd,
    private readonly condition: Condition,
    private readonly bounds: ReadonlyMap<string, readonly Range[]>,
  ) {}

  static nothing(bdd: Bdd): Local {
    return new Local(bdd, Condition.always, new Map());
  }

  get ref(): Ref {
    return this.condition.ref;
  }

  /** `known` follows from `when`. */
  and(when: Condition, known: readonly Known[]): Local {
    let { bounds } = this;
    for (const { name, ranges } of known) {
      const own = bounds.get(name);
      bounds = new Map(bounds).set(name, own === undefined ? ranges : common(own, ranges));
    }
    return new Local(this.bdd, this.condition.and(when, this.bdd), bounds);
  }

  /** False: here, one of these is wrong for certain. */
  mayHold(known: readonly Known[]): boolean {
    return known.every(({ name, ranges }) => {
      const own = this.bounds.get(name);
      return (own === undefined ? ranges : common(own, ranges)).length > 0;
    });
  }

  /** True: here, all of these hold for certain. */
  holds(known: readonly Known[]): boolean {
    return known.every(({ name, ranges }) => {
      const own = this.bounds.get(name);
      return own !== undefined && holds(ranges, own);
    });
  }
}
