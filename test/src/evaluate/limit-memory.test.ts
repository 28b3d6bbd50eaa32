import { describe, expect, it } from 'vitest';
import { evaluate, firstAnswer, LimitMemory, limitOracle, type LimitTest } from '../../../src/evaluate/index.js';
import { filterTable, packetOf } from './helpers.js';

const SECOND = 10_000;
const RULE = { chain: 'INPUT', number: 1 };
const limit = (average: number, burst: number): LimitTest => ({ name: 'limit', average, burst });

/** Takes at each of the times (jiffies); a string of 1 and 0. */
function takes(memory: LimitMemory, test: LimitTest, times: readonly number[]): string {
  return times
    .map((time) => {
      memory.advanceTo(BigInt(time));
      return memory.take(test, RULE) ? '1' : '0';
    })
    .join('');
}

describe('LimitMemory', () => {
  it.each([
    // cost = average * HZ * CREDITS_PER_JIFFY / 10000, worked out by hand from xt_limit.c.
    { name: '1/s at 250 Hz', hz: 250, average: SECOND, burst: 5, cost: 32_000n, cap: 160_000n },
    { name: '1/s at 1000 Hz', hz: 1000, average: SECOND, burst: 5, cost: 32_000n, cap: 160_000n },
    { name: '1/s at 100 Hz', hz: 100, average: SECOND, burst: 5, cost: 25_600n, cap: 128_000n },
    { name: '3/hour at 250 Hz', hz: 250, average: 12_000_000, burst: 5, cost: 38_400_000n, cap: 192_000_000n },
    { name: '10000/s at 250 Hz', hz: 250, average: 1, burst: 5, cost: 3n, cap: 16n },
    { name: '1/day at 250 Hz', hz: 250, average: 864_000_000, burst: 1, cost: 2_764_800_000n, cap: 2_764_800_000n },
  ])('credits of $name', ({ hz, average, burst, cost, cap }) => {
    expect(new LimitMemory(hz).rate(limit(average, burst))).toEqual({ cost, cap });
  });

  it('starts full, gives a burst and then one a second', () => {
    const times = [0, 0, 0, 0, 249, 250, 499, 500, 501];
    expect(takes(new LimitMemory(250), limit(SECOND, 3), times)).toBe('111001010');
  });

  it('fills up to the burst and no further', () => {
    expect(takes(new LimitMemory(250), limit(SECOND, 2), [0, 0, 0, 10_000, 10_000, 10_000])).toBe('110110');
  });

  it('wraps 32 bits of credit after a pause of 2^32 / (128 * 250) seconds', () => {
    // The wrapped sum is what the kernel has then: empty again.
    const pause = 2 ** 32 / 128;
    expect(takes(new LimitMemory(250), limit(SECOND, 1), [0, pause])).toBe('10');
    expect(takes(new LimitMemory(250), limit(SECOND, 1), [0, pause - 1])).toBe('11');
  });

  it('keeps a bucket for each rule and each test', () => {
    const memory = new LimitMemory(250);
    const test = limit(SECOND, 1);
    expect(memory.take(test, RULE)).toBe(true);
    expect(memory.take(test, RULE)).toBe(false);
    expect(memory.take(test, { chain: 'INPUT', number: 2 })).toBe(true);
    expect(memory.take(limit(SECOND, 1), RULE)).toBe(true);
  });
});

describe('a limit in a rule', () => {
  const ruleset = filterTable(
    'v4',
    ['-A INPUT -p tcp --dport 22 -m limit --limit 1/s --limit-burst 1 -j ACCEPT'],
    'DROP',
  );
  const send = (memory: LimitMemory, text: string): string => {
    const { packet } = packetOf(text);
    const oracle = firstAnswer(limitOracle(memory));
    const result = evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet, oracle });
    return result.kind === 'decided' && typeof result.verdict === 'string' ? result.verdict : 'other';
  };

  it('is spent only where the tests before it passed', () => {
    const memory = new LimitMemory(250);
    expect(send(memory, 'tcp 198.51.100.7:4000 > 192.0.2.1:80')).toBe('drop');
    expect(send(memory, 'udp 198.51.100.7:4000 > 192.0.2.1:22')).toBe('drop');
    expect(send(memory, 'tcp 198.51.100.7:4000 > 192.0.2.1:22')).toBe('accept');
    expect(send(memory, 'tcp 198.51.100.7:4000 > 192.0.2.1:22')).toBe('drop');
  });

  it('is asked once where a trace is kept', () => {
    const memory = new LimitMemory(250);
    const { packet } = packetOf('tcp 198.51.100.7:4000 > 192.0.2.1:22');
    const input = {
      ruleset,
      table: 'filter',
      chain: 'INPUT',
      packet,
      oracle: limitOracle(memory),
      trace: true,
    } as const;
    expect(evaluate(input)).toMatchObject({ verdict: 'accept' });
    expect(evaluate(input)).toMatchObject({ verdict: 'drop' });
    memory.advanceTo(250n);
    expect(evaluate(input)).toMatchObject({ verdict: 'accept' });
  });
});
