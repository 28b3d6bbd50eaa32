import type { IpSet, IpSetMember } from '../../../grammar/model/ip-set.js';
import { parseSets } from '../../../grammar/sets/index.js';
import type { Manifest } from '../manifest.js';
import { ELEMENT, encodeKey, encodeValue, keyLayout } from './layout.js';

export { READY, READY_KEY, READY_VALUE } from './layout.js';

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

/** What the text of a manifest says of sets; undefined where the object has none. */
export function readManifestSets(manifest: string): Manifest['sets'] {
  // Most objects have none, and their manifests are long.
  if (!manifest.includes('"sets":')) return undefined;
  const sets = member(JSON.parse(manifest), 'sets');
  const text = member(sets, 'text');
  const maps = member(sets, 'maps');
  if (typeof text !== 'string' || !Array.isArray(maps)) return undefined;
  const named = maps.flatMap((one: unknown) => {
    const [set, map] = [member(one, 'set'), member(one, 'map')];
    return typeof set === 'string' && typeof map === 'string' ? [{ set, map }] : [];
  });
  return { text, maps: named };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The sets of an object by name. */
export function setsOfObject({ text, maps }: NonNullable<Manifest['sets']>): ReadonlyMap<string, ObjectSet> {
  const parsed = parseSets(text).sets;
  return new Map(
    maps.map(({ set: name, map }) => {
      const set = parsed.get(name);
      if (set === undefined || set.type === 'other') throw new Error(`the manifest has no set ${name}`);
      return [name, { set, map }];
    }),
  );
}

/** What the map of a set holds for an element. `now`: CLOCK_MONOTONIC in nanoseconds. */
export function entryOf(element: IpSetMember, set: IpSet, now: bigint): Entry {
  const layout = keyLayout(set);
  return { key: encodeKey(element, layout), value: encodeValue(element, set, layout, now) };
}

/**
 * Whether what a look-up of an element's key has found is that element: in a trie it may be a wider network, and its
 * time may be over.
 */
export function isElement(found: Uint8Array | undefined, key: Uint8Array, set: IpSet, now: bigint): boolean {
  if (found === undefined) return false;
  const value = new DataView(found.buffer, found.byteOffset, found.byteLength);
  const expires = value.getBigUint64(ELEMENT.expires, true);
  if (expires !== 0n && expires <= now) return false;
  if (keyLayout(set).fixedBits === undefined) return true;
  return value.getUint32(ELEMENT.bits, true) === new DataView(key.buffer, key.byteOffset).getUint32(0, true);
}
