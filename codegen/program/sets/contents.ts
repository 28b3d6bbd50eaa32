import type { IpSet, IpSetMember } from '../../../grammar/model/ip-set.js';
import { parseSets } from '../../../grammar/sets/index.js';
import type { Manifest } from '../manifest.js';
import { encodeKey, encodeValue, keyLayout } from './layout.js';

/** An element of a set's map. */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A set of an object, as its manifest says. */
export interface ObjectSet {
  readonly set: IpSet;
  /** Name of its map. */
  readonly map: string;
}

/** The sets of an object by name; empty where it has none. */
export function setsOfObject({ sets }: Pick<Manifest, 'sets'>): ReadonlyMap<string, ObjectSet> {
  if (sets === undefined) return new Map();
  const parsed = parseSets(sets.text).sets;
  return new Map(
    sets.maps.map(({ set: name, map }) => {
      const set = parsed.get(name);
      if (set === undefined || set.type === 'other') throw new Error(`the manifest has no set ${name}`);
      return [name, { set, map }];
    }),
  );
}

/** What the map of a set holds for an element. `now`: CLOCK_MONOTONIC in nanoseconds. */
export function entryOf(member: IpSetMember, set: IpSet, now: bigint): Entry {
  const layout = keyLayout(set);
  return { key: encodeKey(member, layout), value: encodeValue(member, layout, now) };
}
