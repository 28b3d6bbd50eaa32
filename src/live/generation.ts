import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Generation } from '../../bpf-runtime/dispatch/control.js';
import { createBlob, readBlob } from '../../bpf-runtime/kernel/blob.js';
import { getPinned } from '../../bpf-runtime/kernel/bpf.js';
import { indexKey } from '../../bpf-runtime/kernel/array-key.js';
import { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { addCounters, readCounters } from '../../bpf-runtime/kernel/counters.js';
import { pin } from '../../bpf-runtime/kernel/pin.js';
import type { LoadedProgram } from '../../bpf-runtime/kernel/program.js';
import { loadPrograms, type LoadedObject } from '../../bpf-runtime/kernel/raw-load.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import type { MapSpec } from '../../codegen/object/spec.js';
import type { Counters } from '../../grammar/model/ruleset.js';
import { absorbed, carriedState, createCarried, matchCounters, readCarried, writeCarried } from './counters.js';
import { askedPrograms, checkObject, type CheckedObject, type LiveManifest } from './object.js';
import type { Pins } from './pins.js';
import { SLOTS, slotOf, type SlotName } from './slots.js';

/** Opens what is pinned at a path as a map, for the time of `body`. */
export function withPinnedMap<T>(path: string, body: (map: KernelMap) => T): T {
  const map = new KernelMap(getPinned(path));
  try {
    return body(map);
  } finally {
    map.close();
  }
}

export function hasGeneration(pins: Pins, side: Generation): boolean {
  return existsSync(pins.generation(side, 'object'));
}

/** Whether a generation has ever been in force: one that was only being made is nothing to go back to. */
export function wasInForce(pins: Pins, side: Generation): boolean {
  const carried = pins.generation(side, 'carried');
  if (!hasGeneration(pins, side) || !existsSync(carried)) return false;
  return withPinnedMap(carried, carriedState) === 'settled';
}

/** The object of a generation as it was attached. */
export function generationObject(pins: Pins, side: Generation): CheckedObject {
  const bytes = withPinnedMap(pins.generation(side, 'object'), readBlob);
  return checkObject(bytes, pins.generation(side, 'object'));
}

/**
 * Loads an object as a generation that is not in force: its maps are pinned, its programs wait in their slots. Throws
 * where the kernel refuses it; then nothing of it is left. `before`: the generation whose memory it goes on with.
 */
export function installGeneration(
  pins: Pins,
  side: Generation,
  object: CheckedObject,
  programs: KernelMap,
  before: Generation | undefined,
): void {
  removeGeneration(pins, side, programs);
  const given = before === undefined ? new Map<string, KernelMap>() : openMemory(pins, object, before);
  let loaded: LoadedObject | undefined;
  try {
    loaded = loadPrograms(object.spec, { maps: given });
    pinGeneration(pins, side, object, loaded);
    for (const [slot, program] of programSlots(object.manifest)) {
      programs.update(indexKey(side * SLOTS + slotOf(slot)), indexKey(named(loaded, program).fd));
    }
  } catch (error) {
    pins.remove('unfinished');
    removeGeneration(pins, side, programs);
    throw error;
  } finally {
    loaded?.close();
    for (const map of given.values()) map.close();
  }
}

/** Which program goes to which slot. */
function programSlots({ programs, residual, shadow, hook }: LiveManifest): readonly (readonly [SlotName, string])[] {
  if (hook !== 'netfilter') return [['wire', programs[0].name]];
  const chains = programs.map(({ chain, name }) => [chain, name] as const);
  return [
    ...chains,
    ...(residual === undefined ? [] : [['guard', residual.guard] as const]),
    ...(shadow === undefined ? [] : [['observer', shadow.observer] as const]),
  ];
}

function named({ programs }: LoadedObject, name: string): LoadedProgram {
  const program = programs.get(name);
  if (program === undefined) throw new RuntimeError('no-program', `the object has no program ${name}`);
  return program;
}

/** Everything is pinned under a name that says that it is not whole, which is changed at the end. */
function pinGeneration(pins: Pins, side: Generation, object: CheckedObject, loaded: LoadedObject): void {
  const directory = pins.unfinished;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'maps'), { recursive: true, mode: 0o700 });
  const carried = createCarried(object.manifest.counters.length);
  const blob = createBlob(object.bytes, 'object');
  try {
    pin(carried.fd, join(directory, 'carried'));
    pin(blob.fd, join(directory, 'object'));
  } finally {
    carried.close();
    blob.close();
  }
  for (const [name, map] of loaded.maps) pin(map.fd, join(directory, 'maps', name));
  mkdirSync(join(directory, 'asks'), { mode: 0o700 });
  for (const name of askedPrograms(object.manifest)) pin(named(loaded, name).fd, join(directory, 'asks', name));
  renameSync(directory, pins.generation(side));
}

/** Empties the slots of a generation that is not in force, and lets its maps go. */
export function removeGeneration(pins: Pins, side: Generation, programs: KernelMap): void {
  for (let slot = 0; slot < SLOTS; slot++) programs.delete(indexKey(side * SLOTS + slot));
  if (!existsSync(pins.generation(side))) return;
  // Away in one step: what is removed in pieces could be found in pieces.
  pins.remove('unfinished');
  renameSync(pins.generation(side), pins.unfinished);
  pins.remove('unfinished');
}

/** Opens the maps of the generation before that the object's programs go on with, by the names they have in it. */
function openMemory(pins: Pins, object: CheckedObject, before: Generation): Map<string, KernelMap> {
  const same = sameMemory(generationObject(pins, before), object);
  return new Map(
    [...same].map(([name, old]) => [name, new KernelMap(getPinned(pins.generation(before, 'maps', old)))]),
  );
}

