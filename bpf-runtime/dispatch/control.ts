import { bootTime } from '../system/clock.js';
import { RuntimeError } from '../system/error.js';
import { indexKey } from '../kernel/array-key.js';
import { createArray } from '../kernel/create.js';
import { waitForPrograms } from '../kernel/grace.js';
import type { KernelMap } from '../kernel/map.js';

/** One of the two sets of programs, or what needs none: let everything pass, or nothing. */
export type Choice = Generation | 'pass' | 'block';
/** Two sets of programs: one is in force while the other is being made, or is kept to go back to. */
export type Generation = 0 | 1;

/** What the dispatchers do with packets. */
export interface Control {
  readonly now: Choice;
  /** From when on `after` holds in the place of `now`, in nanoseconds of CLOCK_BOOTTIME; undefined: never. */
  readonly until?: bigint;
  readonly after?: Choice;
}

/**
 * The one value of the map: u32 side; then two sides of u32 now, u32 after, u64 deadline (0: none). Little endian. A
 * dispatcher reads the side that the first word names. To change something the other side is written, then the word,
 * of which one byte changes: no packet sees a half of it, however the kernel copies the value.
 */
export const CONTROL = { side: 0, sides: 8, sideBytes: 16, now: 0, after: 4, deadline: 8, bytes: 40 } as const;
export const CHOICES: readonly Choice[] = [0, 1, 'pass', 'block'];

/** The map, with nothing in force: everything passes. */
export function createControl(): KernelMap {
  const map = createArray(CONTROL.bytes, 1, 'control');
  const value = new Uint8Array(CONTROL.bytes);
  putSide(value, 0, { now: 'pass' });
  map.update(indexKey(0), value);
  return map;
}

function putSide(value: Uint8Array, side: number, { now, after = now, until = 0n }: Control): void {
  const view = new DataView(value.buffer, value.byteOffset);
  const at = CONTROL.sides + side * CONTROL.sideBytes;
  view.setUint32(at + CONTROL.now, CHOICES.indexOf(now), true);
  view.setUint32(at + CONTROL.after, CHOICES.indexOf(after), true);
  view.setBigUint64(at + CONTROL.deadline, until, true);
}

/** What is written in the map. Throws `bad-state` where that is nothing of ours. */
export function readControl(map: KernelMap): Control {
  if (map.info.valueSize !== CONTROL.bytes) throw new RuntimeError('bad-state', `map ${map.info.name} is no control`);
  const value = map.at(0);
  const view = new DataView(value.buffer, value.byteOffset);
  const at = CONTROL.sides + (view.getUint32(CONTROL.side, true) & 1) * CONTROL.sideBytes;
  const choice = (offset: number): Choice => {
    const known = CHOICES.at(view.getUint32(at + offset, true));
    if (known === undefined) throw new RuntimeError('bad-state', `map ${map.info.name} is no control`);
    return known;
  };
  const until = view.getBigUint64(at + CONTROL.deadline, true);
  const now = choice(CONTROL.now);
  return until === 0n ? { now } : { now, until, after: choice(CONTROL.after) };
}

/** What holds at this moment. */
export function inForce({ now, until, after }: Control, time = bootTime()): Choice {
  return until !== undefined && after !== undefined && time > until ? after : now;
}

/** Changes what is in force, for all dispatchers of the map at once. When it returns, no packet is judged as before. */
export function writeControl(map: KernelMap, control: Control): void {
  // Nobody may still be reading the side that is written now.
  waitForPrograms();
  const value = map.at(0);
  const view = new DataView(value.buffer, value.byteOffset);
  const side = 1 - (view.getUint32(CONTROL.side, true) & 1);
  putSide(value, side, control);
  map.update(indexKey(0), value);
  view.setUint32(CONTROL.side, side, true);
  map.update(indexKey(0), value);
  waitForPrograms();
}
