import { writeControl, type Generation } from '../../bpf-runtime/dispatch/control.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { confirmation, exclusively, requireAbilities } from './attach.js';
import { addConntrackSwitch } from './conntrack.js';
import {
  currentGeneration,
  findDeployment,
  isAbandoned,
  isExpired,
  requireNamespace,
  withDispatchMaps,
  type Deployment,
} from './deployment.js';
import { finishCarrying, generationObject, installGeneration, prepareCounters, wasInForce } from './generation.js';
import type { CheckedObject, LiveManifest } from './object.js';
import { attachPlaces, placesBehind, placeState, type DispatchMaps } from './places.js';
import { removeDeployment } from './remove.js';
import { beginComparing } from './shadow.js';
import { hasResidual, ownersOf, planRules, setResidualRules, settleResidual, type RuleChange } from './residual.js';

export interface ChangeOptions {
  readonly base: string;
  readonly name?: string;
  readonly told?: (text: string) => void;
}

export interface ReplaceOptions extends ChangeOptions {
  /** Begin with counters at zero, instead of those of the rules that stay. */
  readonly zero?: boolean;
  /** Seconds after which the ruleset before is in force again, unless it is confirmed. */
  readonly confirm?: number;
}

/** Throws `bad-object` where an object cannot take the place of another one. */
function requireSamePlaces({ record }: Deployment, manifest: LiveManifest): void {
  const { hook, family, table, chains, role } = record;
  if ((manifest.shadow !== undefined) !== (role === 'shadow')) {
    throw new RuntimeError(
      'bad-object',
      `${record.name} ${role === 'shadow' ? 'only compares with iptables: detach it first' : 'judges: what is to take its place would not'}`,
    );
  }
  const is = (m: Pick<LiveManifest, 'hook' | 'family' | 'table'>, c: readonly string[]): string =>
    `${m.hook}, ${m.family}, table ${m.table}, ${c.join(' ')}`;
  const [have, want] = [
    is(
      manifest,
      manifest.programs.map(({ chain }) => chain),
    ),
    is({ hook, family, table }, chains),
  ];
  if (have === want) return;
  throw new RuntimeError('bad-object', `${record.name} is for ${want}; what is to take its place is for ${have}`);
}

/**
 * Puts another ruleset in the place of the one that is in force, in all chains and at all devices at the same moment: each
 * packet is judged by the one or the other, whole. Whatever ends this on the way, one of them is in force.
 */
export function replace(object: CheckedObject, options: ReplaceOptions): Deployment {
  const { base, name, zero, confirm } = options;
  requireAbilities(base, object.manifest);
  return exclusively(base, options.told, () => {
    const deployment = findDeployment(base, name);
    requireReplaceable(deployment, object.manifest);
    const { pins } = deployment;
    const before = currentGeneration(deployment);
    const side = before === 0 ? 1 : 0;
    withDispatchMaps(pins, (maps) => {
      installGeneration(pins, side, object, maps.programs, before);
      addConntrackSwitch(object.manifest);
      putInForce(deployment, maps, side, zero !== true, confirmation(confirm, before));
    });
    return deployment;
  });
}

/** Throws what keeps an object from taking the place of what is in force: `bad-object`, `already-attached`, `other-namespace`. */
function requireReplaceable(deployment: Deployment, manifest: LiveManifest): void {
  requireNamespace(deployment);
  requireConfirmed(deployment);
  requireSamePlaces(deployment, manifest);
}

/** The rules of iptables that {@link replace} would change. Throws what it would throw before it changes anything. */
export function planReplace(deployment: Deployment, manifest: LiveManifest, waits: boolean): RuleChange {
  requireReplaceable(deployment, manifest);
  const { pins, record } = deployment;
  const before = currentGeneration(deployment);
  const side = before === 0 ? 1 : 0;
  // As long as the ruleset before may come back by itself, its rules stay.
  const stay = waits ? ownersOf(pins, [before]) : [];
  return planRules(pins, record, [...stay, { side, manifest }], side);
}

/** The generation is whole; what iptables does for its programs is there before the first packet that needs it. */
function putInForce(
  { pins, record }: Deployment,
  maps: DispatchMaps,
  side: Generation,
  carry: boolean,
  confirm: ReturnType<typeof confirmation>,
): void {
  const both = ownersOf(pins, [0, 1]);
  const residual = both.some(({ manifest }) => hasResidual(manifest));
  if (residual) {
    const missing = placesBehind(record, 'guard').filter((place) => placeState(pins, place) !== 'attached');
    attachPlaces(pins, record, missing, maps);
    setResidualRules(pins, record.family, both);
  }
  prepareCounters(pins, side, carry);
  writeControl(maps.control, { now: side, ...confirm });
  if (record.role === 'shadow') beginComparing(pins, side);
  finishCarrying(pins, side);
  // As long as the ruleset before may come back by itself, its rules stay.
  if (residual && confirm === undefined) settleResidual(pins, record, side);
}

