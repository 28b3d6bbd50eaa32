import type { Manifest } from '../manifest.js';
import { entryOf, READY, READY_KEY, READY_VALUE, setsOfObject, type Entry } from './contents.js';

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

/**
 * Lines for `bpftool batch file` that fill the maps of an object's IP sets, pinned in a folder by their names
 * (`bpftool prog load … pinmaps`), and let its programs begin. Undefined where elements have times, which begin when
 * they are put in.
 */
export function fillCommands(sets: NonNullable<Manifest['sets']>, pins: string): string | undefined {
  const lines: string[] = [];
  const update = (map: string, { key, value }: Entry): void => {
    lines.push(`map update pinned ${pins}/${map} key hex ${hex(key)} value hex ${hex(value)}`);
  };
  for (const { set, map } of setsOfObject(sets).values()) {
    for (const element of set.members) {
      if ((element.timeout ?? 0) > 0) return undefined;
      update(map, entryOf(element, set, 0n));
    }
  }
  update(READY, { key: READY_KEY, value: READY_VALUE });
  return `${lines.join('\n')}\n`;
}
