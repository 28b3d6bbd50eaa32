import { mkdirSync, readdirSync } from 'node:fs';
import { createControl, writeControl, type Choice, type Control } from '../../bpf-runtime/dispatch/control.js';
import { createBlob } from '../../bpf-runtime/kernel/blob.js';
import { createProgramArray } from '../../bpf-runtime/kernel/create.js';
import { hasTcx } from '../../bpf-runtime/kernel/link.js';
import { pin } from '../../bpf-runtime/kernel/pin.js';
import { bootTime } from '../../bpf-runtime/system/clock.js';
import { isInterfaceName } from '../../bpf-runtime/system/device.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { withLock } from '../../bpf-runtime/system/lock.js';
import { requireCapabilities, requireKernel } from '../../bpf-runtime/system/requirements.js';
import { addConntrackSwitch } from './conntrack.js';
import { isBlocking, readDeployment, requireNamespace, withDispatchMaps, type Deployment } from './deployment.js';
import { finishCarrying, installGeneration, prepareCounters, removeGeneration } from './generation.js';
import { mend } from './mend.js';
import type { CheckedObject, LiveHook, LiveManifest } from './object.js';
import { makeDirectory, Pins, removeIfEmpty, requireBpfFileSystem } from './pins.js';
import {
  attachPlaces,
  deviceIndex,
  isPlaceThere,
  placesBehind,
  placesOf,
  placeState,
  type DispatchMaps,
} from './places.js';
import { currentNamespace, encodeRecord, type DeploymentRecord, type TcWay, type XdpMode } from './record.js';
import { removeDeployment } from './remove.js';
import { beginComparing } from './shadow.js';
import { hasResidual, hasRulesBeside, setResidualRules } from './residual.js';
import { SLOTS } from './slots.js';

/** How long a command waits for another one, in milliseconds. */
export const PATIENCE = 10_000;

export interface AttachOptions {
  readonly base: string;
  readonly name?: string;
  readonly devices: readonly string[];
  readonly xdpMode?: XdpMode;
  /** At tc; what the running kernel has if left out. */
  readonly tc?: TcWay;
  /** Seconds after which nothing is in force again, unless it is confirmed. */
  readonly confirm?: number;
  /** Devices that are not there: refused (the default), or attached to by the first command after they have come. */
  readonly absent?: 'refuse' | 'later';
  /** Told what earlier commands had left. */
  readonly told?: (text: string) => void;
}

/** The name of a deployment that was given none. */
export function defaultName({ hook, family, table, programs }: LiveManifest): string {
  return hook === 'netfilter' ? `${table}-${family}` : `${hook}-${programs[0].chain.toLowerCase()}-${family}`;
}

/** Throws `no-device` where devices are missing or too many. */
export function requireDevices(hook: LiveHook, devices: readonly string[], absent?: AttachOptions['absent']): void {
  if (hook === 'netfilter' && devices.length > 0) {
    throw new RuntimeError('no-device', 'programs at netfilter are for the whole network namespace: leave --dev out');
  }
  if (hook !== 'netfilter' && devices.length === 0) {
    throw new RuntimeError('no-device', `at ${hook} devices are needed: --dev NAME`);
  }
  for (const device of devices) {
    if (!isInterfaceName(device)) throw new RuntimeError('no-device', `"${device}" cannot be the name of a device`);
    if (absent !== 'later') deviceIndex(device);
  }
}

/** Throws `already-attached` where the name stands for something that is in force, or for what is none of ours. */
export function requireFree(base: string, name: string): void {
  const pins = new Pins(base, name);
  const found = readDeployment(pins);
  if (typeof found !== 'string' && !isBlocking(found)) {
    throw new RuntimeError('already-attached', `${name} is attached: use replace, or another --name`);
  }
  if (pins.exists() && !pins.exists('record') && readdirSync(pins.directory).length > 0) {
    throw new RuntimeError('already-attached', `${pins.directory} is somebody else's: choose another --name`);
  }
}

