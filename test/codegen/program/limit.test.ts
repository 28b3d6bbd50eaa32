import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { exit, jump64, load, mov64, R0, R1, R7 } from '../../../codegen/bytecode/instruction.js';
import { Code } from '../../../codegen/program/code.js';
import { bucketOf, emitLimit, limitsMap } from '../../../codegen/program/limit.js';
import { LimitMemory, type LimitTest } from '../../../src/evaluate/index.js';
import { objectSpec } from '../../bpf-runtime/interpreter/support.js';

const FRAME = new Uint8Array(64);
const RULE = { chain: 'INPUT', number: 1 };
/** Jiffies of a machine that has just started, 64 bits: the low 32 wrap after five minutes (INITIAL_JIFFIES). */
const firstJiffy = (hz: number): bigint => BigInt.asUintN(32, -300n * BigInt(hz));

/** A program that takes a token from the bucket that the input device's index says, with a clock in jiffies. */
class Buckets {
  private readonly clock: { nanoseconds: bigint; hz: number };
  private readonly program: Interpreter;

  constructor(tests: readonly LimitTest[], hz: number) {
    this.clock = { nanoseconds: 0n, hz };
    const code = new Code();
    const leave = (label: string, result: number): void => {
      code.place(label);
      code.emit(mov64(R0, result), exit());
    };
    const begin = tests.map((_, index) => code.label(`bucket${index}`));
    code.emit(load(4, R7, R1, INGRESS_IFINDEX));
    begin.slice(1).forEach((label, index) => code.emit(jump64('jeq', R7, index + 1, label)));
    tests.forEach((test, index) => {
      code.place(begin[index]);
      emitLimit(code, index, bucketOf(test, hz), 'yes', 'no');
    });
    leave('yes', 1);
    leave('no', 0);
    const spec = objectSpec('xdp', assemble('entry', code.finish()), { maps: [limitsMap(tests.length)] });
    this.program = new Interpreter(spec, { clock: this.clock });
  }

  advanceTo(jiffies: bigint): void {
    // Rounded up: the jiffy has begun.
    const hz = BigInt(this.clock.hz);
    this.clock.nanoseconds = (jiffies * 1_000_000_000n + hz - 1n) / hz;
  }

  take(index: number): boolean {
    return this.program.run({ packet: FRAME, context: { ingress_ifindex: index } }).result === 1;
  }
}

/** Offset in struct xdp_md. */
const INGRESS_IFINDEX = 12;

const hertz = fc.constantFrom(100, 250, 300, 1000);
/** `--limit 10000/sec` to `--limit 1/day`, in 1/10000 s. */
const averages = fc.oneof(
  fc.constantFrom(1, 2, 10, 3333, 10_000, 600_000, 36_000_000, 864_000_000),
  fc.integer({ min: 1, max: 864_000_000 }),
);
const bursts = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 10 }) }, fc.integer({ min: 1, max: 10_000 }));

const anyLimits = fc.record({ name: fc.constant('limit' as const), average: averages, burst: bursts });
/** As limit_mt_check takes them: what overflows is refused ("Overflow, try lower"). */
const limits = anyLimits.filter(({ average, burst }) => average * burst < 2 ** 32);

/** Pauses between packets in jiffies: none, of about a token, of about a whole bucket. */
function pauses(test: LimitTest, hz: number): fc.Arbitrary<bigint> {
  const { cost, cap, perJiffy } = bucketOf(test, hz);
  const near = (credits: bigint): fc.Arbitrary<bigint> => {
    const jiffies = credits / perJiffy;
    return fc.bigInt({ min: jiffies > 3n ? jiffies - 3n : 0n, max: jiffies + 3n });
  };
  // Longer ones the kernel forgets in part: its credits have 32 bits.
  const longest = (0xffffffffn - cap) / perJiffy;
  return fc
    .oneof(
      { weight: 3, arbitrary: fc.constant(0n) },
      fc.bigInt({ min: 0n, max: 5n }),
      near(cost),
      near(cap),
      near(cost / 3n),
    )
    .map((jiffies) => (jiffies > longest ? longest : jiffies));
}

