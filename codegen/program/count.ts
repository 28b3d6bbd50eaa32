import type { Opaque } from '../../grammar/model/condition.js';
import {
  alu64,
  atomic,
  ATOMIC_OP,
  callHelper,
  goto,
  jump64,
  lddw,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R8,
  reg,
  storeImm,
} from '../bytecode/instruction.js';
import type { Code } from './code.js';
import { FLOW_LENGTH } from './flow.js';
import { LIMITS } from './limit.js';

/** Attempts against other CPUs before a packet counts as one that does not match. */
const ATTEMPTS = 6;

type Quota = Extract<Opaque, { name: 'quota' }>;
type Nth = Extract<Opaque, { name: 'nth' }>;

/** r8 = the word of a test in the map of {@link LIMITS}. */
function emitWord(code: Code, index: number, none: string): void {
  code.emit(storeImm(4, R10, -4, index), loadMap(R1, LIMITS), mov64(R2, reg(R10)), alu64('add', R2, -4));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, none), mov64(R8, reg(R0)));
}

/** Changes the word at r8 from r4, as it was, to r1; jumps to `settled` if nobody was faster. */
function emitExchange(code: Code, settled: string): void {
  code.emit(mov64(R0, reg(R4)), atomic(8, ATOMIC_OP.cmpxchg, R8, 0, R1), jump64('jeq', R0, reg(R4), settled));
}

/**
 * Takes the packet's bytes from a quota (quota_mt); the word counts those that were taken. What does not fit leaves
 * nothing for smaller ones. Register `flow` points to struct flow. Clobbers r0–r5, r8 and the stack slot at −4.
 */
export function emitQuota(
  code: Code,
  flow: number,
  index: number,
  { bytes, inverted }: Quota,
  ifTrue: string,
  ifFalse: string,
): void {
  const [within, beyond] = inverted ? [ifFalse, ifTrue] : [ifTrue, ifFalse];
  const settled = code.label('settled');
  emitWord(code, index, beyond);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fits = code.label('fits');
    const change = code.label('change');
    code.emit(load(8, R4, R8, 0), lddw(R3, bytes), alu64('sub', R3, reg(R4)), load(4, R1, flow, FLOW_LENGTH));
    code.emit(mov64(R5, 1), jump64('jle', R1, reg(R3), fits), mov64(R5, 0), lddw(R1, bytes), goto(change));
    code.place(fits);
    code.emit(alu64('add', R1, reg(R4)));
    code.place(change);
    emitExchange(code, settled);
  }
  code.emit(goto(beyond));
  code.place(settled);
  code.emit(jump64('jeq', R5, 0, beyond), goto(within));
}

/** Counts packets in turn (statistic_mt); the word is the number of the next one. Clobbers r0–r4, r8, the slot at −4. */
export function emitNth(
  code: Code,
  index: number,
  { every, packet, inverted }: Nth,
  ifTrue: string,
  ifFalse: string,
): void {
  const [yes, no] = inverted ? [ifFalse, ifTrue] : [ifTrue, ifFalse];
  const settled = code.label('settled');
  emitWord(code, index, no);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const change = code.label('change');
    code.emit(load(8, R4, R8, 0), mov64(R1, reg(R4)), alu64('add', R1, 1), lddw(R2, BigInt(every)));
    code.emit(jump64('jlt', R1, reg(R2), change), mov64(R1, 0));
    code.place(change);
    emitExchange(code, settled);
  }
  code.emit(goto(no));
  code.place(settled);
  code.emit(lddw(R2, BigInt(packet)), jump64('jeq', R4, reg(R2), yes), goto(no));
}
