import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { compile } from '../../../codegen/program/index.js';
import { buildFrame } from '../../../src/packet/index.js';
import { matchesTime } from '../../../src/evaluate/time.js';
import type { TimeTest } from '../../../grammar/model/time.js';
import { RunningObject } from './run-object.js';

const FRAME = buildFrame({
  ip: { family: 'v4', source: 0xc0000201n, destination: 0xc0000202n },
  transport: { kind: 'udp', sport: 1, dport: 2 },
});
const NANOSECONDS = 1_000_000_000n;

function compiled(words: string, options: { taiOffset?: number; minutesWest?: number } = {}) {
  const { ruleset, diagnostics } = parseDump(`*filter\n-A INPUT ${words} -j DROP\nCOMMIT\n`, { family: 'v4' });
  expect(diagnostics).toEqual([]);
  const result = compile(ruleset, { hook: 'xdp', chain: 'INPUT', ...options });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  const [test] = ruleset.tables[0].chains[0].rules[0].matches;
  if (test.condition.kind !== 'opaque' || test.condition.test.name !== 'time') throw new Error('no test on the time');
  return { object: result.object, test: test.condition.test.test, assumptions: result.manifest.assumptions };
}

function dropsAt(object: Uint8Array, seconds: number): boolean {
  const clock = { nanoseconds: 0n, tai: BigInt(seconds) * NANOSECONDS + 999_999_999n };
  return new RunningObject(object, { clock }).judge(FRAME) === 'drop';
}

const WORDS = [
  '-m time --timestart 08:00 --timestop 17:30',
  '-m time --timestart 22:00 --timestop 06:00 --weekdays Fri,Sat',
  '-m time --timestart 22:00 --timestop 06:00 --weekdays Fri,Sat --contiguous',
  '-m time --monthdays 1,29,30,31',
  '-m time ! --monthdays 15 ! --weekdays Sun',
  '-m time --datestart 2024-02-28T12:00 --datestop 2024-03-02T01:02:03',
  '-m time --timestart 12:00 --timestop 12:00',
  '-m time --monthdays 29 --datestart 2000 --datestop 2030',
];

describe('time in a program', () => {
  it.each(WORDS.map((words) => ({ words, ...compiled(words) })))('$words: as the reference', ({ object, test }) => {
    const interesting = [0, 951_782_400, 1_709_164_800, 4_107_542_400, 2_147_483_647];
    const near = (at: number) =>
      fc.integer({ min: Math.max(0, at - 200_000), max: Math.min(2_147_483_647, at + 200_000) });
    const seconds = fc.oneof(
      fc.integer({ min: 0, max: 2_147_483_647 }),
      ...interesting.map((at) => near(Math.min(at, 2_147_400_000))),
    );
    fc.assert(
      fc.property(seconds, (now) => dropsAt(object, now) === matchesTime(test, now)),
      { numRuns: 150, seed: 11 },
    );
  });

  it('reckons with leap seconds and the time zone as it was told', () => {
    const settings = { taiOffset: 37, minutesWest: 300 };
    const { object, test, assumptions } = compiled('-m time --timestart 12:00 --timestop 12:59 --kerneltz', settings);
    const noon = 1_700_000_000 - (1_700_000_000 % 86_400) + 12 * 3600 + 5 * 3600;
    expect([noon - 1, noon, noon + 3599].map((now) => dropsAt(object, now + 37))).toEqual([false, true, false]);
    expect([noon - 1, noon].map((now) => matchesTime(test, now, 300))).toEqual([false, true]);
    expect(assumptions).toContain('CLOCK_TAI is 37 s before CLOCK_REALTIME');
    expect(assumptions).toContain("the kernel's time zone is 300 minutes west of UTC");
  });
});

describe('time as the kernel has it', () => {
  const ALWAYS: TimeTest = {
    dateStart: 0,
    dateStop: 0x7fffffff,
    dayStart: 0,
    dayStop: 86_399,
    monthDays: 0xfffffffe,
    weekDays: 0xfe,
    contiguous: false,
    kernelZone: false,
  };
  // 2024-02-29, a Thursday, 00:30:00 UTC.
  const NOW = 1_709_166_600;
  it.each<{ name: string; test: Partial<TimeTest>; want: boolean }>([
    { name: 'no restriction', test: {}, want: true },
    { name: 'Thursday', test: { weekDays: 1 << 4 }, want: true },
    { name: 'Wednesday', test: { weekDays: 1 << 3 }, want: false },
    { name: 'the 29th', test: { monthDays: 1 << 29 }, want: true },
    { name: 'over midnight', test: { dayStart: 82_800, dayStop: 3600 }, want: true },
    { name: 'over midnight, today', test: { dayStart: 82_800, dayStop: 3600, weekDays: 1 << 3 }, want: false },
    {
      name: 'over midnight, begun yesterday',
      test: { dayStart: 82_800, dayStop: 3600, weekDays: 1 << 3, contiguous: true },
      want: true,
    },
    { name: 'the last second of the range', test: { dateStop: NOW }, want: true },
    { name: 'behind the range', test: { dateStop: NOW - 1 }, want: false },
    { name: 'another zone, where it is still Wednesday', test: { kernelZone: true, weekDays: 1 << 3 }, want: true },
  ])('$name: $want', ({ test, want }) => {
    expect(matchesTime({ ...ALWAYS, ...test }, NOW, 60)).toBe(want);
  });
});
