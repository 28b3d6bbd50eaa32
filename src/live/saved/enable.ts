import { existsSync, lstatSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Family } from '../../../grammar/model/family.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { makeFolder } from '../../../bpf-runtime/system/folder.js';
import { exclusively } from '../attach.js';
import { currentGeneration, deployments, findDeployment, requireNamespace, type Deployment } from '../deployment.js';
import { generationObject } from '../generation.js';
import type { DeploymentRecord } from '../record.js';
import { removeState, saveState, stateDirectory, statePaths, writeDurably, type OnFailure } from './store.js';
import { BLOCK_UNIT, blockTool, bootUnits, DEVICE_UNIT, UDEV_RULES, udevRules, UNIT } from './units.js';

/** A ruleset to save. */
export interface ToSave {
  readonly record: DeploymentRecord;
  readonly bytes: Uint8Array;
}

/** Where things are written, below the root of a file system. */
export interface BootPlaces {
  readonly state: string;
  readonly units: string;
  readonly udev: string;
}

export function bootPlaces(root: string): BootPlaces {
  return {
    state: stateDirectory(root),
    units: join(root, 'etc/systemd/system'),
    udev: join(root, 'etc/udev/rules.d'),
  };
}

/** The objects that are in force, all or the one of a name. Throws `not-attached`; `already-attached` where one waits for its confirmation. */
export function attachedRulesets(base: string, name?: string, told?: (text: string) => void): readonly ToSave[] {
  return exclusively(base, told, () => {
    const found = name === undefined ? deployments(base) : [findDeployment(base, name)];
    if (found.length === 0)
      throw new RuntimeError('not-attached', 'nothing is attached: attach it first, or give a dump');
    return found.map(toSave);
  });
}

function toSave(deployment: Deployment): ToSave {
  const { pins, record, control } = deployment;
  requireNamespace(deployment);
  if (control.until !== undefined) {
    throw new RuntimeError('already-attached', `${record.name} waits for its confirmation: ipt2bpf confirm`);
  }
  if (record.role === 'shadow') {
    throw new RuntimeError('bad-state', `${record.name} only compares with iptables: attach it for good first`);
  }
  return { record, bytes: generationObject(pins, currentGeneration(deployment)).bytes };
}

export interface EnableOptions {
  /** `/`, or where a file system is being made. */
  readonly root: string;
  readonly onFailure: OnFailure;
  /** Words that run this tool when the machine starts. */
  readonly command: readonly string[];
  /** False: the state alone is written, something else than systemd runs `restore`. */
  readonly units: boolean;
}

export interface Enabled {
  /** Paths that have been written. */
  readonly written: readonly string[];
  /** Devices that rulesets are at and that somebody makes when the machine runs. */
  readonly later: readonly string[];
}

interface Plan extends Enabled {
  readonly places: BootPlaces;
  /** Names of files and their texts. */
  readonly units: Readonly<Record<string, string>>;
  readonly udev: Readonly<Record<string, string>>;
}

/**
 * What {@link enable} would do. Throws what keeps it from that: `command-missing` where packets are to be kept out on failure and
 * what would do it is not installed; `no-folder` where there is no such root.
 */
export function planEnable(rulesets: readonly ToSave[], { root, onFailure, command, units }: EnableOptions): Plan {
  requireRoot(root);
  const places = bootPlaces(root);
  if (!units) return { places, units: {}, udev: {}, written: [places.state], later: [] };
  // Whether systemd can be told is asked first: afterwards half of it would be done.
  run('systemctl', ['--version']);
  const families = [...new Set(rulesets.map(({ record }) => record.family))];
  if (onFailure === 'closed') requireBlockTools(root, families);
  const devices = [...new Set(rulesets.flatMap(({ record }) => record.devices))];
  const hardware = devices.filter((name) => existsSync(join('/sys/class/net', name, 'device')));
  const texts = bootUnits({ onFailure, command, families, devices, hardware });
  const udev: Readonly<Record<string, string>> = devices.length > 0 ? { [UDEV_RULES]: udevRules(devices) } : {};
  const paths = (folder: string, files: object): readonly string[] =>
    Object.keys(files).map((name) => join(folder, name));
  return {
    places,
    units: texts,
    udev,
    written: [places.state, ...paths(places.units, texts), ...paths(places.udev, udev)],
    later: devices.filter((name) => !hardware.includes(name)),
  };
}

