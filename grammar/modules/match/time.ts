import { opaque } from '../../model/condition.js';
import { ALL_MONTH_DAYS, ALL_WEEK_DAYS, type TimeTest } from '../../model/time.js';
import { defineMatch, option, type Given, type OptionsOf, type Parsed, type ValueType } from '../define.js';
import { date, dayTime, printDate, printDayTime } from '../value/date-time.js';
import { scanWrapping } from '../value/number.js';
import { flag } from '../value/text.js';

const WEEK = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** Two characters of a piece count at most, read as a number in any base; none are the day 0, which there is not. */
function parseMonthDays(word: string): Parsed<ReadonlySet<number>> {
  const days = new Set<number>();
  for (const piece of pieces(word)) {
    const scanned = scanWrapping(piece.slice(0, 2));
    if (scanned.rest !== '' || scanned.value > 31n) return { error: `"${piece}" is not a day of a month` };
    days.add(Number(scanned.value));
  }
  return { value: days };
}

/** Three characters of a piece count at most: a number from 1 (Monday) on, or two letters of a name. */
function parseWeekDays(word: string): Parsed<ReadonlySet<number>> {
  const days = new Set<number>();
  for (const piece of pieces(word)) {
    const text = piece.slice(0, 3);
    const scanned = scanWrapping(text);
    const named = WEEK.findIndex((name) => name.slice(0, 2) === text.slice(0, 2)) + 1;
    const day = scanned.rest === '' ? scanned.value : BigInt(named);
    if (day === 0n) return { error: `"${piece}" is not a day of the week` };
    // The day is a bit of a 32-bit number, of which the kernel gets the lowest eight.
    if (day % 32n < 8n) days.add(Number(day % 32n));
  }
  return { value: days };
}

/** Pieces of a comma list; nothing stands behind a comma at the end. */
function pieces(word: string): readonly string[] {
  const list = word.split(',');
  return list[list.length - 1] === '' ? list.slice(0, -1) : list;
}

function dayList(
  parse: (word: string) => Parsed<ReadonlySet<number>>,
  placeholder: string,
): ValueType<ReadonlySet<number>> {
  return { arity: 1, placeholder, parse: ([word]) => parse(word), print: (days) => [[...days].join(',')] };
}

const OPTIONS = {
  start: option('--timestart', dayTime, { doc: 'from this time of the day on' }),
  stop: option('--timestop', dayTime, { doc: 'to this time of the day' }),
  monthDays: option('--monthdays', dayList(parseMonthDays, 'day[,day]…'), {
    invertible: true,
    doc: 'days of the month',
  }),
  weekDays: option('--weekdays', dayList(parseWeekDays, 'day[,day]…'), { invertible: true, doc: 'days of the week' }),
  dateStart: option('--datestart', date, { doc: 'from this moment on' }),
  dateStop: option('--datestop', date, { doc: 'to this moment' }),
  contiguous: option('--contiguous', flag, { doc: 'a stop before the start is on the next day' }),
  kernelZone: option('--kerneltz', flag, {
    excludes: ['utc'],
    doc: "times are in the kernel's time zone",
  }),
  localZone: option('--localtz', flag, { excludes: ['utc'], doc: 'same as --kerneltz' }),
  utc: option('--utc', flag, { excludes: ['kernelZone', 'localZone'], doc: 'times are in UTC (default)' }),
};

type Options = OptionsOf<typeof OPTIONS>;

const DAY_START = 0;
const DAY_STOP = 24 * 3600 - 1;
/** Greatest moment, which stands for no end but is printed (iptables libxt_time.c `time_init`). */
const LAST_DATE = 0x7fffffff;

/** The days from 1 on that hold after inversion; undefined for all of them. */
function daysOf(given: Given<ReadonlySet<number>> | undefined, last: number): readonly number[] | undefined {
  if (given === undefined) return undefined;
  const days = Array.from({ length: last }, (_, i) => i + 1).filter((day) => given.value.has(day) !== given.inverted);
  // Numbers beyond the last day are kept too, and keep the list from being all days.
  const extra = [...given.value].some((day) => day < 1 || day > last);
  return days.length === last && !extra ? undefined : days;
}

function print(options: Options): readonly string[] {
  const start = options.start?.value ?? DAY_START;
  const stop = options.stop?.value ?? DAY_STOP;
  const monthDays = daysOf(options.monthDays, 31);
  const weekDays = daysOf(options.weekDays, 7);
  const dates: readonly (readonly [flag: string, seconds: number])[] = [
    [OPTIONS.dateStart.flag, options.dateStart?.value ?? 0],
    [OPTIONS.dateStop.flag, options.dateStop?.value ?? LAST_DATE],
  ];
  return [
    ...(start === DAY_START && stop === DAY_STOP
      ? []
      : [OPTIONS.start.flag, printDayTime(start), OPTIONS.stop.flag, printDayTime(stop)]),
    ...(monthDays === undefined ? [] : [OPTIONS.monthDays.flag, monthDays.join(',')]),
    ...(weekDays === undefined ? [] : [OPTIONS.weekDays.flag, weekDays.map((day) => WEEK[day - 1]).join(',')]),
    ...dates.flatMap(([word, seconds]) => (seconds === 0 ? [] : [word, printDate(seconds)])),
    ...((options.kernelZone ?? options.localZone) === undefined ? [] : [OPTIONS.kernelZone.flag]),
    ...(options.contiguous === undefined ? [] : [OPTIONS.contiguous.flag]),
  ];
}

function check({ contiguous, start, stop }: Options): string[] {
  const forward = (start?.value ?? DAY_START) < (stop?.value ?? DAY_STOP);
  return contiguous !== undefined && forward ? ['--contiguous needs a stop before the start'] : [];
}

/** As iptables hands it to the kernel (`struct xt_time_info`). */
function timeTest(options: Options): TimeTest {
  return {
    dateStart: options.dateStart?.value ?? 0,
    dateStop: options.dateStop?.value ?? LAST_DATE,
    dayStart: options.start?.value ?? DAY_START,
    dayStop: options.stop?.value ?? DAY_STOP,
    monthDays: dayMask(options.monthDays, ALL_MONTH_DAYS),
    weekDays: dayMask(options.weekDays, ALL_WEEK_DAYS),
    contiguous: options.contiguous !== undefined,
    kernelZone: (options.kernelZone ?? options.localZone) !== undefined,
  };
}

/** A bit for each day from 1 on. */
function dayMask(given: Given<ReadonlySet<number>> | undefined, all: number): number {
  if (given === undefined) return all;
  const mask = [...given.value].reduce((bits, day) => bits | (1 << day), 0);
  return (given.inverted ? mask ^ all : mask) & all;
}

/** When the packet comes (net/netfilter/xt_time.c). */
export const time = defineMatch({
  name: 'time',
  families: ['v4', 'v6'],
  doc: 'when the packet comes',
  options: OPTIONS,
  check,
  condition: (options) => opaque({ name: 'time', test: timeTest(options) }),
  print,
});
