import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../../../grammar/model/family.js';
import type { HashlimitKey, HashlimitTable, HashlimitTest } from '../../../../grammar/model/memory.js';
import { jiffiesOf, rateOf } from '../../../../codegen/program/hashlimit/rate.js';
import { HashlimitMemory, hashlimitOracle } from '../../../../src/evaluate/index.js';
import type { FieldValues } from '../../../../src/evaluate/index.js';
import { FIELDS, type Field } from '../../../../grammar/model/fields.js';
import { FunctionHost } from '../function-host.js';

const FULL = { v4: 0xffffffffn, v6: (1n << 128n) - 1n } as const;
const KEYS = ['srcip', 'srcport', 'dstip', 'dstport'] as const satisfies readonly HashlimitKey[];

function tables(family: Family): fc.Arbitrary<HashlimitTable> {
  const full = FULL[family];
  const packets = fc.record({
    unit: fc.constant('packets' as const),
    average: fc.constantFrom(1n, 999n, 100_000n, 333_333n, 1_000_000n, 60_000_000n),
    burst: fc.bigInt({ min: 1n, max: 6n }),
  });
  const bytes = fc.record({
    unit: fc.constant('bytes' as const),
    // 256 bytes to some megabytes a second.
    average: fc.constantFrom(0xfffffffn, 0xffffffn, 0xfffffn, 0xffffn),
    burst: fc.bigInt({ min: 0n, max: 3n }),
  });
  return fc
    .record({
      rate: fc.oneof(packets, bytes),
      keys: fc.subarray([...KEYS]),
      sourceMask: fc.constantFrom(full, full ^ 1n, 0n),
      destinationMask: fc.constantFrom(full, full ^ 1n),
      rateMatch: fc.boolean(),
      interval: fc.integer({ min: 1, max: 3 }),
      expire: fc.constantFrom(1, 500, 1000, 60_000),
      cleanUp: fc.constantFrom(1, 300, 1000),
      most: fc.constantFrom(2, 100),
    })
    .map(({ rate, ...rest }) => ({ ...rest, ...rate }));
}

/** Jiffies and seconds. */
type Pause = readonly [number, number];

const packets = fc.array(
  fc.record({
    test: fc.nat({ max: 1 }),
    source: fc.bigInt({ min: 0n, max: 3n }),
    destination: fc.bigInt({ min: 0n, max: 2n }),
    port: fc.bigInt({ min: 1n, max: 2n }),
    proto: fc.constantFrom(6n, 17n, 50n, 51n, 1n),
    fragoff: fc.constantFrom(0n, 0n, 0n, 8n),
    length: fc.constantFrom(20, 40, 100, 1500, 9000),
    pause: fc.oneof(
      fc.constant<Pause>([0, 0]),
      fc.tuple(fc.nat({ max: 30 }), fc.constant(0)).map((pause): Pause => pause),
      fc.tuple(fc.integer({ min: -1, max: 1 }), fc.constantFrom(1, 2, 60)).map((pause): Pause => pause),
    ),
  }),
  { minLength: 20, maxLength: 60 },
);

describe('hashlimitFunction', () => {
  it.each(['v4', 'v6'] as const)('answers as xt_hashlimit does: %s', (family) => {
    const met = { within: 0, beyond: 0, dropped: 0 };
    fc.assert(
      fc.property(tables(family), fc.constantFrom(100, 250, 300, 1000), packets, (table, hz, sequence) => {
        const tests = [false, true].map((above): HashlimitTest => ({ name: 'h', table, above }));
        const opaques = tests.map((test) => ({ name: 'hashlimit', test }) as const);
        const host = new FunctionHost(opaques, { family, hz });
        const memory = new HashlimitMemory(hz);
        let now = 0n;
        for (const packet of sequence) {
          const [jiffies, seconds] = packet.pause;
          now += BigInt(Math.max(0, seconds * hz + jiffies));
          host.advanceTo(now);
          memory.advanceTo(host.jiffies(now));
          const { source, destination, port, proto, fragoff, length } = packet;
          const given: Partial<Record<Field, bigint>> = { saddr: source, daddr: destination, sport: port, proto };
          const fields = { ...zeros(), ...given, dport: 3n - port, fragoff, 'ah.spi': (port << 16n) | 7n };
          const want = hashlimitOracle(memory, family, length)(opaques[packet.test], RULE, fields);
          // The map has more room than the kernel's table.
          if (want === undefined) {
            met.dropped++;
            return;
          }
          met[want === (packet.test === 1) ? 'beyond' : 'within']++;
          expect(host.ask(packet.test, fields, length)).toBe(want);
        }
      }),
      { numRuns: 400 },
    );
    expect(Math.min(met.within, met.beyond)).toBeGreaterThan(500);
    expect(met.dropped).toBeGreaterThan(0);
  });
});

const RULE = { chain: 'INPUT', number: 1 };

function zeros(): FieldValues {
  return Object.fromEntries(Object.keys(FIELDS).map((field) => [field, 0n])) as FieldValues;
}

describe('rateOf', () => {
  const table = { keys: [], sourceMask: 0n, destinationMask: 0n, interval: 2, expire: 1, cleanUp: 1, most: 1 };

  it.each([
    // Worked out by hand from xt_hashlimit.c.
    {
      name: '10/sec burst 5',
      rate: { unit: 'packets', rateMatch: false, average: 100_000n, burst: 5n },
      want: { kind: 'packets', perJiffy: 1n << 39n, cost: 13_743_895_300_000n, cap: 68_719_476_500_000n },
    },
    {
      name: '1mb/s, filled anew twice',
      rate: { unit: 'bytes', rateMatch: false, average: 65_535n, burst: 2n },
      want: { kind: 'bytes', perJiffy: 1n << 24n, cost: 63_999n, cap: 4_194_304_000n, refills: 2n },
    },
    {
      name: 'rate match at 10/sec',
      rate: { unit: 'packets', rateMatch: true, average: 100_000n, burst: 5n },
      want: { kind: 'match', rate: 10n, burst: 15n, interval: 500n, inBytes: false },
    },
    {
      name: 'rate match at 16 kb/s',
      rate: { unit: 'bytes', rateMatch: true, average: 0x3fffffn, burst: 0n },
      want: { kind: 'match', rate: 16_368n, burst: 16_368n, interval: 500n, inBytes: true },
    },
  ] as const)('$name at 250 Hz', ({ rate, want }) => {
    expect(rateOf({ ...table, ...rate }, 250)).toEqual(want);
  });

  it.each([
    { milliseconds: 1000, hz: 250, want: 250n },
    { milliseconds: 1, hz: 250, want: 1n },
    { milliseconds: 5, hz: 250, want: 2n },
    { milliseconds: 10, hz: 300, want: 3n },
  ])('$milliseconds ms are $want jiffies of $hz a second', ({ milliseconds, hz, want }) => {
    expect(jiffiesOf(milliseconds, hz)).toBe(want);
  });
});
