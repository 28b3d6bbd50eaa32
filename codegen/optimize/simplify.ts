import { FALSE, isFalse, isTrue, TRUE, type Condition } from '../../grammar/model/condition.js';
import { asksMore } from '../../grammar/model/condition-parts.js';
import type { Family } from '../../grammar/model/family.js';
import { fieldBits, fieldLimit, type Field } from '../../grammar/model/fields.js';
import { complement, intersect, intervals, type IntervalSet } from '../../grammar/model/interval.js';
import { asksFor, isPure } from './effects.js';
import { isGuarded, type Guard, type Known } from './known.js';
import { isSubset, narrow, sameNumber, sameSet, testOf, type FieldTest, type Product } from './product.js';

export interface SimplifySettings {
  readonly family: Family;
  readonly changing: ReadonlySet<Field>;
}

/** A condition, and what is known of a packet that it lets by: `passed` wherever it goes, `facts` where it matches. */
export interface Simplified {
  readonly condition: Condition;
  readonly facts: Product;
  /** Guards that the packet has passed at the end of the condition, or where a test before them failed. */
  readonly passed: readonly Guard[];
}

/**
 * Leaves out what is known already, and makes one test of several of the same number. What drops packets, remembers, or asks
 * more than the packet keeps its place: no test goes to the other side of it, nor is one behind it made narrower before it.
 */
export function simplify(condition: Condition, known: Known, settings: SimplifySettings): Simplified {
  const parts = new Parts(known, settings);
  parts.add(condition);
  return { condition: parts.condition(condition), facts: parts.facts, passed: parts.passed };
}

/** The parts of a conjunction, in their order. */
class Parts {
  readonly facts: FieldTest[];
  readonly passed: Guard[] = [];
  private readonly out: Condition[] = [];
  private changed = false;
  /** The first part behind the last one that does more than answer. */
  private run = 0;
  /** Whether every part so far is a test of a field or a guard: then a packet that fails is outside of the facts. */
  private exact = true;
  /** Never true from here on. */
  private impossible = false;

  constructor(
    private readonly known: Known,
    private readonly settings: SimplifySettings,
  ) {
    this.facts = [...known.facts];
  }

  condition(before: Condition): Condition {
    if (!this.changed) return before;
    // Without the spare room of an array that grew.
    return this.out.length === 1 ? this.out[0] : { kind: 'all', of: this.out.slice() };
  }

  add(part: Condition): void {
    if (this.impossible) {
      this.changed = true;
      return;
    }
    switch (part.kind) {
      case 'all':
        for (const one of part.of) this.add(one);
        return;
      case 'in':
        return this.addTest(part);
      case 'hotdrop':
        return this.addGuard(part.when);
      case 'not':
      case 'any':
        return this.addOther(part);
      case 'opaque':
      case 'payload':
        this.out.push(part);
        this.exact = false;
        if (!isPure(part)) this.run = this.out.length;
    }
  }

  private addTest(test: FieldTest): void {
    if (this.settings.changing.has(test.field)) {
      this.out.push(test);
      this.exact = false;
      return;
    }
    const before = testOf(this.facts, test)?.set;
    if (before === undefined) {
      if (test.set.length === 0) return this.fail();
      this.facts.push(test);
      // No test of the number is among the parts.
      this.out.push(test);
      return;
    }
    if (isSubset(before, test.set)) {
      this.changed = true;
      return;
    }
    const set = intersect(before, test.set);
    if (set.length === 0) return this.fail();
    this.learn(test);
    for (let i = this.run; i < this.out.length; i++) {
      const other = this.out[i];
      if (other.kind !== 'in' || !sameNumber(other, test)) continue;
      const merged = this.merged(other, test);
      if (merged === undefined) break;
      this.out[i] = merged;
      this.changed = true;
      return;
    }
    this.out.push(test);
  }

  /** One test for two of the same number, where it costs no more than they do. */
  private merged(a: FieldTest, b: FieldTest): FieldTest | undefined {
    const set = intersect(a.set, b.set);
    // Long numbers are compared word by word, which is cheap for blocks alone.
    if (fieldBits(a.field, this.settings.family) > 64 && !sameSet(set, a.set) && !sameSet(set, b.set)) return undefined;
    return { ...a, set };
  }

