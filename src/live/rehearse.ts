import { createControl } from '../../bpf-runtime/dispatch/control.js';
import { createProgramArray } from '../../bpf-runtime/kernel/create.js';
import { loadPrograms } from '../../bpf-runtime/kernel/raw-load.js';
import { hasXdpProgram } from '../../bpf-runtime/kernel/xdp-state.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { SLOTS } from './slots.js';
import type { CheckedObject } from './object.js';
import { deviceIndex, isPlaceThere, loadDispatchers, placesBehind, placesOf, type Place } from './places.js';
import type { DeploymentRecord } from './record.js';

/** What the kernel said when it took an object. */
export interface Rehearsal {
  readonly programs: number;
  /** Instructions that the verifier processed, of all programs together; 0 before Linux 5.16, which does not tell. */
  readonly instructions: number;
}

/**
 * Loads the programs of an object as putting it in force does, with maps of their own, and lets go of them: nothing is
 * pinned or attached. `record`: where it would be attached; then also what stands there. Throws what the kernel refuses:
 * `load-failed`, `hook-taken`.
 */
export function rehearse({ spec, manifest }: CheckedObject, record?: DeploymentRecord): Rehearsal {
  const loaded = loadPrograms(spec);
  try {
    if (record !== undefined) rehearsePlaces(record, manifest);
    const counts = [...loaded.programs.values()].map(({ info }) => info.verifiedInstructions);
    return { programs: counts.length, instructions: counts.reduce((sum, count) => sum + count, 0) };
  } finally {
    loaded.close();
  }
}

function rehearsePlaces(record: DeploymentRecord, { residual, shadow }: CheckedObject['manifest']): void {
  const places = placesOf(record);
  const behind = [
    ...(residual === undefined ? [] : placesBehind(record, 'guard')),
    ...(shadow === undefined ? [] : placesBehind(record, 'observer')),
  ];
  const control = createControl();
  const programs = createProgramArray(2 * SLOTS, 'programs');
  try {
    loadDispatchers(record, [...places, ...behind], { control, programs }).close();
  } finally {
    programs.close();
    control.close();
  }
  if (record.hook === 'xdp') places.forEach(requireNoXdp);
}

/** Of one device the kernel takes one XDP program, in whichever mode. */
function requireNoXdp(place: Place): void {
  const { device, words } = place;
  if (device === undefined || !isPlaceThere(place) || !hasXdpProgram(deviceIndex(device))) return;
  throw new RuntimeError('hook-taken', `${words}: another program is there`);
}
