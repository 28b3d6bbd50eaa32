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
  R3,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import type { MapSpec } from '../object/spec.js';
import type { Code } from './code.js';
import { FLOW_LENGTH, FLOW_RULE } from './flow.js';

export const COUNTERS = 'counters';

/** u64 packets, u64 bytes. */
export const COUNTER_BYTES = 16;
const COUNTER_BITS = 4;
/**
 * Counters of an element where there are more of them: the kernel keeps a pointer for each element of a per-CPU map, and
 * a packet would wait for that as long as for the counter. An element is at most 32 KiB (mm/percpu.c PCPU_MIN_UNIT_SIZE).
 */
const TOGETHER_BITS = 10;
const TOGETHER = 1 << TOGETHER_BITS;

/** How many counters an element of the map holds, of an object with so many. */
export function countersTogether(counters: number): number {
  return counters > TOGETHER ? TOGETHER : 1;
}

/**
 * Per-CPU array: counter i is the index in the manifest's `counters`. Key u32 = i, value u64 packets, u64 bytes; with more than
 * {@link TOGETHER} of them, key = i / 1024, and the value holds 1,024 of these pairs, its own at i % 1024.
 */
export function countersMap(counters: number): MapSpec {
  const together = countersTogether(counters);
  const valueSize = COUNTER_BYTES * together;
  return { name: COUNTERS, type: 'percpu_array', keySize: 4, valueSize, maxEntries: Math.ceil(counters / together) };
}

/** Which counter, and of how many that the object has. */
export interface CounterPlace {
  /** An immediate, or a register that calls keep (r6–r9). `unknown`: the verifier knows nothing of its value. */
  readonly key: number | { readonly reg: number; readonly unknown?: true };
  readonly counters: number;
  /** Offset in struct flow of how often the packet is counted, a u64; once if left out. */
  readonly times?: number | undefined;
}

/** Stack slot of the key, below the frame pointer. */
const KEY = -4;

/** Counts a packet. `flow`: register with the address of struct flow. Clobbers r0–r5, the slot at −4, and FLOW_RULE. */
export function emitCount(code: Code, { key, counters, times }: CounterPlace, flow: number): void {
  const absent = code.label('counted');
  const together = countersTogether(counters);
  let at = 0;
  if (times !== undefined) code.emit(load(8, R1, flow, times), jump64('jeq', R1, 0, absent));
  if (typeof key === 'number') {
    code.emit(storeImm(4, R10, KEY, Math.floor(key / together)));
    at = COUNTER_BYTES * (key % together);
  } else if (together === 1) {
    code.emit(store(4, R10, KEY, key.reg));
  } else if (key.unknown === true) {
    code.emit(mov64(R1, reg(key.reg)), alu64('rsh', R1, TOGETHER_BITS), store(4, R10, KEY, R1));
  } else {
    // By way of memory, of which the verifier keeps nothing: of what becomes an address it would tell all values apart.
    code.emit(store(4, flow, FLOW_RULE, key.reg), load(4, R1, flow, FLOW_RULE));
    code.emit(alu64('rsh', R1, TOGETHER_BITS), store(4, R10, KEY, R1));
  }
  code.emit(loadMap(R1, COUNTERS), mov64(R2, reg(R10)), alu64('add', R2, KEY), callHelper('map_lookup_elem'));
  code.emit(jump64('jeq', R0, 0, absent));
  if (typeof key !== 'number' && together > 1) {
    code.emit(key.unknown === true ? mov64(R1, reg(key.reg)) : load(4, R1, flow, FLOW_RULE));
    code.emit(alu64('and', R1, TOGETHER - 1));
    code.emit(alu64('lsh', R1, COUNTER_BITS), alu64('add', R0, reg(R1)));
  }
  if (times !== undefined) code.emit(load(8, R3, flow, times));
  code.emit(load(8, R1, R0, at), alu64('add', R1, times === undefined ? 1 : reg(R3)), store(8, R0, at, R1));
  code.emit(
    load(4, R2, flow, FLOW_LENGTH),
    ...(times === undefined ? [] : [alu64('mul', R2, reg(R3))]),
    load(8, R1, R0, at + 8),
    alu64('add', R1, reg(R2)),
    store(8, R0, at + 8, R1),
  );
  code.place(absent);
}
