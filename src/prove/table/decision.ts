import { Condition } from './condition.js';
import type { Known } from './pieces.js';

/** On these sides, what is known is all that a decision says. */
interface Sides {
  readonly yes: boolean;
  readonly no: boolean;
}

/** When a jump is taken, and what is known on either side, as far as it is ranges of numbers. */
export class Decision {
  /** The other way round. */
  private other: Decision | undefined;

  constructor(
    readonly taken: Condition,
    readonly yes: readonly Known[],
    readonly no: readonly Known[],
    readonly whole: Sides,
    /** When it is not taken. */
    readonly failed = taken.not(),
  ) {}

  get turned(): Decision {
    if (this.other === undefined) {
      const { taken, failed, yes, no, whole } = this;
      this.other = new Decision(failed, no, yes, { yes: whole.no, no: whole.yes }, taken);
      this.other.other = this;
    }
    return this.other;
  }
}

export const NEITHER: Sides = { yes: false, no: false };
export const BOTH: Sides = { yes: true, no: true };

export const ALWAYS = new Decision(Condition.always, [], [], NEITHER);
export const NEVER = ALWAYS.turned;
