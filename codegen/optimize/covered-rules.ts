import type { Condition } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import { intersect } from '../../grammar/model/interval.js';
import { asksFor, isPure } from './effects.js';
import { sameCondition } from './known.js';
import { ends, type ProgramRule } from './model.js';
import { isWithin, numberOf, type FieldTest, type Product } from './product.js';

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
  const index = new CoverIndex();
  const covered: R[] = [];
  let tries = TRIES * rules.length;
  for (const [at, rule] of rules.entries()) {
    const own = condition(rule);
    const product = leadingProduct(own, changing);
    let isCovered = false;
    for (const cover of index.candidates(product)) {
      if (--tries < 0) return covered;
      isCovered = isWithin(product, cover.product) && covers(cover, own, changing);
      if (isCovered) break;
    }
    if (isCovered) {
      covered.push(rule);
      continue;
    }
    const cover = ends(rule) ? coverOf(own, changing) : undefined;
    if (cover === undefined) continue;
    // Behind a rule that takes everything nothing is left.
    if (cover.product.size === 0) return [...covered, ...rules.slice(at + 1)];
    index.add(cover);
  }
  return covered;
}

/** What a rule takes: packets of the product, some of them dropped on the way to its match. */
interface Cover {
  readonly product: Product;
  readonly guards: readonly { readonly of: Product; readonly when: Condition }[];
}

/** What a rule that ends a packet's way takes; undefined where that is more than tests of fields. */
function coverOf(condition: Condition, changing: ReadonlySet<Field>): Cover | undefined {
  const product = new Map<string, FieldTest>();
  const guards: { of: Product; when: Condition }[] = [];
  for (const part of partsOf(condition)) {
    if (asksFor(part, changing)) return undefined;
    if (part.kind === 'in') narrow(product, part);
    // A packet that is dropped here comes no further, either.
    else if (part.kind === 'hotdrop') guards.push({ of: new Map(product), when: part.when });
    else return undefined;
  }
  return { product, guards };
}

/** Whether no packet that comes by the cover is matched, dropped or remembered by the condition. */
function covers({ product, guards }: Cover, condition: Condition, changing: ReadonlySet<Field>): boolean {
  const own = new Map<string, FieldTest>();
  for (const part of partsOf(condition)) {
    if (part.kind === 'in' && !changing.has(part.field)) {
      narrow(own, part);
      if (isWithin(own, product)) return true;
    } else if (part.kind === 'hotdrop') {
      const passed = guards.some(({ of, when }) => sameCondition(when, part.when) && isWithin(own, of));
      if (!passed) return false;
    } else if (!isPure(part)) return false;
  }
  return isWithin(own, product);
}

/** The tests before the first part that does more than answer. */
function leadingProduct(condition: Condition, changing: ReadonlySet<Field>): Product {
  const product = new Map<string, FieldTest>();
  for (const part of partsOf(condition)) {
    if (part.kind === 'in' && !changing.has(part.field)) narrow(product, part);
    else if (part.kind !== 'hotdrop' && !isPure(part)) break;
  }
  return product;
}

function partsOf(condition: Condition): readonly Condition[] {
  if (condition.kind !== 'all') return [condition];
  return condition.of.some(({ kind }) => kind === 'all') ? condition.of.flatMap(partsOf) : condition.of;
}

function narrow(product: Map<string, FieldTest>, test: FieldTest): void {
  const number = numberOf(test);
  const before = product.get(number);
  product.set(number, before === undefined ? test : { ...test, set: intersect(before.set, test.set) });
}

/** Covers by the block of addresses that they test, so that few of them are held against a rule. */
class CoverIndex {
  private readonly blocks = { saddr: new Blocks(), daddr: new Blocks() };
  /** Those that test no address, or several blocks of them. */
  private readonly others: Cover[] = [];

  add(cover: Cover): void {
    for (const field of ADDRESSES) {
      const set = cover.product.get(field)?.set;
      if (set?.length === 1 && this.blocks[field].add(set[0].lo, set[0].hi, cover)) return;
    }
    this.others.push(cover);
  }

  *candidates(product: Product): Iterable<Cover> {
    yield* this.others;
    for (const field of ADDRESSES) {
      const set = product.get(field)?.set;
      if (set !== undefined && set.length > 0) yield* this.blocks[field].around(set[0].lo, set[set.length - 1].hi);
    }
  }
}

const ADDRESSES = ['saddr', 'daddr'] as const;

/** Things by aligned blocks of numbers. */
class Blocks {
  private readonly bySize = new Map<bigint, Map<bigint, Cover[]>>();

  /** Whether it is such a block. */
  add(lo: bigint, hi: bigint, cover: Cover): boolean {
    const last = hi - lo;
    if ((last & (last + 1n)) !== 0n || (lo & last) !== 0n) return false;
    let blocks = this.bySize.get(last);
    if (blocks === undefined) this.bySize.set(last, (blocks = new Map()));
    const same = blocks.get(lo);
    if (same === undefined) blocks.set(lo, [cover]);
    else same.push(cover);
    return true;
  }

  /** Those whose block holds all of an interval. */
  *around(lo: bigint, hi: bigint): Iterable<Cover> {
    for (const [last, blocks] of this.bySize) {
      const start = lo & ~last;
      if (hi > start + last) continue;
      yield* blocks.get(start) ?? [];
    }
  }
}
