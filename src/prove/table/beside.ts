import { FALSE, type Bdd, type Ref } from '../bdd.js';
import type { Condition } from './condition.js';

/** The ways that lead to a place; undefined stands for where a function begins. */
export interface Beside {
  /** Each from another place, and what holds for the packets that take it. Others are added until the place is visited. */
  readonly ways: { readonly when: Condition; readonly from: Beside | undefined }[];
}

/**
 * Those of the packets that come to a place by one of its ways; FALSE: none comes. It is asked where there is a doubt: what is
 * known at a place itself is what all ways there have in common. Beyond `budget` steps, which are taken from it, packets are taken for
 * coming.
 */
export function coming(where: Ref, beside: Beside | undefined, bdd: Bdd, budget: { steps: number }): Ref {
  const refused = new Map<Beside, Set<Ref>>();
  const back = (left: Ref, at: Beside | undefined): Ref => {
    if (at === undefined || --budget.steps < 0) return left;
    let known = refused.get(at);
    if (known === undefined) refused.set(at, (known = new Set()));
    if (known.has(left)) return FALSE;
    for (const { when, from } of at.ways) {
      const here = bdd.and(left, when.ref);
      const found = here === FALSE ? FALSE : back(here, from);
      if (found !== FALSE) return found;
    }
    known.add(left);
    return FALSE;
  };
  return back(where, beside);
}
