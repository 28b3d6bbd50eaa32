/** When a packet comes (net/netfilter/xt_time.c). Bits of the masks are days from 1 on: of the month; Monday is 1. */
export interface TimeTest {
  /** Seconds since 1970, both inclusive. */
  readonly dateStart: number;
  readonly dateStop: number;
  /** Seconds of the day, both inclusive; a stop that is not behind the start is on the next day. */
  readonly dayStart: number;
  readonly dayStop: number;
  readonly monthDays: number;
  readonly weekDays: number;
  /** What is behind midnight belongs to the day before. */
  readonly contiguous: boolean;
  /** In the kernel's time zone (`sys_tz`), not in UTC. */
  readonly kernelZone: boolean;
}

export const ALL_MONTH_DAYS = 0xfffffffe;
export const ALL_WEEK_DAYS = 0xfe;

/** How a machine keeps time, as far as matches ask. */
export interface TimeKeeping {
  /** CLOCK_TAI minus CLOCK_REALTIME in seconds: 0 unless a time daemon has told the kernel the leap seconds. */
  readonly taiOffset: number;
  /** `sys_tz.tz_minuteswest`: 0 unless somebody has set it. */
  readonly minutesWest: number;
}

export const DEFAULT_TIME_KEEPING: TimeKeeping = { taiOffset: 0, minutesWest: 0 };
