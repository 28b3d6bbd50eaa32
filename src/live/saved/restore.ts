import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { SystemCallError } from '../../../bpf-runtime/system/libc.js';
import { attach, block, exclusively, requireAbilities, withTcWay } from '../attach.js';
import { currentGeneration, isBlocking, readDeployment, type Deployment, type Leftover } from '../deployment.js';
import { generationObject } from '../generation.js';
import { Pins } from '../pins.js';
import { isPlaceThere, placesOf, placeState } from '../places.js';
import { currentNamespace } from '../record.js';
import { rehearse, type Rehearsal } from '../rehearse.js';
import { planReplace, replace } from '../replace.js';
import { planRules, type RuleChange } from '../residual.js';
import { readState, savedObject, type SavedRuleset, type SavedState } from './store.js';

export type Outcome =
  /** `waiting`: devices that are not there yet. */
  | { readonly name: string; readonly state: 'in force' | 'in force already'; readonly waiting: readonly string[] }
  /** `blocked`: no packet passes there; `as before`: an earlier ruleset goes on; `not in force`: nothing judges. */
  | {
      readonly name: string;
      readonly state: 'blocked' | 'as before' | 'not in force';
      readonly code: string;
      readonly reason: string;
    };

type Failed = Extract<Outcome, { readonly reason: string }>;

export interface RestoreOptions {
  readonly base: string;
  /** Where the state is saved. */
  readonly directory: string;
  readonly told?: (text: string) => void;
}

/**
 * Puts all saved rulesets in force: those that are not yet are attached, others replaced where they are another one. Where
 * that fails, packets are kept out, or let through, as was chosen when they were saved. Throws `nothing-saved`; and what
 * keeps even that from being done: missing permission or BPF file system.
 */
export function restore({ base, directory, told }: RestoreOptions): readonly Outcome[] {
  const state = stateToRestore(base, directory);
  return state.rulesets.map((ruleset) => restoreOne(state, ruleset, { base, directory, ...withTold(told) }));
}

function stateToRestore(base: string, directory: string): SavedState {
  const state = readState(directory);
  if (state === undefined) throw new RuntimeError('nothing-saved', `${directory}: nothing is saved there`);
  requireAbilities(base, { needs: { kernel: '0.0' } });
  return state;
}

/** What would become of a saved ruleset: `waiting` are devices that are not there yet. */
export type RestorePlan =
  | {
      readonly name: string;
      readonly would: 'attach' | 'replace' | 'keep';
      readonly places: readonly string[];
      readonly waiting: readonly string[];
      /** What the kernel says of it; left out where it is in force already. */
      readonly loads?: Rehearsal;
      readonly iptables: RuleChange;
    }
  | Failed;

/** What {@link restore} would do: programs are loaded, and let go of. Throws as it does. */
export function planRestore({ base, directory }: RestoreOptions): readonly RestorePlan[] {
  const state = stateToRestore(base, directory);
  return state.rulesets.map((ruleset) =>
    orFailed(
      () => planOne(ruleset, base, directory),
      () => planFailed(state.onFailure, ruleset, base),
    ),
  );
}

function planOne(ruleset: SavedRuleset, base: string, directory: string): RestorePlan {
  const { record } = ruleset;
  const object = savedObject(directory, ruleset);
  const { manifest, bytes } = object;
  const pins = new Pins(base, record.name);
  const found = readDeployment(pins);
  const places = placesOf(record);
  const common = {
    name: record.name,
    places: places.map(({ words }) => words),
    waiting: places.flatMap((place) => (place.device === undefined || isPlaceThere(place) ? [] : [place.device])),
  };
  const would = wayTo(ruleset, found, bytes);
  if (would === 'keep') return { ...common, would, iptables: { gets: [], loses: [] } };
  requireAbilities(base, manifest);
  if (would === 'replace' && typeof found !== 'string') {
    const iptables = planReplace(found, manifest, false);
    return { ...common, would, loads: rehearse(object), iptables };
  }
  const here = withTcWay({ ...record, namespace: currentNamespace() });
  const loads = rehearse(object, typeof found === 'string' ? here : undefined);
  return { ...common, would, loads, iptables: planRules(pins, here, [{ side: 0, manifest }], 0) };
}

/** How a saved ruleset gets into force where something is there. */
function wayTo(
  { record }: SavedRuleset,
  found: Deployment | Leftover,
  bytes: Uint8Array,
): 'attach' | 'replace' | 'keep' {
  if (typeof found === 'string' || isBlocking(found)) return 'attach';
  requireSameDevices(found.record.devices, record.devices, record.name);
  const running = generationObject(found.pins, currentGeneration(found));
  return Buffer.compare(running.bytes, bytes) === 0 ? 'keep' : 'replace';
}

function withTold(told: RestoreOptions['told']): Pick<RestoreOptions, 'told'> {
  return told === undefined ? {} : { told };
}

function restoreOne({ onFailure }: SavedState, ruleset: SavedRuleset, options: RestoreOptions): Outcome {
  const { record } = ruleset;
  return orFailed(
    () => {
      const state = putInForce(ruleset, options);
      const pins = new Pins(options.base, record.name);
      const waiting = placesOf(record).flatMap((place) =>
        place.device !== undefined && placeState(pins, place) !== 'attached' ? [place.device] : [],
      );
      return { name: record.name, state, waiting };
    },
    () => failed(onFailure, ruleset, options),
  );
}

/** What `body` returns; where it fails, why, and what `failed` says is in force then. */
function orFailed<T>(body: () => T, failed: () => Pick<Failed, 'name' | 'state'>): T | Failed {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RuntimeError || error instanceof SystemCallError)) throw error;
    return { ...failed(), code: 'code' in error ? error.code : 'system-call', reason: error.message };
  }
}

function failed(
  onFailure: SavedState['onFailure'],
  { record }: SavedRuleset,
  { base, told }: RestoreOptions,
): Pick<Failed, 'name' | 'state'> {
  const { name } = record;
  if (onFailure === 'closed') return { name, state: block(base, record, told) };
  return { name, state: stateWithout(onFailure, new Pins(base, name)) };
}

function planFailed(
  onFailure: SavedState['onFailure'],
  { record: { name } }: SavedRuleset,
  base: string,
): Pick<Failed, 'name' | 'state'> {
  return { name, state: stateWithout(onFailure, new Pins(base, name)) };
}

/** What is in force where a saved ruleset is not. */
function stateWithout(onFailure: SavedState['onFailure'], pins: Pins): Failed['state'] {
  if (typeof readDeployment(pins) !== 'string') return 'as before';
  return onFailure === 'closed' ? 'blocked' : 'not in force';
}

function putInForce(ruleset: SavedRuleset, { base, directory, told }: RestoreOptions): 'in force' | 'in force already' {
  const { record } = ruleset;
  const { name, devices, xdpMode } = record;
  const object = savedObject(directory, ruleset);
  const pins = new Pins(base, name);
  const found = exclusively(base, told, () => readDeployment(pins));
  switch (wayTo(ruleset, found, object.bytes)) {
    case 'keep':
      return 'in force already';
    case 'attach':
      attach(object, { base, name, devices, xdpMode, absent: 'later', ...withTold(told) });
      return 'in force';
    case 'replace':
      replace(object, { base, name, ...withTold(told) });
      return 'in force';
  }
}

function requireSameDevices(have: readonly string[], want: readonly string[], name: string): void {
  if ([...have].sort().join(' ') === [...want].sort().join(' ')) return;
  throw new RuntimeError('already-attached', `${name} is attached at ${have.join(', ')}, not at ${want.join(', ')}`);
}
