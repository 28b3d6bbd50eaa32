import type { Condition } from '../../grammar/model/condition.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';
import { complement, contains } from '../../grammar/model/interval.js';
import type { Random } from './random.js';
import { setWishes } from './set-wishes.js';
import type { Wish } from './wish.js';

export type { Wish } from './wish.js';

const full = (field: Field, family: Family): bigint => (1n << BigInt(fieldBits(field, family))) - 1n;

/** Tests that together make the condition true (or false); where several ways lead there, a random one. */
export function wishesFor(condition: Condition, sense: boolean, family: Family, random: Random): readonly Wish[] {
  switch (condition.kind) {
    case 'in': {
      const all = full(condition.field, family);
      const mask = (condition.mask ?? all) & all;
      const set = sense ? condition.set : complement(condition.set, fieldBits(condition.field, family));
      return [{ field: condition.field, mask, set }];
    }
    case 'not':
      return wishesFor(condition.of, !sense, family, random);
    case 'hotdrop':
      return wishesFor(condition.when, false, family, random);
    case 'opaque':
      // A packet that is not in a set is one beside an element.
      return condition.test.name === 'set' && sense ? setWishes(condition.test.test, family, random) : [];
    case 'payload':
      return [];
    case 'all':
    case 'any': {
      const needsAll = (condition.kind === 'all') === sense;
      if (needsAll) return condition.of.flatMap((part) => wishesFor(part, sense, family, random));
      return condition.of.length === 0 ? [] : wishesFor(random.pick(condition.of), sense, family, random);
    }
  }
}

const satisfies = (value: bigint, wish: Wish): boolean => contains(wish.set, value & wish.mask);

/** A value inside the set: its ends as often as its middle. Bits outside the mask are random. */
function inside(wish: Wish, all: bigint, random: Random): bigint {
  const interval = random.pick(wish.set);
  const dice = random.below(4);
  const hi = interval.hi > all ? all : interval.hi;
  const value = dice === 0 ? interval.lo : dice === 1 ? hi : random.between(interval.lo, hi);
  return (value & wish.mask) | (random.bits(256) & all & ~wish.mask);
}

/** A value just outside an interval of the set, or with one bit of the mask flipped. */
export function beside(wish: Wish, family: Family, random: Random): bigint {
  const all = full(wish.field, family);
  if (wish.set.length === 0) return random.bits(256) & all;
  const interval = random.pick(wish.set);
  const noise = random.bits(256) & all & ~wish.mask;
  const bit = 1n << BigInt(random.below(fieldBits(wish.field, family)));
  const candidates = [interval.lo - 1n, interval.hi + 1n, interval.lo ^ bit, interval.hi ^ (wish.mask & -wish.mask)];
  return ((random.pick(candidates) & wish.mask) | noise) & all;
}

/** Values for the fields that the wishes name, each passing as many of its field's wishes as a few tries find. */
export function grant(wishes: readonly Wish[], family: Family, random: Random): Map<Field, bigint> {
  const byField = new Map<Field, Wish[]>();
  for (const wish of wishes) byField.set(wish.field, [...(byField.get(wish.field) ?? []), wish]);
  const values = new Map<Field, bigint>();
  for (const [field, own] of byField) {
    const all = full(field, family);
    let best = random.bits(256) & all;
    let most = own.filter((wish) => satisfies(best, wish)).length;
    for (let attempt = 0; attempt < 12 && most < own.length; attempt++) {
      const wish = random.pick(own);
      if (wish.set.length === 0) continue;
      // Bits that one wish leaves free may be fixed by another one.
      let value = inside(wish, all, random);
      for (const other of own) {
        if (other === wish || other.set.length === 0 || (other.mask & wish.mask) === other.mask) continue;
        value = (value & wish.mask) | (inside(other, all, random) & ~wish.mask);
      }
      const score = own.filter((other) => satisfies(value, other)).length;
      if (score > most) [best, most] = [value, score];
    }
    values.set(field, best & all);
  }
  return values;
}
