import { closeSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { CONTROL_MAP, dispatcherSpec, PROGRAMS_MAP, type DispatcherEntry } from '../../bpf-runtime/dispatch/program.js';
import { addFilter, hasFilter, removeFilters, type Direction } from '../../bpf-runtime/kernel/clsact.js';
import { attachTcx, attachXdp, type Link } from '../../bpf-runtime/kernel/link.js';
import { readPinnedLink } from '../../bpf-runtime/kernel/link-info.js';
import type { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { pin } from '../../bpf-runtime/kernel/pin.js';
import { getPinned } from '../../bpf-runtime/kernel/bpf.js';
import { readProgramInfo, type LoadedProgram } from '../../bpf-runtime/kernel/program.js';
import { loadPrograms, type LoadedObject } from '../../bpf-runtime/kernel/raw-load.js';
import { objectPriority } from '../../bpf-runtime/netfilter/attach.js';
import { attachNetfilter } from '../../bpf-runtime/netfilter/link.js';
import { interfaceIndex } from '../../bpf-runtime/system/device.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { SystemCallError } from '../../bpf-runtime/system/libc.js';
import { type BuiltinChain, isLeaving } from '../../grammar/model/family.js';
import { pinName, type Pins } from './pins.js';
import { currentNamespace, type DeploymentRecord } from './record.js';
import { slotOf, SLOTS } from './slots.js';

/** Somewhere packets come by, and how they are brought to a dispatcher. */
export interface Place {
  /** File name of its pin. */
  readonly pin: string;
  /** For people. */
  readonly words: string;
  /** The dispatcher there. */
  readonly entry: DispatcherEntry;
  readonly device?: string;
  readonly way: Way;
}

/** Either a link, which is pinned, or a filter that holds itself, whose program is pinned: so it is known again. */
type Way =
  | { readonly kind: 'link'; attach(dispatcher: LoadedProgram): Link }
  | { readonly kind: 'filter'; readonly direction: Direction; readonly device: string; readonly namespace: string };

/** The maps that dispatchers ask. */
export interface DispatchMaps {
  readonly control: KernelMap;
  readonly programs: KernelMap;
}

/** What stands behind the programs of a netfilter deployment. */
export type Behind = 'guard' | 'observer';

/** Where a deployment's programs are attached. */
export function placesOf(record: DeploymentRecord): readonly Place[] {
  return record.hook === 'netfilter' ? record.chains.map((chain) => chainPlace(record, chain)) : devicePlaces(record);
}

function chainPlace({ family, table }: DeploymentRecord, chain: BuiltinChain): Place {
  return {
    pin: chain.toLowerCase(),
    words: table === 'filter' ? `netfilter ${chain}` : `netfilter ${chain}, table ${table}`,
    entry: { name: `dispatch_${chain.toLowerCase()}`, slot: slotOf(chain), vacant: 'drop' },
    way: {
      kind: 'link',
      attach: (program) =>
        attachNetfilter(program, { family, hook: chain, priority: objectPriority(table, 'programs') }),
    },
  };
}

/** Behind table filter of iptables, in the same chains. */
export function placesBehind({ family, table, chains }: DeploymentRecord, what: Behind): readonly Place[] {
  return chains.map((chain) => ({
    pin: `${chain.toLowerCase()}_${what}`,
    words: `netfilter ${chain}, behind table ${table}`,
    entry: { name: `dispatch_${what}`, slot: slotOf(what), vacant: 'pass' },
    way: {
      kind: 'link',
      attach: (program) => attachNetfilter(program, { family, hook: chain, priority: objectPriority(table, 'behind') }),
    },
  }));
}

function devicePlaces(record: DeploymentRecord): readonly Place[] {
  const { hook, devices, chains, xdpMode, tc } = record;
  const direction = isLeaving(chains[0]) ? 'egress' : 'ingress';
  const entry: DispatcherEntry = { name: 'dispatch', slot: slotOf('wire'), vacant: 'drop' };
  const by = tc === 'clsact' ? ' (clsact)' : '';
  return devices.map((device) => ({
    pin: pinName(device),
    words: hook === 'xdp' ? `XDP of ${device} (${xdpMode})` : `tc ${direction} of ${device}${by}`,
    entry,
    device,
    way: deviceWay(record, device, direction),
  }));
}

function deviceWay({ hook, tc, xdpMode, namespace }: DeploymentRecord, device: string, direction: Direction): Way {
  if (hook === 'xdp') return { kind: 'link', attach: (program) => attachXdp(program, deviceIndex(device), xdpMode) };
  if (tc === 'clsact') return { kind: 'filter', direction, device, namespace };
  return { kind: 'link', attach: (program) => attachTcx(program, deviceIndex(device), direction) };
}

/** Throws `no-device` where there is none of that name in the calling thread's network namespace. */
export function deviceIndex(device: string): number {
  try {
    return interfaceIndex(device);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new RuntimeError('no-device', `there is no device ${device} here`);
  }
}

/** Whether the device of a place is there, if it has one. */
export function isPlaceThere({ device }: Place): boolean {
  if (device === undefined) return true;
  try {
    deviceIndex(device);
    return true;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'no-device') return false;
    throw error;
  }
}

/** Loads the dispatchers of some places: each once, whatever the number of its places. The caller closes them. */
export function loadDispatchers(
  { hook, family }: Pick<DeploymentRecord, 'hook' | 'family'>,
  places: readonly Place[],
  maps: DispatchMaps,
): LoadedObject {
  const entries = [...new Map(places.map(({ entry }) => [entry.name, entry])).values()];
  const given = new Map([
    [CONTROL_MAP, maps.control],
    [PROGRAMS_MAP, maps.programs],
  ]);
  return loadPrograms(dispatcherSpec({ hook, family, slots: SLOTS, entries }), { maps: given });
}

/** Attaches dispatchers at places, and pins the links. */
export function attachPlaces(pins: Pins, record: DeploymentRecord, places: readonly Place[], maps: DispatchMaps): void {
  if (places.length === 0) return;
  const loaded = loadDispatchers(record, places, maps);
  mkdirSync(pins.at('links'), { recursive: true, mode: 0o700 });
  try {
    for (const place of places) {
      const program = loaded.programs.get(place.entry.name);
      if (program === undefined) throw new RuntimeError('no-program', `there is no dispatcher ${place.entry.name}`);
      attachPlace(pins, place, program, record.name);
    }
  } finally {
    loaded.close();
  }
}

function attachPlace(pins: Pins, { pin: file, way }: Place, program: LoadedProgram, name: string): void {
  switch (way.kind) {
    case 'link': {
      const link = way.attach(program);
      try {
        keep(pins, file, link.fd);
      } finally {
        link.close();
      }
      return;
    }
    case 'filter': {
      const index = deviceIndex(way.device);
      // Before it is attached: no filter of ours is ever without the pin that it is known by.
      keep(pins, file, program.fd);
      addFilter(program.fd, index, way.direction, `ipt2bpf ${name}`);
    }
  }
}

/** Pins something in the place of an earlier pin, if there is one. */
function keep(pins: Pins, file: string, fd: number): void {
  const unfinished = pins.at('links', 'unfinished');
  rmSync(unfinished, { force: true });
  pin(fd, unfinished);
  renameSync(unfinished, pins.at('links', file));
}

export type PlaceState = 'attached' | 'device gone' | 'not attached' | 'in another network namespace';

/** Whether packets that come by a place are judged. */
export function placeState(pins: Pins, place: Place): PlaceState {
  const { pin: file, device, way } = place;
  if (!pins.exists('links', file)) return 'not attached';
  if (way.kind === 'filter') return filterState(pins, place, way);
  const { interfaceIndex: index } = readPinnedLink(pins.at('links', file));
  return device !== undefined && index === 0 ? 'device gone' : 'attached';
}

type FilterWay = Extract<Way, { readonly kind: 'filter' }>;

function filterState(pins: Pins, place: Place, { device, direction, namespace }: FilterWay): PlaceState {
  if (namespace !== currentNamespace()) return 'in another network namespace';
  if (!isPlaceThere(place)) return 'device gone';
  return hasFilter(pinnedProgram(pins, place), deviceIndex(device), direction) ? 'attached' : 'not attached';
}

/** The kernel's number of the program that is pinned for a place. */
function pinnedProgram(pins: Pins, { pin: file }: Place): number {
  const fd = getPinned(pins.at('links', file));
  try {
    return readProgramInfo(fd).id;
  } finally {
    closeSync(fd);
  }
}

/** Takes away what holds itself; links go with their pins. */
export function detachFilters(pins: Pins, record: DeploymentRecord): void {
  for (const place of placesOf(record)) {
    const { way } = place;
    if (way.kind !== 'filter' || way.namespace !== currentNamespace()) continue;
    if (!pins.exists('links', place.pin) || !isPlaceThere(place)) continue;
    removeFilters(pinnedProgram(pins, place), deviceIndex(way.device), way.direction);
  }
}
