import type { Bdd } from '../bdd.js';
import { Condition } from './condition.js';

/** What holds for packets beside what is kept in numbers: each of these conditions, the last one first. */
export interface Beside {
  readonly when: Condition;
  readonly before: Beside | undefined;
  readonly depth: number;
}

/** With what is known since the last place. */
export function besideOf(local: Condition, beside: Beside | undefined): Beside | undefined {
  return local === Condition.always ? beside : { when: local, before: beside, depth: 1 + (beside?.depth ?? 0) };
}

/** What holds for packets of either kind, as far as it is short to say. */
export function eitherBeside(a: Beside | undefined, b: Beside | undefined, bdd: Bdd): Beside | undefined {
  let [x, y] = [a, b];
  while (x !== y) {
    if (x === undefined || y === undefined) return undefined;
    if (x.before === y.before) return { when: x.when.or(y.when, bdd), before: x.before, depth: x.depth };
    if (x.depth >= y.depth) x = x.before;
    else y = y.before;
  }
  return x;
}
