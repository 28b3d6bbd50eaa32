import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { CONTROL_MAP, dispatcherSpec, PROGRAMS_MAP, type DispatcherEntry } from '../../bpf-runtime/dispatch/program.js';
import { attachTcx, attachXdp, type Link } from '../../bpf-runtime/kernel/link.js';
import { readPinnedLink } from '../../bpf-runtime/kernel/link-info.js';
import type { KernelMap } from '../../bpf-runtime/kernel/map.js';
import type { LoadedProgram } from '../../bpf-runtime/kernel/program.js';
import { loadPrograms } from '../../bpf-runtime/kernel/raw-load.js';
import { OBJECT_PRIORITY } from '../../bpf-runtime/netfilter/attach.js';
import { attachNetfilter } from '../../bpf-runtime/netfilter/link.js';
import { interfaceIndex } from '../../bpf-runtime/system/device.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { SystemCallError } from '../../bpf-runtime/system/libc.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { pinName, type Pins } from './pins.js';
import type { DeploymentRecord } from './record.js';
import { slotOf, SLOTS } from './slots.js';

/** Somewhere packets come by, with the link that brings them to a dispatcher. */
export interface Place {
  /** File name of its pin. */
  readonly pin: string;
  /** For people. */
  readonly words: string;
  /** The dispatcher there. */
  readonly entry: DispatcherEntry;
  readonly device?: string;
  attach(dispatcher: LoadedProgram): Link;
}

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

function chainPlace({ family }: DeploymentRecord, chain: BuiltinChain): Place {
  return {
    pin: chain.toLowerCase(),
    words: `netfilter ${chain}`,
    entry: { name: `dispatch_${chain.toLowerCase()}`, slot: slotOf(chain), vacant: 'drop' },
    attach: (program) => attachNetfilter(program, { family, hook: chain, priority: OBJECT_PRIORITY.programs }),
  };
}

/** Behind table filter of iptables, in the same chains. */
export function placesBehind({ family, chains }: DeploymentRecord, what: Behind): readonly Place[] {
  return chains.map((chain) => ({
    pin: `${chain.toLowerCase()}_${what}`,
    words: `netfilter ${chain}, behind table filter`,
    entry: { name: `dispatch_${what}`, slot: slotOf(what), vacant: 'pass' },
    attach: (program) => attachNetfilter(program, { family, hook: chain, priority: OBJECT_PRIORITY.guard }),
  }));
}

function devicePlaces({ hook, devices, chains, xdpMode }: DeploymentRecord): readonly Place[] {
  const direction = chains[0] === 'OUTPUT' ? 'egress' : 'ingress';
  const entry: DispatcherEntry = { name: 'dispatch', slot: slotOf('wire'), vacant: 'drop' };
  return devices.map((device) => ({
    pin: pinName(device),
    words: hook === 'xdp' ? `XDP of ${device} (${xdpMode})` : `tc ${direction} of ${device}`,
    entry,
    device,
    attach: (program) => {
      const index = deviceIndex(device);
      return hook === 'xdp' ? attachXdp(program, index, xdpMode) : attachTcx(program, index, direction);
    },
  }));
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

/** Attaches dispatchers at places, and pins the links. A dispatcher is loaded once, whatever the number of its places. */
export function attachPlaces(pins: Pins, record: DeploymentRecord, places: readonly Place[], maps: DispatchMaps): void {
  if (places.length === 0) return;
  const entries = [...new Map(places.map(({ entry }) => [entry.name, entry])).values()];
  const { hook, family } = record;
  const given = new Map([
    [CONTROL_MAP, maps.control],
    [PROGRAMS_MAP, maps.programs],
  ]);
  const loaded = loadPrograms(dispatcherSpec({ hook, family, slots: SLOTS, entries }), { maps: given });
  mkdirSync(pins.at('links'), { recursive: true, mode: 0o700 });
  try {
    for (const place of places) {
      const program = loaded.programs.get(place.entry.name);
      if (program === undefined) throw new RuntimeError('no-program', `there is no dispatcher ${place.entry.name}`);
      const link = place.attach(program);
      try {
        pinLink(pins, place, link);
      } finally {
        link.close();
      }
    }
  } finally {
    loaded.close();
  }
}

/** In the place of an earlier pin, if there is one. */
function pinLink(pins: Pins, { pin }: Place, link: Link): void {
  const unfinished = pins.at('links', 'unfinished');
  rmSync(unfinished, { force: true });
  link.pin(unfinished);
  renameSync(unfinished, pins.at('links', pin));
}

export type PlaceState = 'attached' | 'device gone' | 'not attached';

/** Whether packets that come by a place are judged. */
export function placeState(pins: Pins, { pin, device }: Place): PlaceState {
  if (!pins.exists('links', pin)) return 'not attached';
  const { interfaceIndex: index } = readPinnedLink(pins.at('links', pin));
  return device !== undefined && index === 0 ? 'device gone' : 'attached';
}
