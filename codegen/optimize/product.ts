import type { Condition } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import type { IntervalSet } from '../../grammar/model/interval.js';

/** A test of one field. */
export type FieldTest = Extract<Condition, { kind: 'in' }>;

/** What holds of some fields at once, by field and mask: a box of packets. Without a test it holds of all packets. */
export type Product = ReadonlyMap<string, FieldTest>;

export const EVERYTHING: Product = new Map();

/** What tells the numbers apart that tests ask for. */
export function numberOf({ field, mask }: { readonly field: Field; readonly mask?: bigint }): string {
  return mask === undefined ? field : `${field}/${mask}`;
}

/** Whether all packets of a product are in another one. */
export function isWithin(inner: Product, outer: Product): boolean {
  for (const [number, { set }] of outer) {
    const own = inner.get(number);
    if (own === undefined || !isSubset(own.set, set)) return false;
  }
  return true;
}

export function isSubset(inner: IntervalSet, outer: IntervalSet): boolean {
  let at = 0;
  for (const { lo, hi } of inner) {
    while (at < outer.length && outer[at].hi < lo) at++;
    if (at === outer.length || outer[at].lo > lo || outer[at].hi < hi) return false;
  }
  return true;
}

export function sameSet(a: IntervalSet, b: IntervalSet): boolean {
  return a.length === b.length && a.every(({ lo, hi }, i) => lo === b[i].lo && hi === b[i].hi);
}

/** The tests of a condition that is nothing but tests of fields, each of another number; undefined of others. */
export function productOf(condition: Condition): Product | undefined {
  if (condition.kind === 'in') return new Map([[numberOf(condition), condition]]);
  if (condition.kind !== 'all') return undefined;
  const found = new Map<string, FieldTest>();
  for (const part of condition.of) {
    if (part.kind !== 'in' || found.has(numberOf(part))) return undefined;
    found.set(numberOf(part), part);
  }
  return found;
}
