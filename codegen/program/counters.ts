import {
  alu64,
  callHelper,
  jump64,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import type { MapSpec } from '../object/spec.js';
import type { Code } from './code.js';
import { FLOW_LENGTH } from './flow.js';

export const COUNTERS = 'counters';

/** Per-CPU array: key u32 = index in the manifest's `counters`; value u64 packets, u64 bytes. */
export function countersMap(entries: number): MapSpec {
  return { name: COUNTERS, type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: entries };
}

/** Stack slot of the key, below the frame pointer. */
const KEY = -4;

/** Counts a packet under the key (an immediate, or a register). Clobbers r0–r5 and the slot at −4. */
export function emitCount(code: Code, key: number | { readonly reg: number }, flow: number): void {
  const absent = code.label('counted');
  code.emit(typeof key === 'number' ? storeImm(4, R10, KEY, key) : store(4, R10, KEY, key.reg));
  code.emit(loadMap(R1, COUNTERS), mov64(R2, reg(R10)), alu64('add', R2, KEY), callHelper('map_lookup_elem'));
  code.emit(jump64('jeq', R0, 0, absent));
  code.emit(load(8, R1, R0, 0), alu64('add', R1, 1), store(8, R0, 0, R1));
  code.emit(load(4, R2, flow, FLOW_LENGTH), load(8, R1, R0, 8), alu64('add', R1, reg(R2)), store(8, R0, 8, R1));
  code.place(absent);
}
