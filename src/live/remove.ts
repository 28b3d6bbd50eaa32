import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readControl, writeControl } from '../../bpf-runtime/dispatch/control.js';
import { readBlob } from '../../bpf-runtime/kernel/blob.js';
import { getPinned } from '../../bpf-runtime/kernel/bpf.js';
import { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { detachFilters } from './places.js';
import { removeConntrackSwitch } from './conntrack.js';
import { withPinnedMap } from './generation.js';
import type { Pins } from './pins.js';
import { hasRulesBeside, setResidualRules } from './residual.js';
import { currentNamespace, decodeRecord, type DeploymentRecord } from './record.js';

/**
 * Takes everything of a deployment away, or what an interrupted attempt has left of it; may be called again after an
 * interruption. First, at once for all places, packets are let through; then the links go, then what they used.
 */
export function removeDeployment(pins: Pins): void {
  letThrough(pins);
  const record = recordOf(pins);
  if (record !== undefined) detachFilters(pins, record);
  pins.remove('links');
  if (record?.hook === 'netfilter' && record.namespace === currentNamespace()) {
    if (hasRulesBeside(record)) setResidualRules(pins, record.family, []);
    removeConntrackSwitch(pins.base, record);
  }
  // The record is what a second attempt needs: it goes last.
  if (existsSync(pins.directory)) {
    for (const name of readdirSync(pins.directory)) if (name !== 'record') pins.remove(name);
  }
  rmSync(pins.directory, { recursive: true, force: true });
}

function letThrough(pins: Pins): void {
  if (!pins.exists('control')) return;
  const control = new KernelMap(getPinned(pins.at('control')));
  try {
    const { now, until } = readControl(control);
    if (now !== 'pass' || until !== undefined) writeControl(control, { now: 'pass' });
  } finally {
    control.close();
  }
}

function recordOf(pins: Pins): DeploymentRecord | undefined {
  return pins.exists('record') ? decodeRecord(withPinnedMap(pins.at('record'), readBlob)) : undefined;
}
