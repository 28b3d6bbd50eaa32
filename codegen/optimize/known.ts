import type { Condition } from '../../grammar/model/condition.js';
import { intervals } from '../../grammar/model/interval.js';
import { EVERYTHING, isWithin, sameSet, testOf, type FieldTest, type Product } from './product.js';

/** Packets that were dropped before: those of the product for which `when` holds. */
export interface Guard {
  readonly of: Product;
  readonly when: Condition;
}

/** What is known of every packet that comes to a place. */
export interface Known {
  readonly facts: Product;
  readonly guards: readonly Guard[];
}

export const NOTHING_KNOWN: Known = { facts: EVERYTHING, guards: [] };

/** More guards than this are not remembered: rules ask for one and the same few. */
export const MOST_GUARDS = 16;
/** A fact of more intervals tells little. */
const MOST_INTERVALS = 8;

/** Whether `when` is known not to hold of the packets of a product. */
export function isGuarded(guards: readonly Guard[], product: Product, when: Condition): boolean {
  for (const guard of guards) if (sameCondition(guard.when, when) && isWithin(product, guard.of)) return true;
  return false;
}

/** What is known of packets that come by one of two ways. */
export function either(a: Known, b: Known): Known {
  const facts: FieldTest[] = [];
  for (const test of a.facts) {
    const other = testOf(b.facts, test);
    if (other === undefined) continue;
    const set = intervals(...test.set, ...other.set);
    if (set.length <= MOST_INTERVALS) facts.push({ ...test, set });
  }
  const guards = a.guards.filter(({ of, when }) => isGuarded(b.guards, of, when));
  return { facts, guards };
}

/** Whether two conditions are written alike; those that ask more than fields never are. */
export function sameCondition(a: Condition, b: Condition): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'in':
      return b.kind === 'in' && a.field === b.field && a.mask === b.mask && sameSet(a.set, b.set);
    case 'not':
      return b.kind === 'not' && sameCondition(a.of, b.of);
    case 'all':
    case 'any':
      return b.kind === a.kind && a.of.length === b.of.length && a.of.every((one, i) => sameCondition(one, b.of[i]));
    case 'hotdrop':
      return b.kind === 'hotdrop' && sameCondition(a.when, b.when);
    case 'opaque':
    case 'payload':
      return false;
  }
}
