import { inForce, writeControl } from '../../bpf-runtime/dispatch/control.js';
import { readDeployment, withDispatchMaps, type Deployment } from './deployment.js';
import { absorbCounters, finishCarrying, hasGeneration, removeGeneration, wasInForce } from './generation.js';
import { deploymentNames, Pins } from './pins.js';
import { attachPlaces, isPlaceThere, placesOf, placeState } from './places.js';
import { currentNamespace } from './record.js';
import { removeDeployment } from './remove.js';
import { beginComparing } from './shadow.js';
import { settleResidual } from './residual.js';

/**
 * Finishes or undoes what interrupted commands have left, and what has happened since the last one: deployments that
 * were not confirmed in time, devices that came back. Returns what it did, in words. The caller has the lock.
 */
export function mend(base: string): readonly string[] {
  return deploymentNames(base).flatMap((name) => mendOne(new Pins(base, name)));
}

function mendOne(pins: Pins): readonly string[] {
  const found = readDeployment(pins);
  if (typeof found === 'string') {
    removeDeployment(pins);
    return [`${pins.name}: ${found === 'over' ? 'not in force any more' : 'an interrupted attempt'}: removed`];
  }
  return [...settle(found), ...reattach(found)];
}

/** Makes for good what holds, now that nobody can confirm any more; and finishes the counters of what is in force. */
function settle({ pins, record, control }: Deployment): readonly string[] {
  const side = inForce(control);
  if (side !== 0 && side !== 1) return [];
  const other = side === 0 ? 1 : 0;
  pins.remove('unfinished');
  const wanted = control.until === undefined || side === control.now;
  if (wanted) {
    finishCarrying(pins, side);
    if (record.role === 'shadow') beginComparing(pins, side);
    if (control.until === undefined) settleResidual(pins, record, side);
    if (!hasGeneration(pins, other) || wasInForce(pins, other)) return [];
    withDispatchMaps(pins, ({ programs }) => removeGeneration(pins, other, programs));
    return [`${record.name}: an interrupted replacement: removed`];
  }
  withDispatchMaps(pins, ({ control: map, programs }) => {
    writeControl(map, { now: side });
    settleResidual(pins, record, side);
    if (!hasGeneration(pins, other)) return;
    absorbCounters(pins, side);
    removeGeneration(pins, other, programs);
  });
  return [`${record.name}: not confirmed in time: the ruleset before it is in force again`];
}

/** Attaches again to devices that went and came back. */
function reattach({ pins, record }: Deployment): readonly string[] {
  if (record.namespace !== currentNamespace()) return [];
  const back = placesOf(record).filter((place) => placeState(pins, place) !== 'attached' && isPlaceThere(place));
  if (back.length === 0) return [];
  withDispatchMaps(pins, (maps) => attachPlaces(pins, record, back, maps));
  return back.map(({ words }) => `${record.name}: attached again: ${words}`);
}
