import { all, type Condition } from '../../grammar/model/condition.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';
import { ends, targetOf, type ProgramRule } from './model.js';
import { productOf, sameNumber, sameSet, testOf, type FieldTest, type Product, type TestedNumber } from './product.js';

/** Rules that follow each other and differ in the values of one number alone: it is looked up once for all of them. */
export interface FoldedList<R extends ProgramRule> {
  readonly kind: 'list';
  readonly rules: readonly R[];
  /** What all of them ask beside. */
  readonly rest: Condition;
  readonly field: Field;
  readonly mask?: bigint;
  /** From 0 on, each up to the next: the first rule that matches there, if one does. */
  readonly segments: readonly Segment<R>[];
}

export interface Segment<R> {
  readonly from: bigint;
  readonly rule?: R;
}

/** A rule by itself, or a list. */
export type Step<R extends ProgramRule> = { readonly kind: 'rule'; readonly rule: R } | FoldedList<R>;

/** Shorter lists are asked as fast one after the other; longer ones would be more than one function should be. */
const SHORTEST = 4;
const LONGEST = 512;
const MOST_INTERVALS = 2_048;
/** Numbers that are compared in one instruction. */
const MOST_BITS = 32;

/** The rules in their order, runs of those that all decide and differ in one number as lists. */
export function foldLists<R extends ProgramRule>(
  rules: readonly R[],
  condition: (rule: R) => Condition,
  family: Family,
): readonly Step<R>[] {
  const products = rules.map((rule) => (canFold(rule) ? productOf(condition(rule)) : undefined));
  const steps: Step<R>[] = [];
  let at = 0;
  while (at < rules.length) {
    const run = runFrom(products, at, family);
    if (run === undefined) steps.push({ kind: 'rule', rule: rules[at++] });
    else {
      steps.push(listOf(rules.slice(at, run.end), products.slice(at, run.end), run));
      at = run.end;
    }
  }
  return steps;
}

/** Rules that take the packet, so that the first that matches is the only one. */
function canFold(rule: ProgramRule): boolean {
  return ends(rule) && targetOf(rule) === undefined;
}

interface Run {
  readonly end: number;
  readonly number: TestedNumber;
  readonly rest: Product;
}

function runFrom(products: readonly (Product | undefined)[], at: number, family: Family): Run | undefined {
  const first = products[at];
  const second = products[at + 1];
  if (first === undefined || second === undefined) return undefined;
  const number = onlyDifference(first, second);
  if (number === undefined || fieldBits(number.field, family) > MOST_BITS) return undefined;
  let end = at + 1;
  let intervals = number.set.length;
  for (; end < products.length && end - at < LONGEST; end++) {
    const next = products[end];
    if (next === undefined || !differsInOnly(first, next, number)) break;
    intervals += testOf(next, number)?.set.length ?? 0;
    if (intervals > MOST_INTERVALS) break;
  }
  if (end - at < SHORTEST) return undefined;
  return { end, number, rest: first.filter((one) => one !== number) };
}

/** The test of the first product. */
function onlyDifference(a: Product, b: Product): FieldTest | undefined {
  if (a.length !== b.length) return undefined;
  let found: FieldTest | undefined;
  for (const test of a) {
    const other = testOf(b, test);
    if (other !== undefined && sameSet(test.set, other.set)) continue;
    if (other === undefined || found !== undefined) return undefined;
    found = test;
  }
  return found;
}

function differsInOnly(a: Product, b: Product, number: TestedNumber): boolean {
  if (a.length !== b.length) return false;
  for (const test of a) {
    const other = testOf(b, test);
    if (other === undefined || (!sameNumber(test, number) && !sameSet(test.set, other.set))) return false;
  }
  return true;
}

function listOf<R extends ProgramRule>(
  rules: readonly R[],
  products: readonly (Product | undefined)[],
  { number, rest }: Run,
): FoldedList<R> {
  const tests = products.flatMap((product) => (product === undefined ? undefined : testOf(product, number)) ?? []);
  const [{ field, mask }] = tests;
  const list = { kind: 'list', rules, rest: all(...rest), field, segments: segmentsOf(rules, tests) } as const;
  return mask === undefined ? list : { ...list, mask };
}

/** Where the first rule that matches changes. */
function segmentsOf<R>(rules: readonly R[], tests: readonly FieldTest[]): readonly Segment<R>[] {
  const starts = new Set<bigint>([0n]);
  for (const { lo, hi } of tests.flatMap(({ set }) => set)) starts.add(lo).add(hi + 1n);
  const places = [...starts].sort((a, b) => (a < b ? -1 : 1));
  const indexOf = new Map(places.map((place, index) => [place, index]));
  const owners = new Array<number>(places.length).fill(NOBODY);
  for (let at = rules.length - 1; at >= 0; at--) {
    for (const { lo, hi } of tests[at].set) owners.fill(at, indexOf.get(lo), indexOf.get(hi + 1n));
  }
  return owners.flatMap((owner, i) => {
    if (i > 0 && owner === owners[i - 1]) return [];
    return [{ from: places[i], ...(owner === NOBODY ? {} : { rule: rules[owner] }) }];
  });
}

const NOBODY = -1;
