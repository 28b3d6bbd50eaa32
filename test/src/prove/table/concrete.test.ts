import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ALU_OP, JMP_OP } from '../../../../codegen/bytecode/instruction.js';
import { compute } from '../../../../src/prove/arithmetic.js';
import { Bdd, TRUE } from '../../../../src/prove/bdd.js';
import { comparison } from '../../../../src/prove/compare.js';
import { bitsOf } from '../../../../src/prove/state.js';
import { compareConcrete, computeConcrete, computeLarge } from '../../../../src/prove/table/concrete.js';
import { constant } from '../../../../src/prove/value.js';
import { constantOf, Words } from '../../../../src/prove/words.js';

const words = new Words(new Bdd());

/** Numbers near the ends of 31, 32 and 53 bits, and any. */
const number = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(100),
  fc
    .tuple(
      fc.constantFrom(2 ** 16, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 52, Number.MAX_SAFE_INTEGER),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([base, plus]) => Math.min(base + plus, Number.MAX_SAFE_INTEGER)),
);

const operations = [...(['add', 'sub', 'mul', 'and', 'or', 'xor', 'lsh', 'rsh', 'arsh', 'mov'] as const)].map(
  (name) => ALU_OP[name],
);

const jumps = (['jeq', 'jne', 'jgt', 'jge', 'jlt', 'jle', 'jsgt', 'jsge', 'jslt', 'jsle', 'jset'] as const).map(
  (name) => JMP_OP[name],
);

it('computes with numbers what is computed with their bits', () => {
  fc.assert(
    fc.property(fc.constantFrom(...operations), fc.boolean(), number, number, (operation, wide, a, b) => {
      const quick = computeConcrete(operation, wide, a, b);
      if (quick === undefined) return;
      const slow = bitsOf(compute(words, operation, wide, constant(BigInt(a)), constant(BigInt(b))), words);
      expect(BigInt(quick)).toBe(slow === undefined ? undefined : constantOf(slow));
    }),
    { numRuns: 3000 },
  );
});

it('compares numbers as their bits are compared', () => {
  fc.assert(
    fc.property(fc.constantFrom(...jumps), fc.boolean(), number, number, (operation, wide, a, b) => {
      const quick = compareConcrete(operation, wide, a, b);
      if (quick === undefined) return;
      expect(quick).toBe(comparison(words, operation, wide, constant(BigInt(a)), constant(BigInt(b))) === TRUE);
    }),
    { numRuns: 3000 },
  );
});

it('computes with numbers of 64 bits what is computed with their bits', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...operations),
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 70n)),
      (operation, a, b) => {
        const quick = computeLarge(operation, a, b);
        if (quick === undefined) return;
        const slow = bitsOf(compute(words, operation, true, constant(a), constant(b)), words);
        expect(quick).toBe(slow === undefined ? undefined : constantOf(slow));
      },
    ),
    { numRuns: 3000 },
  );
});

it('finds a number for every operation on numbers below 2^31', () => {
  for (const operation of operations) expect(computeConcrete(operation, false, 5, 3)).toBeDefined();
  for (const operation of jumps) expect(compareConcrete(operation, true, 5, 3)).toBeDefined();
});
