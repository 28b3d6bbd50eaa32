import { inForce } from '../../bpf-runtime/dispatch/control.js';
import { bootTime } from '../../bpf-runtime/system/clock.js';
import { withLock } from '../../bpf-runtime/system/lock.js';
import type { Counters } from '../../grammar/model/ruleset.js';
import { PATIENCE } from './attach.js';
import { isBlocking, isExpired, readDeployment, type Deployment } from './deployment.js';
import { generationCounters, generationObject, wasInForce } from './generation.js';
import type { LiveManifest } from './object.js';
import { readComparison, type Comparison } from './shadow.js';
import { deploymentNames, Pins } from './pins.js';
import { placesOf, placeState, type PlaceState } from './places.js';
import type { DeploymentRecord } from './record.js';

export interface DeploymentStatus {
  readonly record: DeploymentRecord;
  readonly state: 'in force' | 'shadow';
  readonly manifest: LiveManifest;
  readonly counters: readonly Counters[];
  readonly places: readonly { readonly words: string; readonly state: PlaceState }[];
  /** Of programs that only compare. */
  readonly comparison?: Comparison;
  /** Seconds that are left to confirm. */
  readonly confirm?: number;
  /** What was not confirmed in time is still there, out of force, with its rules of iptables: the next command removes it. */
  readonly expired?: true;
  /** What `rollback` would go back to: the name of its dump. */
  readonly before?: string;
}

/** What is not as it should be, and who mends it. */
export interface LeftoverStatus {
  readonly name: string;
  readonly state: 'not in force' | 'unfinished';
}

/** Where no packet passes, because a ruleset that was to be there could not be loaded. */
export interface BlockedStatus {
  readonly name: string;
  readonly places: DeploymentStatus['places'];
}

export interface Status {
  readonly deployments: readonly DeploymentStatus[];
  readonly blocked: readonly BlockedStatus[];
  readonly leftovers: readonly LeftoverStatus[];
}

/** Reads what is attached, while nobody changes it. */
export function readStatus(base: string, name?: string): Status {
  const read = withLock(base, 'shared', PATIENCE, () => {
    const deployments: DeploymentStatus[] = [];
    const blocked: BlockedStatus[] = [];
    const leftovers: LeftoverStatus[] = [];
    for (const one of deploymentNames(base).filter((known) => name === undefined || known === name)) {
      const found = readDeployment(new Pins(base, one));
      if (found === 'over') leftovers.push({ name: one, state: 'not in force' });
      else if (found === 'unfinished') leftovers.push({ name: one, state: 'unfinished' });
      else if (isBlocking(found)) blocked.push({ name: one, places: placeStates(found) });
      else deployments.push(statusOf(found));
    }
    return { deployments, blocked, leftovers };
  });
  return read?.value ?? { deployments: [], blocked: [], leftovers: [] };
}

function placeStates({ pins, record }: Deployment): DeploymentStatus['places'] {
  return placesOf(record).map((place) => ({ words: place.words, state: placeState(pins, place) }));
}

function statusOf(deployment: Deployment): DeploymentStatus {
  const { pins, record, control } = deployment;
  const choice = inForce(control);
  const side = choice === 0 || choice === 1 ? choice : 0;
  const { manifest } = generationObject(pins, side);
  const before = side === 0 ? 1 : 0;
  const left = control.until === undefined ? undefined : Number(control.until - bootTime()) / 1e9;
  return {
    record,
    state: record.role === 'shadow' ? 'shadow' : 'in force',
    manifest,
    counters: generationCounters(pins, side),
    places: placeStates(deployment),
    ...(record.role === 'shadow' ? { comparison: readComparison(pins, side, record.chains) } : {}),
    ...(left === undefined || left < 0 ? {} : { confirm: Math.ceil(left) }),
    ...(isExpired(deployment) ? { expired: true } : {}),
    ...(!isExpired(deployment) && wasInForce(pins, before)
      ? { before: generationObject(pins, before).manifest.sourceFile }
      : {}),
  };
}
