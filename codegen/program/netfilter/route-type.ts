import { ADDRESS_TYPES, type AddressType } from '../../../grammar/model/condition.js';
import {
  addFieldOffset,
  alu64,
  callHelper,
  goto,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  reg,
  store,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { loadSkb } from './packet.js';

/** The lowest bit of skb->_skb_refdst says who counts it (SKB_DST_NOREF). */
const POINTER = -2;

/**
 * Stores the type of the packet's route (rt_type of its struct rtable, RTN_*) as u32 at r10 + `at`: that of the
 * destination as the routes took it. `scratch`: 8 bytes. r7 = the packet. Clobbers r0–r5.
 */
export function emitRouteType(code: Code, at: number, scratch: number): void {
  const done = code.label('route');
  loadSkb(code, R3, '_skb_refdst');
  code.emit(alu64('and', R3, POINTER), jump64('jeq', R3, 0, done), addFieldOffset(R3, 'rtable', 'rt_type'));
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, scratch), mov64(R2, 2), callHelper('probe_read_kernel'));
  code.emit(jump64('jne', R0, 0, done), load(2, R1, R10, scratch), store(4, R10, at, R1));
  code.place(done);
}

/** Tests the type in the flow. Clobbers r1, r2. */
export function emitRouteTypeTest(
  code: Code,
  flow: number,
  at: number,
  types: readonly AddressType[],
  ifTrue: string,
  ifFalse: string,
): void {
  const mask = types.reduce((bits, type) => bits | (1 << ADDRESS_TYPES.indexOf(type)), 0);
  code.emit(load(4, R1, flow, at), alu64('and', R1, 31), mov64(R2, 1), alu64('lsh', R2, reg(R1)));
  code.emit(alu64('and', R2, mask), jump64('jne', R2, 0, ifTrue), goto(ifFalse));
}
