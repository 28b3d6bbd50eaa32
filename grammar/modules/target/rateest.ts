import { defineVerbatimTarget, option, type OptionsOf, type Parsed, type ValueType } from '../define.js';
import { scanDouble } from '../value/double.js';
import { text } from '../value/text.js';

const SECOND = 1_000_000;

/** Names of the units, each with its microseconds. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  s: SECOND,
  sec: SECOND,
  secs: SECOND,
  ms: 1000,
  msec: 1000,
  msecs: 1000,
  us: 1,
  usec: 1,
  usecs: 1,
};

/** A time in microseconds, in 32 bits as the conversion of C leaves it. */
function parseTime(word: string): Parsed<number> {
  const scanned = scanDouble(word);
  const unit = scanned && UNITS[scanned.rest.toLowerCase()];
  if (scanned === undefined || unit === undefined) return { error: `"${word}" is not a time (s, ms, us)` };
  const time = Math.trunc(scanned.value * unit);
  return { value: Math.abs(time) < 2 ** 63 ? Number(BigInt.asUintN(32, BigInt(time))) : 0 };
}

function printTime(time: number): string {
  if (time >= SECOND) return `${(time / SECOND).toFixed(1)}s`;
  return time >= 1000 ? `${(time / 1000).toFixed(1)}ms` : `${time}us`;
}

const time: ValueType<number> = {
  arity: 1,
  placeholder: 'time',
  parse: ([word]) => parseTime(word),
  print: (value) => [printTime(value)],
};

const OPTIONS = {
  name: option('--rateest-name', text({ placeholder: 'name', cut: 15 }), {
    required: true,
    doc: 'name of the estimator',
  }),
  interval: option('--rateest-interval', time, { required: true, doc: 'time between two measurements' }),
  average: option('--rateest-ewmalog', time, { required: true, doc: 'time over which to average' }),
};

type Options = OptionsOf<typeof OPTIONS>;

const SHORTEST = SECOND / 4;
const INTERVALS = 6;

/** Power of two by which the measurement's interval exceeds 250 ms; `INTERVALS` where it exceeds all. */
function intervalLog(interval: number): number {
  let log = 0;
  while (log < INTERVALS && interval > SHORTEST * 2 ** log) log++;
  return log;
}

/** Weight of the moving average as a power of two (libxt_RATEEST.c `RATEEST_final_check`). */
function averageLog(interval: number, average: number): number {
  let log = 1;
  while (log < 32 && interval / -Math.log(1 - 1 / 2 ** log) <= average) log++;
  return log - 1;
}

function check({ interval, average }: Options): string[] {
  const every = interval?.value ?? 0;
  if (intervalLog(every) === INTERVALS) return ['--rateest-interval is longer than 8 s'];
  const log = averageLog(every, average?.value ?? 0);
  return log === 0 || log >= 31 ? ['--rateest-ewmalog does not go with --rateest-interval'] : [];
}

/** Printed are the times that the powers of two stand for. */
function print({ name, interval, average }: Options): readonly string[] {
  const every = SHORTEST * 2 ** intervalLog(interval?.value ?? 0);
  const over = (every * 2 ** averageLog(interval?.value ?? 0, average?.value ?? 0)) % 2 ** 32;
  return [
    ...[OPTIONS.name.flag, name?.value ?? ''],
    ...[OPTIONS.interval.flag, printTime(every)],
    ...[OPTIONS.average.flag, printTime(over)],
  ];
}

/** Measure the rate of packets for the match of the same name (net/netfilter/xt_RATEEST.c). */
export const rateestTarget = defineVerbatimTarget({
  name: 'RATEEST',
  families: ['v4', 'v6'],
  doc: 'count the packet for a rate estimator and go on',
  options: OPTIONS,
  check,
  print,
});
