import type { Condition } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import { asksFor, isPure } from './effects.js';
import { sameCondition } from './known.js';
import { ends, type ProgramRule } from './model.js';
import { isWithin, narrow, testOf, type FieldTest, type Product } from './product.js';

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
    const isCovered = index.some(product, (cover) => {
      if (--tries < 0) return true;
      return isWithin(product, cover.product) && covers(cover, own, changing);
    });
    if (tries < 0) return covered;
    if (isCovered) {
      covered.push(rule);
      continue;
    }
    const cover = ends(rule) ? coverOf(own, changing) : undefined;
    if (cover === undefined) continue;
    // Behind a rule that takes everything nothing is left.
    if (cover.product.length === 0) return [...covered, ...rules.slice(at + 1)];
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
  const product: FieldTest[] = [];
  const guards: { of: Product; when: Condition }[] = [];
  for (const part of partsOf(condition)) {
    if (asksFor(part, changing)) return undefined;
    if (part.kind === 'in') narrow(product, part);
    // A packet that is dropped here comes no further, either.
    else if (part.kind === 'hotdrop') guards.push({ of: [...product], when: part.when });
    else return undefined;
  }
  return { product, guards };
}

/** Whether no packet that comes by the cover is matched, dropped or remembered by the condition. */
function covers({ product, guards }: Cover, condition: Condition, changing: ReadonlySet<Field>): boolean {
  const own: FieldTest[] = [];
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

/** Covers by the block of addresses that they test, so that few of them are held against a rule. */
class CoverIndex {
  private readonly blocks = { saddr: new Blocks(), daddr: new Blocks() };
  /** Those that test no address, or several blocks of them. */
  private readonly others: Cover[] = [];

  add(cover: Cover): void {
    for (const field of ADDRESSES) {
      const set = testOf(cover.product, { field })?.set;
      if (set?.length === 1 && this.blocks[field].add(set[0].lo, set[0].hi, cover)) return;
    }
    this.others.push(cover);
  }

  /** Whether something holds of a cover that may have all packets of the product. */
  some(product: Product, holds: (cover: Cover) => boolean): boolean {
    for (const cover of this.others) if (holds(cover)) return true;
    for (const field of ADDRESSES) {
      const set = testOf(product, { field })?.set;
      if (set === undefined || set.length === 0) continue;
      if (this.blocks[field].someAround(set[0].lo, set[set.length - 1].hi, holds)) return true;
    }
    return false;
  }
}

const ADDRESSES = ['saddr', 'daddr'] as const;

/** Covers by aligned blocks of numbers. */
class Blocks {
  /** By the block's size less one, and by its first number. */
  private readonly bySize = new Map<bigint, Map<bigint, Cover[]>>();
  /** The same of blocks below 2^32, without numbers of any length, which take longer. */
  private readonly small = new Map<number, Map<number, Cover[]>>();

  /** Whether it is such a block. */
  add(lo: bigint, hi: bigint, cover: Cover): boolean {
    const last = hi - lo;
    if ((last & (last + 1n)) !== 0n || (lo & last) !== 0n) return false;
    if (hi < SMALL) put(this.small, Number(last), Number(lo), cover);
    else put(this.bySize, last, lo, cover);
    return true;
  }

  /** Whether something holds of one whose block has all of an interval. */
  someAround(lo: bigint, hi: bigint, holds: (cover: Cover) => boolean): boolean {
    if (hi < SMALL && this.someSmall(Number(lo), Number(hi), holds)) return true;
    for (const [last, blocks] of this.bySize) {
      const start = lo & ~last;
      if (hi <= start + last && blocks.get(start)?.some(holds)) return true;
    }
    return false;
  }

  private someSmall(lo: number, hi: number, holds: (cover: Cover) => boolean): boolean {
    for (const [last, blocks] of this.small) {
      const start = (lo & ~last) >>> 0;
      if (hi <= start + last && blocks.get(start)?.some(holds)) return true;
    }
    return false;
  }
}

const SMALL = 1n << 32n;

function put<N>(bySize: Map<N, Map<N, Cover[]>>, last: N, lo: N, cover: Cover): void {
  let blocks = bySize.get(last);
  if (blocks === undefined) bySize.set(last, (blocks = new Map()));
  const same = blocks.get(lo);
  if (same === undefined) blocks.set(lo, [cover]);
  else same.push(cover);
}
