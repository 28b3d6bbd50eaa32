import { COUNTER_BYTES } from '../../codegen/program/counters.js';
import type { Counters } from '../../grammar/model/ruleset.js';
import type { KernelMap } from './map.js';

const NOTHING: Counters = { packets: 0n, bytes: 0n };

/** Both together. */
export function addCounters(a: Counters, b: Counters): Counters {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}

/** The first `count` values of a per-CPU map of counters, all CPUs together. An element of the map may hold several. */
export function readCounters(map: KernelMap, count: number): readonly Counters[] {
  const values = map.readArray();
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const together = Math.floor(map.info.valueSize / COUNTER_BYTES);
  return Array.from({ length: count }, (_, counter) => {
    const element = Math.floor(counter / together);
    let sum = NOTHING;
    for (let cpu = 0; cpu < map.cpus; cpu++) {
      const at = (element * map.cpus + cpu) * map.valueStride + COUNTER_BYTES * (counter % together);
      sum = addCounters(sum, { packets: view.getBigUint64(at, true), bytes: view.getBigUint64(at + 8, true) });
    }
    return sum;
  });
}