/** Throws `already-attached` where a change waits for its confirmation: what would be gone back to is not certain then. */
function requireConfirmed(deployment: Deployment): void {
  const { record, control } = deployment;
  if (control.until === undefined || isExpired(deployment)) return;
  throw new RuntimeError(
    'already-attached',
    `${record.name} waits for its confirmation: ipt2bpf confirm, or ipt2bpf rollback`,
  );
}

/** Makes the last change for good. False where there was nothing to confirm. */
export function confirm({ base, name, told }: ChangeOptions): { readonly name: string; readonly confirmed: boolean } {
  return exclusively(base, told, () => {
    const deployment = findDeployment(base, name);
    const { pins, record } = deployment;
    const now = toConfirm(deployment);
    if (now === undefined) return { name: record.name, confirmed: false };
    withDispatchMaps(pins, ({ control: map }) => writeControl(map, { now }));
    settleResidual(pins, record, now);
    return { name: record.name, confirmed: true };
  });
}

/** The generation that waits for its confirmation; undefined where none does. */
function toConfirm(deployment: Deployment): Generation | undefined {
  const { now, until } = deployment.control;
  return until !== undefined && !isExpired(deployment) && (now === 0 || now === 1) ? now : undefined;
}

/** What {@link confirm} would do; undefined where nothing waits for it. */
export function planConfirm(deployment: Deployment): RuleChange | undefined {
  const now = toConfirm(deployment);
  return now === undefined
    ? undefined
    : planRules(deployment.pins, deployment.record, ownersOf(deployment.pins, [now]));
}

export type RolledBack = { readonly name: string; readonly to: 'ruleset before' | 'nothing' | 'no packets' };

/**
 * Goes back to the ruleset before the one in force, which is kept until the next change; or, where a first ruleset waits
 * for its confirmation, to nothing, or to keeping all packets out. Throws `not-attached` where there is none.
 */
export function rollback({ base, name, told }: ChangeOptions): RolledBack {
  return exclusively(base, told, () => {
    const deployment = findDeployment(base, name);
    requireNamespace(deployment);
    const { pins, record } = deployment;
    const back = wayBack(deployment);
    switch (back.to) {
      case 'nothing':
        removeDeployment(pins);
        break;
      case 'no packets':
        withDispatchMaps(pins, ({ control: map }) => writeControl(map, { now: 'block' }));
        break;
      case 'ruleset before':
        withDispatchMaps(pins, (maps) => putInForce(deployment, maps, back.side, true, undefined));
    }
    return { name: record.name, to: back.to };
  });
}

type WayBack = { readonly to: 'nothing' | 'no packets' } | { readonly to: 'ruleset before'; readonly side: Generation };

/** Throws `not-attached` where there is nothing to go back to. */
function wayBack(deployment: Deployment): WayBack {
  const { pins, record, control } = deployment;
  if (control.after === 'pass') return { to: 'nothing' };
  if (control.after === 'block' && !isExpired(deployment)) return { to: 'no packets' };
  const side = currentGeneration(deployment) === 0 ? 1 : 0;
  if (!isExpired(deployment) && wasInForce(pins, side)) return { to: 'ruleset before', side };
  throw new RuntimeError('not-attached', `${record.name} has no earlier ruleset to go back to (detach ends it)`);
}

/** `source`: the dump of the ruleset that would be in force again. */
interface RollbackPlan extends Omit<RolledBack, 'name'> {
  readonly source?: string;
  readonly rules: RuleChange;
}

/** What {@link rollback} would do. Throws what it would throw before it changes anything. */
export function planRollback(deployment: Deployment): RollbackPlan {
  requireNamespace(deployment);
  const { pins, record } = deployment;
  const back = wayBack(deployment);
  switch (back.to) {
    case 'nothing':
      return { to: back.to, rules: planRules(pins, record, []) };
    case 'no packets':
      return { to: back.to, rules: { gets: [], loses: [] } };
    case 'ruleset before': {
      const { sourceFile } = generationObject(pins, back.side).manifest;
      return { to: back.to, source: sourceFile, rules: planRules(pins, record, ownersOf(pins, [back.side])) };
    }
  }
}

/** The rules of iptables that {@link detach} would take away. Throws `other-namespace`. */
export function planDetach(deployment: Deployment): RuleChange {
  if (!isAbandoned(deployment.record)) requireNamespace(deployment);
  return planRules(deployment.pins, deployment.record, []);
}

/** Ends a deployment. */
export function detach({ base, name, told }: ChangeOptions): string {
  return exclusively(base, told, () => {
    const deployment = findDeployment(base, name);
    if (!isAbandoned(deployment.record)) requireNamespace(deployment);
    removeDeployment(deployment.pins);
    return deployment.record.name;
  });
}
