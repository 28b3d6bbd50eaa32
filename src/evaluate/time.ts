import type { TimeTest } from '../../grammar/model/time.js';

const DAY = 86_400;

/** time_mt (net/netfilter/xt_time.c) at `now`, in seconds since 1970; `minutesWest`: the kernel's time zone. */
export function matchesTime(test: TimeTest, now: number, minutesWest = 0): boolean {
  let stamp = test.kernelZone ? now - 60 * minutesWest : now;
  if (stamp < test.dateStart || stamp > test.dateStop) return false;
  const seconds = stamp % DAY;
  if (test.dayStart < test.dayStop) {
    if (seconds < test.dayStart || seconds > test.dayStop) return false;
  } else {
    if (seconds < test.dayStart && seconds > test.dayStop) return false;
    if (test.contiguous && seconds <= test.dayStop) stamp -= DAY;
  }
  const date = new Date(stamp * 1000);
  const weekDay = date.getUTCDay() === 0 ? 7 : date.getUTCDay();
  return hasDay(test.weekDays, weekDay) && hasDay(test.monthDays, date.getUTCDate());
}

function hasDay(mask: number, day: number): boolean {
  return ((mask >>> day) & 1) === 1;
}