/** Saves rulesets, in the place of those saved before, and has systemd load them before the network. Throws as {@link planEnable}. */
export function enable(rulesets: readonly ToSave[], options: EnableOptions): Enabled {
  const { places, units, udev, written, later } = planEnable(rulesets, options);
  const { root, onFailure } = options;
  saveState(places.state, onFailure, rulesets);
  if (!options.units) return { written, later };
  writeAll(places.units, units);
  writeAll(places.udev, udev);
  removeUnits(places, Object.keys(units));
  systemctl(root, 'enable', UNIT);
  return { written, later };
}

/** A path that is mistyped would be made, and nothing of it read at the next start: the last folder alone may be new. */
export function requireRoot(root: string): void {
  if (statSync(dirname(root), { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new RuntimeError('no-folder', `${root}: there is no folder ${dirname(root)}`);
}

function requireBlockTools(root: string, families: readonly Family[]): void {
  const missing = families.map(blockTool).find((tool) => !isInstalled(root, tool));
  if (missing === undefined) return;
  throw new RuntimeError(
    'command-missing',
    `${missing} is not installed: it keeps packets out where rulesets cannot be loaded; install it, or say --on-failure open`,
  );
}

const PROGRAMS = ['usr/sbin', 'usr/bin', 'sbin', 'bin', 'usr/local/sbin', 'usr/local/bin'];

/** In a file system that is being made, programs are looked for, if it has any yet: they cannot be run. */
function isInstalled(root: string, tool: string): boolean {
  if (root === '/') return hasCommand(tool);
  const folders = PROGRAMS.map((folder) => join(root, folder)).filter((folder) => existsSync(folder));
  // Links lead to places in that file system, not in this one: they need not be there.
  const has = (folder: string): boolean => lstatSync(join(folder, tool), { throwIfNoEntry: false }) !== undefined;
  return folders.length === 0 || folders.some(has);
}

function writeAll(directory: string, texts: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(texts)) {
    makeFolder(directory);
    writeDurably(join(directory, name), text, 0o644);
  }
}

/** What {@link disable} would return, and the paths that it would remove. Changes nothing. */
export function planDisable(root: string): { readonly was: boolean; readonly removes: readonly string[] } {
  const places = bootPlaces(root);
  const state = statePaths(places.state);
  const removes = [...state, ...unitPaths(places, [])].filter((path) => existsSync(path));
  return { was: [state[0], join(places.units, UNIT)].some((path) => removes.includes(path)), removes };
}

/** Forgets what is saved. What is in force stays. Whether there was something. */
export function disable(root: string): boolean {
  const places = bootPlaces(root);
  const unit = existsSync(join(places.units, UNIT));
  if (unit) systemctl(root, 'disable', UNIT);
  removeUnits(places, []);
  if (unit && root === '/') tellSystemd();
  return removeState(places.state) || unit;
}

/** Removes units of ours, all but some. */
function removeUnits(places: BootPlaces, but: readonly string[]): void {
  for (const path of unitPaths(places, but)) rmSync(path, { force: true });
}

/** Where units of ours may be, all but some, and the rules of udev that are for one of them. */
function unitPaths({ units, udev }: BootPlaces, but: readonly string[]): readonly string[] {
  const names = [UNIT, BLOCK_UNIT, DEVICE_UNIT].filter((name) => !but.includes(name));
  const rules = but.includes(DEVICE_UNIT) ? [] : [join(udev, UDEV_RULES)];
  return [...names.map((name) => join(units, name)), ...rules];
}

function systemctl(root: string, verb: 'enable' | 'disable', unit: string): void {
  run('systemctl', [...(root === '/' ? [] : [`--root=${root}`]), verb, unit]);
  if (root === '/') tellSystemd();
}

/** New files are seen at the next start of the machine in any case; a container may have no systemd that could be told. */
function tellSystemd(): void {
  if (!existsSync('/run/systemd/system')) return;
  run('systemctl', ['daemon-reload']);
  run('udevadm', ['control', '--reload']);
}