  private addGuard(condition: Condition): void {
    const { guards } = this.known;
    const plain = !asksMore(condition);
    const when = plain ? simplifyPlain(condition, this.facts, this.settings) : condition;
    const idle =
      isFalse(when) || isGuarded(guards, this.facts, condition) || isGuarded(this.passed, this.facts, condition);
    if (idle || when !== condition) this.changed = true;
    if (!idle) {
      this.out.push({ kind: 'hotdrop', when });
      this.run = this.out.length;
    }
    if (!plain || asksFor(condition, this.settings.changing)) return;
    if (!idle && this.exact) this.passed.push({ of: [...this.facts], when: condition });
    // Whoever comes by is not one of those.
    if (condition.kind === 'not' && condition.of.kind === 'in') this.learn(condition.of);
  }

  private learn(test: FieldTest): void {
    narrow(this.facts, test);
  }

  private addOther(part: Condition): void {
    // Tests that ask more than fields are known by their number in the rule: none may be left out.
    const plain = asksMore(part) ? part : simplifyPlain(part, this.facts, this.settings);
    const simple = plain.kind === 'not' && plain.of.kind === 'in' ? outside(plain.of, this.settings.family) : plain;
    if (simple !== part) this.changed = true;
    if (isTrue(simple)) return;
    if (isFalse(simple)) return this.fail();
    if (simple !== part && (simple.kind === 'in' || simple.kind === 'all')) return this.add(simple);
    this.out.push(simple);
    this.exact = false;
    if (!isPure(simple)) this.run = this.out.length;
  }

  /** No packet matches: what was asked for the sake of its answer alone need not be asked. */
  private fail(): void {
    this.changed = true;
    this.impossible = true;
    this.out.length = this.run;
    this.out.push(FALSE);
  }
}

/** A condition without effects, where some tests are known to hold. Never asks anything in another order. */
function simplifyPlain(condition: Condition, facts: Product, settings: SimplifySettings): Condition {
  const below = (parts: readonly Condition[]): readonly Condition[] =>
    parts.map((one) => simplifyPlain(one, facts, settings));
  switch (condition.kind) {
    case 'in': {
      if (settings.changing.has(condition.field)) return condition;
      const known = testOf(facts, condition)?.set;
      if (known === undefined) return condition;
      if (isSubset(known, condition.set)) return TRUE;
      return intersect(known, condition.set).length === 0 ? FALSE : condition;
    }
    case 'not': {
      const of = simplifyPlain(condition.of, facts, settings);
      if (isTrue(of)) return FALSE;
      if (isFalse(of)) return TRUE;
      return of === condition.of ? condition : { kind: 'not', of };
    }
    case 'all':
      return joined(condition, below(condition.of), isTrue, isFalse);
    case 'any':
      return united(joined(condition, below(condition.of), isFalse, isTrue), settings.family);
    case 'hotdrop':
    case 'opaque':
    case 'payload':
      return condition;
  }
}

/** Parts without those that decide nothing; one that decides all stands for the whole. */
function joined(
  condition: Extract<Condition, { kind: 'all' | 'any' }>,
  parts: readonly Condition[],
  isIdle: (part: Condition) => boolean,
  isWhole: (part: Condition) => boolean,
): Condition {
  const whole = parts.find(isWhole);
  if (whole !== undefined) return whole;
  const of = parts.filter((part) => !isIdle(part));
  if (of.length === 1) return of[0];
  const same = of.length === condition.of.length && of.every((part, i) => part === condition.of[i]);
  return same ? condition : { kind: condition.kind, of };
}

/** One test for alternatives of the same number. */
function united(condition: Condition, family: Family): Condition {
  if (condition.kind !== 'any' || condition.of.length < 2) return condition;
  const tests = condition.of.flatMap((part) => (part.kind === 'in' ? [part] : []));
  const [first] = tests;
  if (tests.length < condition.of.length || !tests.every((test) => sameNumber(test, first))) return condition;
  const set = intervals(...tests.flatMap((test) => test.set));
  return isAll(set, first, family) ? TRUE : { ...first, set };
}

function outside(test: FieldTest, family: Family): Condition {
  const most = fieldLimit(test.field, family) & (test.mask ?? fieldLimit(test.field, family));
  const set = complement(test.set, fieldBits(test.field, family)).flatMap(({ lo, hi }) =>
    lo > most ? [] : [{ lo, hi: hi > most ? most : hi }],
  );
  if (set.length === 0) return FALSE;
  return isAll(set, test, family) ? TRUE : { ...test, set };
}

function isAll(set: IntervalSet, { field, mask }: FieldTest, family: Family): boolean {
  const most = fieldLimit(field, family) & (mask ?? fieldLimit(field, family));
  return set.length === 1 && set[0].lo === 0n && set[0].hi >= most;
}
