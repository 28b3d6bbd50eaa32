import { setTimeout as sleep } from 'node:timers/promises';
import { bootTime } from '../../bpf-runtime/system/clock.js';
import { SystemCallError } from '../../bpf-runtime/system/libc.js';
import { exclusively } from './attach.js';
import { readDeployment } from './deployment.js';
import { Pins } from './pins.js';

/** Between two looks whether the change still waits, in milliseconds: who confirms does not tell. */
const LOOK = 1000;

/** When what waits for its confirmation ends by itself, in nanoseconds of CLOCK_BOOTTIME; undefined where nothing waits. */
export function deadlineOf(base: string, name: string): bigint | undefined {
  try {
    const found = readDeployment(new Pins(base, name));
    return typeof found === 'string' ? undefined : found.control.until;
  } catch (error) {
    // It went while it was looked at.
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

/**
 * Waits until a change that was made with a deadline is confirmed or taken back, or nobody has done so in time: then takes
 * away what is left of it, which is out of force already. Returns what it took away, in words.
 */
export async function endUnconfirmed(base: string, name: string, deadline: bigint): Promise<readonly string[]> {
  for (let left = remaining(deadline); left > 0; left = remaining(deadline)) {
    await sleep(Math.min(left, LOOK));
    // Past the deadline a first ruleset is no deployment any more.
    if (remaining(deadline) > 0 && deadlineOf(base, name) !== deadline) return [];
  }
  const told: string[] = [];
  exclusively(
    base,
    (text) => told.push(text),
    () => undefined,
  );
  return told;
}

/** Milliseconds, rounded up. */
const remaining = (deadline: bigint): number => Math.ceil(Number(deadline - bootTime()) / 1e6);
