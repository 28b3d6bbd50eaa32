import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { SystemCallError } from '../../../bpf-runtime/system/libc.js';
import { attach, block, exclusively, requireAbilities } from '../attach.js';
import { currentGeneration, isBlocking, readDeployment } from '../deployment.js';
import { generationObject } from '../generation.js';
import { Pins } from '../pins.js';
import { placesOf, placeState } from '../places.js';
import { replace } from '../replace.js';
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
  const state = readState(directory);
  if (state === undefined) throw new RuntimeError('nothing-saved', `${directory}: nothing is saved there`);
  requireAbilities(base, { needs: { kernel: '0.0' } });
  return state.rulesets.map((ruleset) => restoreOne(state, ruleset, { base, directory, ...withTold(told) }));
}

function withTold(told: RestoreOptions['told']): Pick<RestoreOptions, 'told'> {
  return told === undefined ? {} : { told };
}

function restoreOne({ onFailure }: SavedState, ruleset: SavedRuleset, options: RestoreOptions): Outcome {
  const { record } = ruleset;
  try {
    const state = putInForce(ruleset, options);
    const pins = new Pins(options.base, record.name);
    const waiting = placesOf(record).flatMap((place) =>
      place.device !== undefined && placeState(pins, place) !== 'attached' ? [place.device] : [],
    );
    return { name: record.name, state, waiting };
  } catch (error) {
    if (!(error instanceof RuntimeError || error instanceof SystemCallError)) throw error;
    return {
      ...failed(onFailure, ruleset, options),
      code: 'code' in error ? error.code : 'system-call',
      reason: error.message,
    };
  }
}

function failed(
  onFailure: SavedState['onFailure'],
  { record }: SavedRuleset,
  { base, told }: RestoreOptions,
): Pick<Failed, 'name' | 'state'> {
  const { name } = record;
  if (onFailure === 'closed') return { name, state: block(base, record, told) };
  const found = readDeployment(new Pins(base, name));
  return { name, state: typeof found === 'string' ? 'not in force' : 'as before' };
}

function putInForce(ruleset: SavedRuleset, { base, directory, told }: RestoreOptions): 'in force' | 'in force already' {
  const { record } = ruleset;
  const { name, devices, xdpMode } = record;
  const object = savedObject(directory, ruleset);
  const pins = new Pins(base, name);
  const found = exclusively(base, told, () => readDeployment(pins));
  if (typeof found === 'string' || isBlocking(found)) {
    attach(object, { base, name, devices, xdpMode, absent: 'later', ...withTold(told) });
    return 'in force';
  }
  requireSameDevices(found.record.devices, devices, name);
  const { bytes } = generationObject(pins, currentGeneration(found));
  if (Buffer.compare(bytes, object.bytes) === 0) return 'in force already';
  replace(object, { base, name, ...withTold(told) });
  return 'in force';
}

function requireSameDevices(have: readonly string[], want: readonly string[], name: string): void {
  if ([...have].sort().join(' ') === [...want].sort().join(' ')) return;
  throw new RuntimeError('already-attached', `${name} is attached at ${have.join(', ')}, not at ${want.join(', ')}`);
}
