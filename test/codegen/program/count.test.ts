import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountMemory, type NthTest, type QuotaTest } from '../../../src/evaluate/index.js';
import { FunctionHost } from './function-host.js';

const RULE = { chain: 'INPUT', number: 1 };

describe('emitQuota and emitNth', () => {
  const quotas = fc.record({
    name: fc.constant('quota' as const),
    bytes: fc.oneof(fc.bigInt({ min: 0n, max: 3000n }), fc.constant((1n << 64n) - 1n)),
    inverted: fc.boolean(),
  });
  const counts = fc
    .record({ every: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(0xffffffff)), inverted: fc.boolean() })
    .chain(({ every, inverted }) =>
      fc.nat({ max: Math.min(every - 1, 5) }).map((packet): NthTest => ({ name: 'nth', every, packet, inverted })),
    );

  it('spend and count as xt_quota and xt_statistic do, each test for itself', () => {
    const packets = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.integer({ min: 20, max: 1500 })), {
      minLength: 10,
      maxLength: 40,
    });
    const tests = fc.array(fc.oneof(quotas, counts), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(tests, packets, (several: readonly (QuotaTest | NthTest)[], sequence) => {
        const host = new FunctionHost(several, { family: 'v4', hz: 250 });
        const memory = new CountMemory();
        for (const [index, length] of sequence) {
          const test = several[index];
          const want = test.name === 'quota' ? memory.spend(test, RULE, BigInt(length)) : memory.count(test, RULE);
          expect(host.ask(index, {}, length)).toBe(want);
        }
      }),
      { numRuns: 400 },
    );
  });
});
