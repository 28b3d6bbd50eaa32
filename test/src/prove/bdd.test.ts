import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bdd, FALSE, TRUE, type Ref } from '../../../src/prove/bdd.js';
import { Variables } from '../../../src/prove/variables.js';
import { Words } from '../../../src/prove/words.js';

const VARIABLES = 6;
const ROWS = 1 << VARIABLES;
const ALL = (1n << BigInt(ROWS)) - 1n;

/** A function in both forms: its diagram, and a bit for each row of its truth table. */
interface Both {
  readonly ref: Ref;
  readonly rows: bigint;
}

const bdd = new Bdd();

const literals: readonly Both[] = Array.from({ length: VARIABLES }, (_, variable) => {
  let rows = 0n;
  for (let row = 0; row < ROWS; row++) if (((row >> variable) & 1) === 1) rows |= 1n << BigInt(row);
  return { ref: bdd.literal(variable), rows };
});

const functions = fc.letrec<{ tree: Both }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'large' },
    fc.constantFrom({ ref: TRUE, rows: ALL }, { ref: FALSE, rows: 0n }, ...literals),
    tie('tree').map(({ ref, rows }) => ({ ref: ref ^ 1, rows: rows ^ ALL })),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({ ref: bdd.and(a.ref, b.ref), rows: a.rows & b.rows })),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({ ref: bdd.or(a.ref, b.ref), rows: a.rows | b.rows })),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({ ref: bdd.xor(a.ref, b.ref), rows: a.rows ^ b.rows })),
  ),
})).tree;

function rowsOf(ref: Ref): bigint {
  let rows = 0n;
  for (let row = 0; row < ROWS; row++) {
    const values = new Map(literals.map((_, variable) => [variable, ((row >> variable) & 1) === 1]));
    if (bdd.holds(ref, values)) rows |= 1n << BigInt(row);
  }
  return rows;
}

it('joins functions as truth tables do', () => {
  fc.assert(
    fc.property(functions, ({ ref, rows }) => {
      expect(rowsOf(ref)).toBe(rows);
    }),
  );
});

it('says whether two functions meet, and whether one implies the other', () => {
  fc.assert(
    fc.property(functions, functions, (a, b) => {
      expect(bdd.meets(a.ref, b.ref)).toBe((a.rows & b.rows) !== 0n);
      // Again: what is known of the pair by now says the same.
      expect(bdd.meets(b.ref, a.ref)).toBe((a.rows & b.rows) !== 0n);
      expect(bdd.implies(a.ref, b.ref)).toBe((a.rows & (b.rows ^ ALL)) === 0n);
    }),
    { numRuns: 2000 },
  );
});

it('gives equal functions one form', () => {
  fc.assert(
    fc.property(functions, functions, (a, b) => {
      expect(a.ref === b.ref).toBe(a.rows === b.rows);
    }),
  );
});

it('simplifies to what is the same wherever it matters', () => {
  fc.assert(
    fc.property(functions, functions, (f, care) => {
      fc.pre(care.ref !== FALSE);
      expect(rowsOf(bdd.simplify(f.ref, care.ref)) & care.rows).toBe(f.rows & care.rows);
    }),
  );
});

it('stays right while it grows', () => {
  const large = new Bdd();
  const variables = new Variables(large);
  const words = new Words(large);
  const x = variables.word('x', 32);
  const numberAt = (index: number): bigint => BigInt(Math.imul(index + 1, 0x9e3779b1) >>> 0);
  const build = (from: number, to: number): Ref =>
    to - from === 1
      ? words.equalTo(x, numberAt(from))
      : large.or(build(from, (from + to) >> 1), build((from + to) >> 1, to));
  const set = build(0, 4000);
  expect(large.size).toBeGreaterThan(1 << 16);
  expect(build(0, 4000)).toBe(set);
  for (let index = 0; index < 4200; index++) {
    const value = numberAt(index);
    const values = new Map(Array.from({ length: 32 }, (_, bit) => [31 - bit, ((value >> BigInt(bit)) & 1n) === 1n]));
    if (large.holds(set, values) !== index < 4000) throw new Error(`${value} is on the wrong side`);
  }
});