/**
 * Maps with the lists of `recent` and the tables of `hashlimit` that both objects have: by the kernel's own name and with
 * the same rules on them. A list outlives a change of the rules in iptables, too, as long as some rule names it.
 * Name in the new object → name in the old one.
 */
function sameMemory(old: CheckedObject, fresh: CheckedObject): ReadonlyMap<string, string> {
  const same = new Map<string, string>();
  const add = (name: string, before: string | undefined): void => {
    if (before === undefined) return;
    const [a, b] = [specOf(old, before), specOf(fresh, name)];
    if (a !== undefined && b !== undefined && sameKind(a, b)) same.set(name, before);
  };
  for (const { list, map } of fresh.manifest.recent ?? []) {
    add(map, old.manifest.recent?.find((one) => one.list === list)?.map);
  }
  for (const { table, map } of fresh.manifest.hashlimit ?? []) {
    if (rulesNaming(old, table) !== rulesNaming(fresh, table)) continue;
    const before = old.manifest.hashlimit?.find((one) => one.table === table)?.map;
    add(map, before);
    add(locksOf(map), before && locksOf(before));
  }
  return same;
}

const locksOf = (map: string): string => map.replace('hashlimit_', 'hash_locks_');

function specOf({ spec }: CheckedObject, name: string): MapSpec | undefined {
  return spec.maps.find((map) => map.name === name);
}

function sameKind(a: MapSpec, b: MapSpec): boolean {
  const kind = ({ type, keySize, valueSize, maxEntries, flags, locked }: MapSpec): string =>
    [type, keySize, valueSize, maxEntries, flags ?? 0, locked ?? false].join(' ');
  return kind(a) === kind(b);
}

/** The rules on a hashlimit table: with other options its entries would mean something else. */
function rulesNaming({ manifest }: CheckedObject, table: string): string {
  return manifest.counters
    .flatMap((entry) => (entry.kind === 'rule' && entry.text.includes(`--hashlimit-name ${table}`) ? [entry.text] : []))
    .sort()
    .join('\n');
}

/** What a generation has counted, with what it began with. */
export function generationCounters(pins: Pins, side: Generation): readonly Counters[] {
  const { state, values } = withPinnedMap(pins.generation(side, 'carried'), (map) => ({
    state: carriedState(map),
    values: readCarried(map),
  }));
  const raw = withPinnedMap(pins.generation(side, 'maps', 'counters'), (map) => readCounters(map, values.length));
  const began = state === 'carry' ? carriedFrom(pins, side, values) : values;
  return raw.map((value, i) => addCounters(value, began[i]));
}

/** What the generation before has for the rules that this one has, too; for the others `own`. */
function carriedFrom(pins: Pins, side: Generation, own: readonly Counters[]): readonly Counters[] {
  const before = side === 0 ? 1 : 0;
  if (!hasGeneration(pins, before)) return own;
  const from = generationObject(pins, before).manifest.counters;
  const to = generationObject(pins, side).manifest.counters;
  const counted = generationCounters(pins, before);
  return matchCounters(from, to).map((index, i) => (index === undefined ? own[i] : counted[index]));
}

/** Settles what a generation in force began with: the one before it must have judged its last packet. */
export function finishCarrying(pins: Pins, side: Generation): void {
  withPinnedMap(pins.generation(side, 'carried'), (map) => {
    const state = carriedState(map);
    const own = readCarried(map);
    if (state !== 'settled') writeCarried(map, state === 'carry' ? carriedFrom(pins, side, own) : own, 'settled');
  });
}

/**
 * Prepares the counters of a generation that is about to be in force: at zero, where `carry` says so; else with what the
 * other one will have counted.
 */
export function prepareCounters(pins: Pins, side: Generation, carry: boolean): void {
  const own = carry ? generationCounters(pins, side) : [];
  withPinnedMap(pins.generation(side, 'maps', 'counters'), (map) => map.clearArray());
  withPinnedMap(pins.generation(side, 'carried'), (map) => {
    const zero = Array.from({ length: map.info.maxEntries - 1 }, () => ({ packets: 0n, bytes: 0n }));
    writeCarried(map, carry ? own : zero, carry ? 'carry' : 'keep');
  });
}

/**
 * Adds what the other generation has counted to the counters of this one, which is in force again: once, however often
 * it is called, for the entries and the note that they hold it are put in the place of the old ones at once.
 */
export function absorbCounters(pins: Pins, side: Generation): void {
  const other = side === 0 ? 1 : 0;
  const from = generationObject(pins, other).manifest.counters;
  const counts = withPinnedMap(pins.generation(other, 'maps', 'counters'), (map) => ({
    id: map.info.id,
    values: readCounters(map, from.length),
  }));
  const path = pins.generation(side, 'carried');
  const began = withPinnedMap(path, (map) => (absorbed(map) === counts.id ? undefined : readCarried(map)));
  if (began === undefined) return;
  const to = generationObject(pins, side).manifest.counters;
  const values = matchCounters(from, to).map((index, i) =>
    index === undefined ? began[i] : addCounters(began[i], counts.values[index]),
  );
  const carried = createCarried(values.length);
  const fresh = pins.generation(side, 'unfinished');
  try {
    writeCarried(carried, values, 'settled', counts.id);
    rmSync(fresh, { force: true });
    pin(carried.fd, fresh);
    renameSync(fresh, path);
  } finally {
    carried.close();
  }
}
