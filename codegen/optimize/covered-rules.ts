import type { Condition } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import { CoverIndex } from './cover-index.js';
import { asksFor, isPure } from './effects.js';
import { sameCondition } from './known.js';
import { ends, type ProgramRule } from './model.js';
import { isWithin, narrow, type FieldTest, type Product } from './product.js';

/** How often rules are held against each other, for each rule: beyond it none is looked for. */
const TRIES = 64;

/**
 * Rules of a chain all of whose packets one rule before them takes, so that nobody comes to them: neither to match nor to be
 * dropped by a test. A rule with memory, or one that asks more than fields, takes no packet for certain.
 */
export function coveredRules<R extends ProgramRule>(
  rules: readonly R[],
  condition: (rule: R) => Condition,
  changing: ReadonlySet<Field>,
): readonly R[] {
  const index = new CoverIndex<Cover>();
  const covered: R[] = [];
  let tries = TRIES * rules.length;
  for (const [at, rule] of rules.entries()) {
    const own = condition(rule);
    const product = leadingProduct(own, changing);
    const isCovered = index.some(
      product,
      (cover) => isWithin(product, cover.product) && covers(cover, own, changing),
      tries,
    );
    tries -= index.tried;
    if (tries < 0) return covered;
    if (isCovered) {
      covered.push(rule);
      continue;
    }
    if (!ends(rule) || !takes(own, changing)) continue;
    // Behind a rule that takes everything nothing is left.
    if (product.length === 0) return [...covered, ...rules.slice(at + 1)];
    index.add({ product: product.slice(), condition: own });
  }
  return covered;
}

/** What a rule takes that ends a packet's way: packets of the product, some of them dropped on the way to its match. */
interface Cover {
  readonly product: Product;
  /** Nothing but tests of fields, and what drops packets. */
  readonly condition: Condition;
}

/** Whether a rule of this condition takes all packets of its product, because it asks nothing else. */
function takes(condition: Condition, changing: ReadonlySet<Field>): boolean {
  for (const part of partsOf(condition)) {
    if ((part.kind !== 'in' && part.kind !== 'hotdrop') || asksFor(part, changing)) return false;
  }
  return true;
}

/** Packets of a product that are dropped: a packet that is dropped here comes no further, either. */
interface Dropping {
  readonly of: Product;
  readonly when: Condition;
}

function droppingsOf({ condition }: Cover): readonly Dropping[] {
  const product: FieldTest[] = [];
  const droppings: Dropping[] = [];
  for (const part of partsOf(condition)) {
    if (part.kind === 'in') narrow(product, part);
    else if (part.kind === 'hotdrop') droppings.push({ of: [...product], when: part.when });
  }
  return droppings;
}

/** Whether no packet that comes by the cover is matched, dropped or remembered by the condition. */
function covers(cover: Cover, condition: Condition, changing: ReadonlySet<Field>): boolean {
  const { product } = cover;
  const own: FieldTest[] = [];
  for (const part of partsOf(condition)) {
    if (part.kind === 'in' && !changing.has(part.field)) {
      narrow(own, part);
      if (isWithin(own, product)) return true;
    } else if (part.kind === 'hotdrop') {
      const passed = droppingsOf(cover).some(({ of, when }) => sameCondition(when, part.when) && isWithin(own, of));
      if (!passed) return false;
    } else if (!isPure(part)) return false;
  }
  return isWithin(own, product);
}

/** The tests before the first part that does more than answer. */
function leadingProduct(condition: Condition, changing: ReadonlySet<Field>): Product {
  const product: FieldTest[] = [];
  for (const part of partsOf(condition)) {
    if (part.kind === 'in' && !changing.has(part.field)) narrow(product, part);
    else if (part.kind !== 'hotdrop' && !isPure(part)) break;
  }
  return product;
}

function partsOf(condition: Condition): readonly Condition[] {
  if (condition.kind !== 'all') return [condition];
  for (const { kind } of condition.of) if (kind === 'all') return condition.of.flatMap(partsOf);
  return condition.of;
}
