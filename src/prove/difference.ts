import type { Ref } from './bdd.js';

/** A place in the rule list where program and rules may differ, and for which fields. */
export interface Difference {
  readonly chain: string;
  /** From 0. */
  readonly at: number;
  readonly what: string;
  /** Over the variables of the fields: where they differ. */
  readonly where: Ref;
}
