import { systemCall } from './libc.js';
import { allocate } from './memory.js';
import { systemCallNumbers } from './numbers.js';

const CLOCK_BOOTTIME = 7;

/** Nanoseconds since the machine started, sleep included: what bpf_ktime_get_boot_ns() tells programs. */
export function bootTime(): bigint {
  const time = allocate(16);
  systemCall('clock_gettime', systemCallNumbers().clock_gettime, CLOCK_BOOTTIME, time.bytes);
  return time.view.getBigInt64(0, true) * 1_000_000_000n + time.view.getBigInt64(8, true);
}