describe('bucketOf', () => {
  it('has the credits that limit_mt_check makes of a rate', () => {
    fc.assert(
      fc.property(anyLimits, hertz, (test, hz) => {
        const { cost, cap } = bucketOf(test, hz);
        expect({ cost, cap }).toEqual(new LimitMemory(hz).rate(test));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    { rate: '3/sec burst 5', average: 3333, burst: 5, hz: 250, want: { perJiffy: 128n, cost: 10665n, cap: 53328n } },
    {
      rate: '1/day burst 1',
      average: 864_000_000,
      burst: 1,
      hz: 1000,
      want: { perJiffy: 32n, cost: 2764800000n, cap: 2764800000n },
    },
    { rate: '10000/sec burst 1', average: 1, burst: 1, hz: 100, want: { perJiffy: 256n, cost: 2n, cap: 2n } },
  ])('$rate at $hz Hz', ({ average, burst, hz, want }) => {
    expect(bucketOf({ name: 'limit', average, burst }, hz)).toEqual(want);
  });
});

describe('emitLimit', () => {
  const cases = fc.tuple(limits, hertz).chain(([test, hz]) =>
    fc.record({
      test: fc.constant(test),
      hz: fc.constant(hz),
      // Some start just before the low half of jiffies wraps.
      start: fc.oneof(fc.constant(0n), fc.constant(BigInt(hz) * 300n - 3n)),
      pauses: fc.array(pauses(test, hz), { minLength: 10, maxLength: 60 }),
    }),
  );

  it('lets through and stops the packets that xt_limit does', () => {
    const met = { taken: 0, refused: 0, wrapped: 0 };
    fc.assert(
      fc.property(cases, ({ test, hz, start, pauses: between }) => {
        const buckets = new Buckets([test], hz);
        const first = firstJiffy(hz);
        const memory = new LimitMemory(hz, first + start);
        let now = start;
        for (const pause of between) {
          now += pause;
          buckets.advanceTo(now);
          memory.advanceTo(first + now);
          const want = memory.take(test, RULE);
          met[want ? 'taken' : 'refused']++;
          expect(buckets.take(0)).toBe(want);
        }
        if (start > 0n && first + now >= 1n << 32n) met.wrapped++;
      }),
      { numRuns: 400 },
    );
    expect(met.taken).toBeGreaterThan(1000);
    expect(met.refused).toBeGreaterThan(1000);
    expect(met.wrapped).toBeGreaterThan(20);
  });

  it('every rule has a bucket of its own', () => {
    const tests = fc.array(limits, { minLength: 2, maxLength: 4 });
    const picks = fc.array(fc.tuple(fc.nat(), fc.bigInt({ min: 0n, max: 3n })), { minLength: 20, maxLength: 40 });
    fc.assert(
      fc.property(tests, hertz, picks, (several, hz, packets) => {
        const buckets = new Buckets(several, hz);
        const memory = new LimitMemory(hz);
        let now = 0n;
        for (const [pick, pause] of packets) {
          const index = pick % several.length;
          now += pause;
          buckets.advanceTo(now);
          memory.advanceTo(now);
          expect(buckets.take(index)).toBe(memory.take(several[index], { chain: 'INPUT', number: index + 1 }));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is full again after any pause, where the credits of the kernel wrap', () => {
    const test = { name: 'limit', average: 36_000_000, burst: 2 } as const;
    const buckets = new Buckets([test], 250);
    expect([0, 1, 2].map(() => buckets.take(0))).toEqual([true, true, false]);
    // 37 hours and a bit: 2³² credits of 128 a jiffy.
    buckets.advanceTo((1n << 32n) / 128n + 1n);
    expect([0, 1, 2].map(() => buckets.take(0))).toEqual([true, true, false]);
  });
});