/**
 * What keeps packets out under the name of an attachment, whose place that would take; undefined where nothing does.
 * Throws `already-attached` where it cannot be attached; `other-namespace`.
 */
export function requireAttachable(base: string, record: DeploymentRecord): Deployment | undefined {
  requireFree(base, record.name);
  const found = readDeployment(new Pins(base, record.name));
  if (typeof found === 'string') return undefined;
  requireNamespace(found);
  const names = (of: DeploymentRecord): string =>
    [of.hook, of.family, ...placesOf(of).map((place) => place.words)].join(' ');
  if (names(found.record) === names(record)) return found;
  throw new RuntimeError('already-attached', `${record.name} keeps packets out at other places: detach it first`);
}

/** What an attachment of the object would be. Throws `no-device` where devices are missing or too many. */
export function planAttach(manifest: LiveManifest, options: AttachOptions): DeploymentRecord {
  const { devices, xdpMode, name, absent } = options;
  requireDevices(manifest.hook, devices, absent);
  return {
    format: 1,
    name: name ?? defaultName(manifest),
    family: manifest.family,
    table: manifest.table,
    hook: manifest.hook,
    chains: manifest.programs.map(({ chain }) => chain),
    devices: [...new Set(devices)],
    xdpMode: xdpMode ?? 'generic',
    role: manifest.shadow === undefined ? 'judge' : 'shadow',
    namespace: currentNamespace(),
    attached: Date.now(),
  };
}

/** The oldest kernel that has what is wanted, as a manifest says it. */
export interface RunningNeeds {
  readonly needs: { readonly kernel: string };
}

/** With the way that the kernel, which may be another than when the record was made, attaches tc programs. */
export function withTcWay(record: DeploymentRecord, wanted?: TcWay): DeploymentRecord {
  return record.hook === 'tc' ? { ...record, tc: wanted ?? (hasTcx() ? 'tcx' : 'clsact') } : record;
}

/** What must hold before anything is changed. Throws what is missing, by name. */
export function requireAbilities(base: string, { needs }: RunningNeeds): void {
  requireKernel(needs.kernel);
  requireCapabilities();
  requireBpfFileSystem(base);
}

/**
 * Runs `body` with the lock, after what earlier commands left has been mended. The directory is made where there is none, and
 * goes where nothing is in it in the end. Throws what is missing, by name.
 */
export function exclusively<T>(base: string, told: ((text: string) => void) | undefined, body: () => T): T {
  requireCapabilities();
  requireBpfFileSystem(base);
  for (;;) {
    makeDirectory(base);
    const done = withLock(base, 'exclusive', PATIENCE, () => {
      try {
        for (const text of mend(base)) told?.(text);
        return body();
      } finally {
        removeIfEmpty(base);
      }
    });
    if (done !== undefined) return done.value;
  }
}

/**
 * Loads an object and puts it in force, at all its chains and devices at the same moment. Whatever ends this on the way
 * (an error, a signal), nothing is in force, and the next command takes away what is left.
 */
export function attach(object: CheckedObject, options: AttachOptions): DeploymentRecord {
  const { base, confirm } = options;
  requireAbilities(base, object.manifest);
  return exclusively(base, options.told, () => {
    const record = withTcWay(planAttach(object.manifest, options), options.tc);
    const pins = new Pins(base, record.name);
    const blocking = requireAttachable(base, record);
    if (blocking !== undefined) {
      takeOver(blocking, object, record, confirmation(confirm, 'block'));
      return record;
    }
    try {
      build(pins, object, record, confirmation(confirm, 'pass'));
    } catch (error) {
      removeDeployment(pins);
      throw error;
    }
    return record;
  });
}

/** For how long what is put in force holds, and what comes after. */
type Confirmation = Required<Pick<Control, 'until' | 'after'>>;

