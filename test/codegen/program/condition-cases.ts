import fc from 'fast-check';
import { hotdrop, inSet, not, opaque, type Condition, type Opaque } from '../../../grammar/model/condition.js';
import { fieldBits, FIELDS, type Field } from '../../../grammar/model/fields.js';
import type { Family } from '../../../grammar/model/family.js';
import { intervals, type IntervalSet } from '../../../grammar/model/interval.js';
import type { FieldValues } from '../../../src/evaluate/index.js';

export const FIELD_NAMES = Object.keys(FIELDS) as Field[];

const full = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** Values of so many bits, those that programs get wrong more often: the ends, powers of two, halves of words. */
export function values(bits: number): fc.Arbitrary<bigint> {
  const top = full(bits);
  const edges = [0n, 1n, top, top - 1n, top >> 1n, (top >> 1n) + 1n].map((value) => value & top);
  const words = [32, 64, 96].filter((bit) => bit < bits).flatMap((bit) => [full(bit), full(bit) + 1n]);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...edges, ...words) },
    { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: top }) },
    { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: top > 10n ? 10n : top }) },
  );
}

/** Sets of intervals with ends near one another; an end may lie beyond the field, as in `atLeast`. */
function sets(bits: number): fc.Arbitrary<IntervalSet> {
  const end = fc.oneof(
    { weight: 12, arbitrary: values(bits) },
    fc.constant(full(64) > full(bits) ? full(64) : full(bits)),
  );
  const interval = fc.tuple(end, end).map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)));
  const single = values(bits).map((value) => [value, value] as const);
  return fc
    .array(fc.oneof(interval, single), { maxLength: 4 })
    .map((parts) => (parts.length === 0 ? [] : intervals(...parts)));
}

/** No mask, a prefix, or any bits. */
function masks(bits: number): fc.Arbitrary<bigint | undefined> {
  const prefix = fc.integer({ min: 0, max: bits }).map((length) => full(bits) ^ full(bits - length));
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, prefix, values(bits));
}

function memberships(family: Family, fields: readonly Field[]): fc.Arbitrary<Condition> {
  return fc.constantFrom(...fields).chain((field) => {
    const bits = fieldBits(field, family);
    return fc.tuple(sets(bits), masks(bits)).map(([set, mask]) => inSet(field, set, mask));
  });
}

/** Opaque tests that the cases can answer, told apart by `average`. */
export const OPAQUE_TESTS: readonly Opaque[] = [0, 1, 2].map((average) => ({ name: 'limit', average, burst: 1 }));

/** Conditions as modules build them: no hotdrop below a negation. */
export function conditions(family: Family, fields: readonly Field[] = FIELD_NAMES): fc.Arbitrary<Condition> {
  const leaf = fc.oneof(
    { weight: 6, arbitrary: memberships(family, fields) },
    { weight: 1, arbitrary: fc.constantFrom(...OPAQUE_TESTS).map(opaque) },
  );
  const { whole } = fc.letrec<{ plain: Condition; whole: Condition }>((tie) => {
    const list = (part: 'plain' | 'whole', kind: 'all' | 'any'): fc.Arbitrary<Condition> =>
      fc.array(tie(part), { maxLength: 4 }).map((of) => ({ kind, of }));
    return {
      plain: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        { weight: 4, arbitrary: leaf },
        { weight: 2, arbitrary: list('plain', 'all') },
        { weight: 2, arbitrary: list('plain', 'any') },
        { weight: 2, arbitrary: tie('plain').map(not) },
      ),
      whole: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        { weight: 3, arbitrary: tie('plain') },
        { weight: 2, arbitrary: tie('plain').map(hotdrop) },
        { weight: 3, arbitrary: list('whole', 'all') },
        { weight: 2, arbitrary: list('whole', 'any') },
      ),
    };
  });
  return whole;
}

/** The ends of a condition's intervals and what is beside them, for one field. */
function boundaries(condition: Condition, field: Field): readonly bigint[] {
  if (condition.kind === 'in') {
    if (condition.field !== field) return [];
    return condition.set.flatMap(({ lo, hi }) => [lo - 1n, lo, hi, hi + 1n]).filter((value) => value >= 0n);
  }
  if (condition.kind === 'not') return boundaries(condition.of, field);
  if (condition.kind === 'hotdrop') return boundaries(condition.when, field);
  if (condition.kind === 'opaque') return [];
  return 'of' in condition ? condition.of.flatMap((part) => boundaries(part, field)) : [];
}

/** Packets for a condition: each field on, beside or far from its boundaries. */
export function packetsFor(condition: Condition, family: Family): fc.Arbitrary<FieldValues> {
  const entries = FIELD_NAMES.map((field) => {
    const bits = fieldBits(field, family);
    const near = boundaries(condition, field).map((value) => value & full(bits));
    const value =
      near.length === 0 ? values(bits) : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...near) }, values(bits));
    return [field, value] as const;
  });
  return fc.record(Object.fromEntries(entries) as Record<Field, fc.Arbitrary<bigint>>);
}

export const answers = fc.tuple(...OPAQUE_TESTS.map(() => fc.boolean()));

/** How the answers of {@link answers} are asked for. */
export function answerOf(given: readonly boolean[], test: Opaque): boolean {
  return given[
    OPAQUE_TESTS.findIndex((one) => test.name === 'limit' && one.name === 'limit' && one.average === test.average)
  ];
}
