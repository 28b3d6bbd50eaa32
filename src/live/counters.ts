import type { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { indexKey } from '../../bpf-runtime/kernel/array-key.js';
import { createArray } from '../../bpf-runtime/kernel/create.js';
import { COUNTER_BYTES } from '../../codegen/program/counters.js';
import type { CounterEntry } from '../../codegen/program/manifest.js';
import type { Counters } from '../../grammar/model/ruleset.js';

/**
 * What the counters of a generation began with: those of the rules that were there before. An array with an entry for
 * each counter, and one that says whether the others are filled in: that can only be when the generation before
 * has counted its last packet.
 */
export function createCarried(entries: number): KernelMap {
  return createArray(COUNTER_BYTES, entries + 1, 'carried');
}

/** `settled`: they are as they stay; `carry`, `keep`: so they will be made when the ruleset is in force. */
export type CarriedState = 'carry' | 'settled' | 'keep';
const STATES: readonly CarriedState[] = ['carry', 'settled', 'keep'];

export function carriedState(map: KernelMap): CarriedState {
  return STATES[Number(decode(map.at(map.info.maxEntries - 1)).packets)] ?? 'carry';
}

/** Number of the map of counters whose counts have been added to the entries; 0: of none. */
export function absorbed(map: KernelMap): number {
  return Number(decode(map.at(map.info.maxEntries - 1)).bytes);
}

/** Fills in the entries, and says last of all what they are. `from`: see {@link absorbed}. */
export function writeCarried(map: KernelMap, values: readonly Counters[], state: CarriedState, from = 0): void {
  const { maxEntries } = map.info;
  values.slice(0, maxEntries - 1).forEach((value, i) => map.update(indexKey(i), encode(value)));
  map.update(indexKey(maxEntries - 1), encode({ packets: BigInt(STATES.indexOf(state)), bytes: BigInt(from) }));
}

export function readCarried(map: KernelMap): readonly Counters[] {
  const values = map.readArray();
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return Array.from({ length: map.info.maxEntries - 1 }, (_, i) => ({
    packets: view.getBigUint64(i * COUNTER_BYTES, true),
    bytes: view.getBigUint64(i * COUNTER_BYTES + 8, true),
  }));
}

function encode({ packets, bytes }: Counters): Uint8Array {
  const value = new Uint8Array(COUNTER_BYTES);
  const view = new DataView(value.buffer);
  view.setBigUint64(0, packets, true);
  view.setBigUint64(8, bytes, true);
  return value;
}

function decode(value: Uint8Array): Counters {
  const view = new DataView(value.buffer, value.byteOffset);
  return { packets: view.getBigUint64(0, true), bytes: view.getBigUint64(8, true) };
}

/**
 * For each counter of a ruleset the one of another that counts the same: the rule with the same text in the chain of the
 * same name (of several the first to the first, and so on), the policy of the same chain if it is the same policy.
 */
export function matchCounters(
  from: readonly CounterEntry[],
  to: readonly CounterEntry[],
): readonly (number | undefined)[] {
  const waiting = new Map<string, number[]>();
  from.forEach((entry, i) => {
    const key = keyOf(entry);
    const same = waiting.get(key);
    if (same === undefined) waiting.set(key, [i]);
    else same.push(i);
  });
  for (const indexes of waiting.values()) indexes.reverse();
  return to.map((entry) => waiting.get(keyOf(entry))?.pop());
}

function keyOf(entry: CounterEntry): string {
  const what = entry.kind === 'rule' ? `rule ${entry.text}` : `policy ${entry.policy}`;
  return `${entry.chain}\0${what}`;
}
