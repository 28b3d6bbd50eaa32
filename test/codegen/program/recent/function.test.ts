import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../../../grammar/model/family.js';
import { recentStamps, type RecentTest } from '../../../../grammar/model/memory.js';
import { RecentMemory } from '../../../../src/evaluate/index.js';
import { FunctionHost } from '../function-host.js';

const BITS = { v4: 32, v6: 128 } as const;
interface Setting {
  readonly family: Family;
  readonly hz: number;
  readonly entries: number;
  readonly tests: readonly RecentTest[];
}

function hostOf({ tests, family, hz, entries }: Setting): FunctionHost {
  const opaques = tests.map((test) => ({ name: 'recent', test }) as const);
  return new FunctionHost(opaques, { family, hz, recentEntries: entries });
}

const testOf = (family: Family): fc.Arbitrary<RecentTest> => {
  const full = (1n << BigInt(BITS[family])) - 1n;
  return fc
    .record({
      list: fc.constantFrom('one', 'one', 'two'),
      action: fc.constantFrom('set', 'set', 'check', 'update', 'update', 'remove'),
      inverted: fc.boolean(),
      side: fc.constant('src'),
      seconds: fc.constantFrom(0, 1, 2, 5, 17_179_870),
      hits: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 5 }) }, fc.nat({ max: 40 })),
      sameTtl: fc.boolean(),
      reap: fc.boolean(),
    } as const)
    .map((test): RecentTest => {
      const looks = test.action === 'check' || test.action === 'update';
      const limits = looks ? {} : { seconds: 0, hits: 0, sameTtl: false };
      const reap = looks && test.seconds > 0 && test.reap;
      return { ...test, ...limits, reap, mask: full };
    });
};

function settings(family: Family): fc.Arbitrary<Setting> {
  const full = (1n << BigInt(BITS[family])) - 1n;
  return fc
    .record({
      family: fc.constant(family),
      hz: fc.constantFrom(100, 250, 1000),
      entries: fc.integer({ min: 1, max: 5 }),
      tests: fc.array(testOf(family), { minLength: 2, maxLength: 5 }),
      masks: fc.array(fc.constantFrom(full, full, full ^ 1n), { minLength: 2, maxLength: 2 }),
    })
    .map(({ masks, tests, ...rest }) => ({
      ...rest,
      tests: tests.map((test) => ({ ...test, mask: masks[test.list === 'one' ? 0 : 1] })),
    }));
}

const packets = fc.array(
  fc.record({
    test: fc.nat({ max: 4 }),
    address: fc.nat({ max: 9 }),
    ttl: fc.constantFrom(64, 64, 63, 0),
    pause: fc.constantFrom<[number, number]>([0, 0], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1], [3, 0], [6, 0]),
  }),
  { minLength: 20, maxLength: 80 },
);

describe('recentFunction', () => {
  it.each(['v4', 'v6'] as const)('answers and remembers as xt_recent does: %s', (family) => {
    const met = { matched: 0, not: 0 };
    fc.assert(
      fc.property(settings(family), packets, (setting, sequence) => {
        const { tests, hz, entries } = setting;
        const lists = hostOf(setting);
        const memory = new RecentMemory({ hz, entries }, tests);
        let now = 0n;
        for (const { test, address, ttl, pause } of sequence) {
          const [seconds, jiffies] = pause;
          now += BigInt(seconds * hz + jiffies);
          lists.advanceTo(now);
          memory.advanceTo(lists.jiffies(now));
          const which = test % tests.length;
          // Some have a zero in one half or both, as a free entry has.
          const source = BigInt(address) + (family === 'v6' && address > 4 ? 1n << 64n : 0n);
          const want = memory.match(tests[which], { source, destination: 0n, ttl });
          met[want ? 'matched' : 'not']++;
          expect(lists.ask(which, { saddr: source, ttl: BigInt(ttl) })).toBe(want);
        }
      }),
      { numRuns: 150 },
    );
    expect(Math.min(met.matched, met.not)).toBeGreaterThan(1000);
  });

  it('remembers the last packets of an address in a ring', () => {
    const check: RecentTest = {
      ...{ list: 'l', action: 'check', inverted: false, side: 'src', mask: 0xffffffffn },
      ...{ seconds: 1, hits: 3, sameTtl: false, reap: false },
    };
    const set: RecentTest = { ...check, action: 'set', seconds: 0, hits: 0 };
    expect(recentStamps([check])).toBe(4);
    expect(recentStamps([check, set])).toBe(32);
    expect(recentStamps([{ ...check, hits: 33 }, set])).toBe(64);
    const lists = hostOf({ family: 'v4', hz: 250, entries: 2, tests: [check, set] });
    const seen = Array.from({ length: 70 }, (_, i) => {
      lists.advanceTo(BigInt(i * 200));
      lists.ask(1, { saddr: 7n });
      return lists.ask(0, { saddr: 7n });
    });
    // Two packets 0.8 s apart are in a second, never three.
    expect(seen.some(Boolean)).toBe(false);
    lists.ask(1, { saddr: 7n });
    expect(lists.ask(0, { saddr: 7n })).toBe(true);
  });
});
