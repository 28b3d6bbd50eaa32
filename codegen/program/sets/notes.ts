import type { UsedSet } from './index.js';

/** What an object with IP sets takes for granted. */
export function setNotes(sets: readonly UsedSet[]): readonly string[] {
  if (sets.length === 0) return [];
  const names = sets.map(({ set }) => set.name).join(', ');
  const notes = [
    `the IP sets ${names} are the object's own: ipset changes those of the kernel alone, the runtime those of the object`,
  ];
  const counted = sets.filter(({ set }) => set.counters && set.comparedBy === undefined).map(({ set }) => set.name);
  if (counted.length > 0)
    notes.push(`nobody reads the counters of the IP sets ${counted.join(', ')}: the object keeps none`);
  const timed = sets.filter(({ set }) => set.timeout !== undefined).map(({ set }) => set.name);
  if (timed.length > 0) {
    notes.push(
      `the times of the elements of ${timed.join(', ')} begin when the object is loaded, and end to the nanosecond`,
    );
  }
  return notes;
}

/** What must be there for it to run. */
export const SET_FEATURE = 'a loader that fills the IP sets';
