/** Tests on the moment: the processor, chance, the time. */
import { ALL_MONTH_DAYS, ALL_WEEK_DAYS, type TimeKeeping, type TimeTest } from '../../grammar/model/time.js';
import {
  alu32,
  alu64,
  callHelper,
  goto,
  jump32,
  jump64,
  lddw,
  mov32,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R8,
  R9,
  reg,
} from '../bytecode/instruction.js';
import type { Code } from './code.js';

/** cpu_mt (net/netfilter/xt_cpu.c). Clobbers r0–r5. */
export function emitCpu(code: Code, cpu: number, ifTrue: string, ifFalse: string): void {
  code.emit(callHelper('get_smp_processor_id'), jump32('jeq', R0, cpu | 0, ifTrue), goto(ifFalse));
}

/** statistic_mt, mode random (net/netfilter/xt_statistic.c): a share of 2^31. Clobbers r0–r5. */
export function emitRandom(code: Code, share: number, ifTrue: string, ifFalse: string): void {
  code.emit(callHelper('get_prandom_u32'), alu32('and', R0, 0x7fffffff));
  code.emit(jump32('jlt', R0, share | 0, ifTrue), goto(ifFalse));
}

const NANOSECONDS = 1_000_000_000;
const DAY = 86_400;
/** Days from 0000-03-01, where the years of this count begin, to 1970-01-01. */
const DAYS_BEFORE_1970 = 719_468;

/**
 * time_mt (net/netfilter/xt_time.c), by the clock CLOCK_TAI: no other one that a program can read knows the date. r8 =
 * seconds since 1970, r9 = seconds of the day. Clobbers r0–r5, r8, r9.
 */
export function emitTime(code: Code, test: TimeTest, keeping: TimeKeeping, ifTrue: string, ifFalse: string): void {
  const shift = keeping.taiOffset + (test.kernelZone ? 60 * keeping.minutesWest : 0);
  code.emit(callHelper('ktime_get_tai_ns'), alu64('div', R0, NANOSECONDS), alu64('sub', R0, shift));
  code.emit(mov64(R8, reg(R0)));
  if (test.dateStart > 0) code.emit(lddw(R1, BigInt(test.dateStart)), jump64('jlt', R8, reg(R1), ifFalse));
  code.emit(lddw(R1, BigInt(test.dateStop)), jump64('jgt', R8, reg(R1), ifFalse));
  code.emit(mov64(R9, reg(R8)), alu64('mod', R9, DAY));
  if (test.dayStart < test.dayStop) {
    code.emit(jump64('jlt', R9, test.dayStart, ifFalse), jump64('jgt', R9, test.dayStop, ifFalse));
  } else {
    const inside = code.label('inside');
    code.emit(jump64('jge', R9, test.dayStart, inside), jump64('jgt', R9, test.dayStop, ifFalse));
    code.place(inside);
    if (test.contiguous) {
      const today = code.label('today');
      code.emit(jump64('jgt', R9, test.dayStop, today), alu64('sub', R8, DAY));
      code.place(today);
    }
  }
  code.emit(alu64('div', R8, DAY));
  if (test.weekDays !== ALL_WEEK_DAYS) {
    // 1970-01-01 was a Thursday, the fourth day.
    code.emit(mov64(R1, reg(R8)), alu64('add', R1, 3), alu64('mod', R1, 7), alu64('add', R1, 1));
    requireDay(code, test.weekDays, ifFalse);
  }
  if (test.monthDays !== ALL_MONTH_DAYS) {
    emitDayOfMonth(code);
    requireDay(code, test.monthDays, ifFalse);
  }
  code.emit(goto(ifTrue));
}

/** Goes to `ifFalse` unless the bit r1 is set in the mask. Clobbers r2. */
function requireDay(code: Code, mask: number, ifFalse: string): void {
  code.emit(mov32(R2, mask | 0), alu32('rsh', R2, reg(R1)), alu32('and', R2, 1), jump32('jeq', R2, 0, ifFalse));
}

/**
 * r1 = day of the month of day r8 since 1970, in years that begin on the first of March, so that leap days come last.
 * Clobbers r2, r3, r8.
 */
function emitDayOfMonth(code: Code): void {
  // r8 = day of the 400 years; r1 = year of them.
  code.emit(alu64('add', R8, DAYS_BEFORE_1970), alu64('mod', R8, 146_097), mov64(R1, reg(R8)));
  for (const [days, op] of [
    [1_460, 'sub'],
    [36_524, 'add'],
    [146_096, 'sub'],
  ] as const) {
    code.emit(mov64(R2, reg(R8)), alu64('div', R2, days), alu64(op, R1, reg(R2)));
  }
  code.emit(alu64('div', R1, 365));
  // r8 = day of the year.
  code.emit(mov64(R2, reg(R1)), alu64('mul', R2, 365), alu64('sub', R8, reg(R2)));
  code.emit(mov64(R2, reg(R1)), alu64('div', R2, 4), alu64('sub', R8, reg(R2)));
  code.emit(mov64(R2, reg(R1)), alu64('div', R2, 100), alu64('add', R8, reg(R2)));
  // r2 = month from March on; five of them have 153 days.
  code.emit(mov64(R2, reg(R8)), alu64('mul', R2, 5), alu64('add', R2, 2), alu64('div', R2, 153));
  code.emit(mov64(R3, reg(R2)), alu64('mul', R3, 153), alu64('add', R3, 2), alu64('div', R3, 5));
  code.emit(mov64(R1, reg(R8)), alu64('sub', R1, reg(R3)), alu64('add', R1, 1));
}
