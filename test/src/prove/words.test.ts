import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bdd } from '../../../src/prove/bdd.js';
import { Variables } from '../../../src/prove/variables.js';
import { constantBits, Words } from '../../../src/prove/words.js';

const bdd = new Bdd();
const words = new Words(bdd);
const x = new Variables(bdd).word('x', 12);

it('compares with constants as with other numbers', () => {
  const bound = fc.bigInt({ min: 0n, max: 5000n });
  fc.assert(
    fc.property(bound, bound, (a, b) => {
      expect(words.belowConstant(x, a)).toBe(words.below(x, constantBits(a)));
      expect(words.equalTo(x, a)).toBe(words.equal(x, constantBits(a)));
      const [lo, hi] = a < b ? [a, b] : [b, a];
      const inside = bdd.without(words.below(x, constantBits(hi + 1n)), words.below(x, constantBits(lo)));
      expect(words.within(x, lo, hi)).toBe(inside);
    }),
  );
});
