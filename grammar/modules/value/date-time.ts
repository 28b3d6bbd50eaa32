import type { Parsed, ValueType } from '../define.js';

/** A number of digits at most `max`, none standing for 0 (`strtoul`). */
function bounded(digits: string, max: number): number | undefined {
  return Number(digits) <= max ? Number(digits) : undefined;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `hh:mm[:ss]` as seconds of the day (iptables libxt_time.c `time_parse_minutes`). */
export function parseDayTime(word: string): Parsed<number> {
  const found = /^(\d*):(\d*)(?::(\d*))?$/.exec(word);
  const [hour, minute, second] = [
    bounded(found?.[1] ?? '', 23),
    bounded(found?.[2] ?? '', 59),
    bounded(found?.[3] ?? '', 59),
  ];
  if (found === null || hour === undefined || minute === undefined || second === undefined) {
    return { error: `"${word}" is not hh:mm[:ss]` };
  }
  return { value: hour * 3600 + minute * 60 + second };
}

export function printDayTime(seconds: number): string {
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
}

export const dayTime: ValueType<number> = {
  arity: 1,
  placeholder: 'hh:mm[:ss]',
  parse: ([word]) => parseDayTime(word),
  print: (seconds) => [printDayTime(seconds)],
};

const DATE = /^(\d*)(?:-(\d*)(?:-(\d*)(?:T(\d*)(?::(\d*)(?::(\d*))?)?)?)?)?$/;

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` as seconds since 1970, UTC (iptables libxt_time.c `time_parse_date`). */
export function parseDate(word: string): Parsed<number> {
  const found = DATE.exec(word);
  if (found === null) return { error: `"${word}" is not YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` };
  const [year, month, day, hour, minute, second] = [
    bounded(found[1], 2038),
    bounded(found[2] ?? '1', 12),
    bounded(found[3] ?? '1', 31),
    bounded(found[4] ?? '', 23),
    bounded(found[5] ?? '', 59),
    bounded(found[6] ?? '', 59),
  ];
  const parts = [year, month, day, hour, minute, second];
  if (year === undefined || year < 1970 || parts.includes(undefined)) return { error: `"${word}" is not a date` };
  const seconds = Date.UTC(year, (month ?? 1) - 1, day, hour, minute, second) / 1000;
  return seconds < 0 ? { error: `"${word}" is before 1970` } : { value: seconds };
}

export function printDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

export const date: ValueType<number> = {
  arity: 1,
  placeholder: 'YYYY[-MM[-DD[Thh[:mm[:ss]]]]]',
  parse: ([word]) => parseDate(word),
  print: (seconds) => [printDate(seconds)],
};
