import type { Parsed, ValueType } from '../define.js';
import { scanWrapping } from './number.js';

/**
 * Numbers with one of `marks` between each and the next, none standing for 0; undefined where something else stands
 * behind one. Each is what `strtoul` reads, in 32 bits.
 */
function readNumbers(word: string, marks: string): readonly number[] | undefined {
  const values: number[] = [];
  let text = word;
  for (;;) {
    const { value, rest } = scanWrapping(text, 10);
    const mark = marks[values.length];
    values.push(Number(BigInt.asUintN(32, value)));
    if (rest === '') return values;
    if (rest[0] !== mark) return undefined;
    text = rest.slice(1);
  }
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `hh:mm[:ss]` as seconds of the day (iptables libxt_time.c `time_parse_minutes`). */
export function parseDayTime(word: string): Parsed<number> {
  const [hour, minute, second = 0] = readNumbers(word, '::') ?? [];
  if (hour === undefined || minute === undefined || hour > 23 || minute > 59 || second > 59) {
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

const GREATEST = [2038, 12, 31, 23, 59, 59];

/** `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` as seconds since 1970, UTC (iptables libxt_time.c `time_parse_date`). */
export function parseDate(word: string): Parsed<number> {
  const parts = readNumbers(word, '--T::');
  if (parts === undefined || parts[0] < 1970 || parts.some((part, i) => part > GREATEST[i])) {
    return { error: `"${word}" is not YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` };
  }
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
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
