import { inForce, readControl, type Control, type Generation } from '../../bpf-runtime/dispatch/control.js';
import { readBlob } from '../../bpf-runtime/kernel/blob.js';
import { getPinned } from '../../bpf-runtime/kernel/bpf.js';
import { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { namespaceFile } from '../../bpf-runtime/system/namespace.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { withPinnedMap } from './generation.js';
import { deploymentNames, Pins } from './pins.js';
import type { DispatchMaps } from './places.js';
import { currentNamespace, decodeRecord, type DeploymentRecord } from './record.js';

/** A deployment as it is pinned. */
export interface Deployment {
  readonly pins: Pins;
  readonly record: DeploymentRecord;
  /** What is written; what holds at this moment is {@link inForce} of it. */
  readonly control: Control;
}

/** Why a directory of pins is no deployment that could go on. */
export type Leftover = 'unfinished' | 'over';

/**
 * What is pinned under a name: a deployment; or what an attempt to attach or to detach has left, which was interrupted,
 * or a deployment that nobody confirmed in time: nothing of it is in force.
 */
export function readDeployment(pins: Pins): Deployment | Leftover {
  // The control is pinned last: what is there without one was never in force.
  if (!pins.exists('control')) return 'unfinished';
  const control = withPinnedMap(pins.at('control'), readControl);
  if (inForce(control) === 'pass') return 'over';
  const record = decodeRecord(withPinnedMap(pins.at('record'), readBlob));
  return { pins, record, control };
}

/** The deployments in a directory, in order of their names; without leftovers. */
export function deployments(base: string): readonly Deployment[] {
  return deploymentNames(base).flatMap((name) => {
    const found = readDeployment(new Pins(base, name));
    return typeof found === 'string' ? [] : [found];
  });
}

/** The names of what is left of others: the next command that changes something removes it. */
export function leftovers(base: string): readonly string[] {
  return deploymentNames(base).filter((name) => typeof readDeployment(new Pins(base, name)) === 'string');
}

/** The deployment of a name; without a name the only one. Throws `not-attached`. */
export function findDeployment(base: string, name?: string): Deployment {
  const all = deployments(base);
  const wanted = name === undefined ? all : all.filter(({ record }) => record.name === name);
  if (wanted.length === 1) return wanted[0];
  const names = all.map(({ record }) => record.name).join(', ');
  if (name !== undefined) {
    throw new RuntimeError(
      'not-attached',
      `nothing named ${name} is attached (${names === '' ? 'nothing is' : names})`,
    );
  }
  throw new RuntimeError(
    'not-attached',
    names === '' ? 'nothing is attached' : `several are attached: choose one with --name: ${names}`,
  );
}

/** The generation that judges. Throws `bad-state` where packets are all let through or all kept out. */
export function currentGeneration({ control, record }: Deployment): Generation {
  const choice = inForce(control);
  if (choice === 0 || choice === 1) return choice;
  throw new RuntimeError('bad-state', `${record.name} has no ruleset in force: all packets are ${choice}ed`);
}

/** Whether what waited for its confirmation did so in vain, and the next command has yet to take it away. */
export function isExpired({ control }: Deployment): boolean {
  return control.until !== undefined && inForce(control) !== control.now;
}

/** Whether packets are kept out because a ruleset could not be loaded. */
export function isBlocking({ control }: Deployment): boolean {
  return inForce(control) === 'block';
}

/** Throws `other-namespace` where the deployment is in another network namespace than the calling thread. */
export function requireNamespace({ record }: Deployment): void {
  const { name, namespace } = record;
  if (namespace === currentNamespace()) return;
  const file = namespaceFile(namespace);
  const how = file === undefined ? 'nobody can enter it any more: detach it' : `nsenter --net=${file}`;
  throw new RuntimeError('other-namespace', `${name} is attached in another network namespace (${namespace}): ${how}`);
}

/** Whether the deployment is in a network namespace that nobody can enter: its links alone keep that, and can be taken away from anywhere. */
export function isAbandoned({ namespace }: DeploymentRecord): boolean {
  return namespace !== currentNamespace() && namespaceFile(namespace) === undefined;
}

/** Opens the maps that the dispatchers ask, for the time of `body`. */
export function withDispatchMaps<T>(pins: Pins, body: (maps: DispatchMaps) => T): T {
  const control = new KernelMap(getPinned(pins.at('control')));
  try {
    const programs = new KernelMap(getPinned(pins.at('programs')));
    try {
      return body({ control, programs });
    } finally {
      programs.close();
    }
  } finally {
    control.close();
  }
}
