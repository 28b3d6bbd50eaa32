import { FALSE, type Bdd, type Ref } from '../bdd.js';
import type { Condition } from './condition.js';

/** The ways that lead to a place; undefined stands for where a function begins. */
export interface Beside {
  /** Each from another place, and what holds for the packets that take it. Others are added until the place is visited. */
  readonly ways: { readonly when: Condition; readonly from: Beside | undefined }[];
}

const MOST_STEPS = 20_000;

/**
 * Those of the packets that come to a place by one of its ways; FALSE: none comes. It is asked where there is a doubt: what is
 * known at a place itself is what all ways there have in common.
 */
export function coming(where: Ref, beside: Beside | undefined, bdd: Bdd): Ref {
  const refused = new Map<Beside, Set<Ref>>();
  let steps = 0;
  const back = (left: Ref, at: Beside | undefined): Ref => {
    if (at === undefined || ++steps > MOST_STEPS) return left;
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
