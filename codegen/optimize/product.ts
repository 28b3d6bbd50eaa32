import type { Condition } from '../../grammar/model/condition.js';
import { intersect, type IntervalSet } from '../../grammar/model/interval.js';

/** A test of one field. */
export type FieldTest = Extract<Condition, { kind: 'in' }>;

/** A field under a mask: what tests ask for. */
export type TestedNumber = Pick<FieldTest, 'field' | 'mask'>;

/**
 * What holds of some numbers at once, a test for each: a box of packets. Without a test it holds of all packets. There are
 * few tests, so that going through them takes less time than a map would.
 */
export type Product = readonly FieldTest[];

export const EVERYTHING: Product = [];

export function sameNumber(a: TestedNumber, b: TestedNumber): boolean {
  return a.field === b.field && a.mask === b.mask;
}

/** The test of a number. */
export function testOf(product: Product, number: TestedNumber): FieldTest | undefined {
  for (const test of product) if (sameNumber(test, number)) return test;
  return undefined;
}

/** Adds what a test says to a product. */
export function narrow(product: FieldTest[], test: FieldTest): void {
  for (let i = 0; i < product.length; i++) {
    if (!sameNumber(product[i], test)) continue;
    product[i] = { ...test, set: intersect(product[i].set, test.set) };
    return;
  }
  product.push(test);
}

/** Whether all packets of a product are in another one. */
export function isWithin(inner: Product, outer: Product): boolean {
  for (const test of outer) {
    const own = testOf(inner, test);
    if (own === undefined || (own !== test && !isSubset(own.set, test.set))) return false;
  }
  return true;
}

export function isSubset(inner: IntervalSet, outer: IntervalSet): boolean {
  if (inner === outer) return true;
  let at = 0;
  for (const { lo, hi } of inner) {
    while (at < outer.length && outer[at].hi < lo) at++;
    if (at === outer.length || outer[at].lo > lo || outer[at].hi < hi) return false;
  }
  return true;
}

export function sameSet(a: IntervalSet, b: IntervalSet): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i].lo !== b[i].lo || a[i].hi !== b[i].hi) return false;
  return true;
}

/** The tests of a condition that is nothing but tests of fields, each of another number; undefined of others. */
export function productOf(condition: Condition): Product | undefined {
  if (condition.kind === 'in') return [condition];
  if (condition.kind !== 'all') return undefined;
  const { of } = condition;
  return of.every(isFieldTest) && !hasRepeats(of) ? of : undefined;
}

function isFieldTest(condition: Condition): condition is FieldTest {
  return condition.kind === 'in';
}

/** Whether two tests are of the same number. */
function hasRepeats(tests: readonly FieldTest[]): boolean {
  for (let i = 1; i < tests.length; i++) {
    for (let j = 0; j < i; j++) if (sameNumber(tests[i], tests[j])) return true;
  }
  return false;
}