export function confirmation(seconds: number | undefined, after: Choice): Confirmation | undefined {
  return seconds === undefined ? undefined : { until: bootTime() + BigInt(seconds) * 1_000_000_000n, after };
}

/** Writes down what a deployment is, before anything of it is made. */
function pinRecord(pins: Pins, record: DeploymentRecord): void {
  mkdirSync(pins.directory, { recursive: true, mode: 0o700 });
  const blob = createBlob(encodeRecord(record), 'record');
  try {
    pin(blob.fd, pins.at('record'));
  } finally {
    blob.close();
  }
}

/** Everything is made while packets pass; the last step puts it in force. */
function build(pins: Pins, object: CheckedObject, record: DeploymentRecord, confirm: Confirmation | undefined): void {
  make(pins, record, { now: 0, ...confirm }, (maps) => {
    installGeneration(pins, 0, object, maps.programs, undefined);
    prepareCounters(pins, 0, false);
    finishCarrying(pins, 0);
    addConntrackSwitch(object.manifest);
    attachBehind(pins, record, object.manifest, maps);
  });
}

/** Makes a deployment: what `prepare` does comes before the first packet is asked about. */
function make(pins: Pins, record: DeploymentRecord, wanted: Control, prepare: (maps: DispatchMaps) => void): void {
  pinRecord(pins, record);
  const control = createControl();
  const programs = createProgramArray(2 * SLOTS, 'programs');
  try {
    pin(programs.fd, pins.at('programs'));
    prepare({ control, programs });
    attachPlaces(pins, record, placesOf(record).filter(isPlaceThere), { control, programs });
    pin(control.fd, pins.at('control'));
    writeControl(control, wanted);
    if (record.role === 'shadow') beginComparing(pins, 0);
  } finally {
    programs.close();
    control.close();
  }
}

/** What stands behind the programs, and the rules of iptables that answer for them. */
function attachBehind(pins: Pins, record: DeploymentRecord, manifest: LiveManifest, maps: DispatchMaps): void {
  if (manifest.residual !== undefined) {
    const missing = placesBehind(record, 'guard').filter((place) => placeState(pins, place) !== 'attached');
    attachPlaces(pins, record, missing, maps);
  }
  if (manifest.shadow !== undefined) attachPlaces(pins, record, placesBehind(record, 'observer'), maps);
  if (hasResidual(manifest)) setResidualRules(pins, record.family, [{ side: 0, manifest }]);
}

/**
 * Keeps all packets out where a ruleset should be: its places, with no programs. An `attach` of the same name ends it.
 * What is in force under the name stays. The caller need not have the object.
 */
export function block(base: string, record: DeploymentRecord, told?: (text: string) => void): 'blocked' | 'as before' {
  return exclusively(base, told, () => {
    const pins = new Pins(base, record.name);
    if (typeof readDeployment(pins) !== 'string') return 'as before';
    try {
      const now = { ...record, namespace: currentNamespace(), attached: Date.now() };
      make(pins, withTcWay(now), { now: 'block' }, () => undefined);
    } catch (error) {
      removeDeployment(pins);
      throw error;
    }
    return 'blocked';
  });
}

/** Puts a ruleset in the place of {@link block}: no packet passes before it judges. */
function takeOver(
  found: Deployment,
  object: CheckedObject,
  record: DeploymentRecord,
  confirm: Confirmation | undefined,
): void {
  const { pins } = found;
  withDispatchMaps(pins, (maps) => {
    try {
      installGeneration(pins, 0, object, maps.programs, undefined);
      prepareCounters(pins, 0, false);
      finishCarrying(pins, 0);
      addConntrackSwitch(object.manifest);
      attachBehind(pins, record, object.manifest, maps);
    } catch (error) {
      if (hasRulesBeside(record)) setResidualRules(pins, record.family, []);
      removeGeneration(pins, 0, maps.programs);
      throw error;
    }
    writeControl(maps.control, { now: 0, ...confirm });
  });
}
