import type { CtState } from '../../../grammar/model/condition.js';
import {
  addFieldOffset,
  alu64,
  callHelper,
  goto,
  jump32,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R8,
  R9,
  reg,
  store,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { FLOW_STATE } from '../flow.js';
import { loadSkb } from './packet.js';

/** Bits of a packet's state (include/uapi/linux/netfilter/xt_conntrack.h XT_CONNTRACK_STATE_*). */
export const STATE_BIT: Readonly<Record<CtState, number>> = {
  INVALID: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  NEW: 8,
  SNAT: 64,
  DNAT: 128,
  UNTRACKED: 256,
};

/** The low bits of skb->_nfct are enum ip_conntrack_info, the rest is the entry's address (NFCT_INFOMASK). */
const INFO_MASK = 7;
const IP_CT_UNTRACKED = 7;
const IP_CT_IS_REPLY = 3;
/** Bits of nf_conn.status (include/uapi/linux/netfilter/nf_conntrack_common.h). */
const IPS_SRC_NAT = 1 << 4;
const IPS_DST_NAT = 1 << 5;

/**
 * Stores the packet's state bits in the flow, as conntrack_mt (net/netfilter/xt_conntrack.c) finds them; `nat`: with
 * those of the entry's mappings. r7 = the packet; 8 bytes at r10 + `scratch` are used. Clobbers r0–r5, r8, r9.
 */
export function emitConnectionState(code: Code, flow: number, scratch: number, nat: boolean): void {
  const entry = code.label('entry');
  const tracked = code.label('tracked');
  const known = code.label('state');
  loadSkb(code, R8, '_nfct');
  code.emit(mov64(R1, reg(R8)), alu64('and', R1, INFO_MASK), alu64('and', R8, ~INFO_MASK));
  code.emit(mov64(R9, STATE_BIT.INVALID), jump64('jne', R8, 0, entry), jump64('jne', R1, IP_CT_UNTRACKED, known));
  code.emit(mov64(R9, STATE_BIT.UNTRACKED), goto(known));
  code.place(entry);
  // 1 << (info % IP_CT_IS_REPLY + 1)
  code.emit(jump64('jlt', R1, IP_CT_IS_REPLY, tracked), alu64('sub', R1, IP_CT_IS_REPLY));
  code.place(tracked);
  code.emit(mov64(R9, STATE_BIT.ESTABLISHED), alu64('lsh', R9, reg(R1)));
  if (nat) emitMappings(code, scratch, known);
  code.place(known);
  code.emit(store(4, R10, flow + FLOW_STATE, R9));
}

/** r9 |= the bits of the mappings of the entry at r8. */
function emitMappings(code: Code, scratch: number, known: string): void {
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, scratch), mov64(R2, 8), mov64(R3, reg(R8)));
  code.emit(addFieldOffset(R3, 'nf_conn', 'status'), callHelper('probe_read_kernel'), jump64('jne', R0, 0, known));
  for (const [status, bit] of [
    [IPS_SRC_NAT, STATE_BIT.SNAT],
    [IPS_DST_NAT, STATE_BIT.DNAT],
  ] as const) {
    const unmapped = code.label('unmapped');
    code.emit(load(8, R1, R10, scratch), alu64('and', R1, status), jump64('jeq', R1, 0, unmapped));
    code.emit(alu64('or', R9, bit));
    code.place(unmapped);
  }
}

/** Tests the state in the flow at register `flow`. Clobbers r1. */
export function emitStateTest(
  code: Code,
  flow: number,
  states: readonly CtState[],
  ifTrue: string,
  ifFalse: string,
): void {
  const mask = states.reduce((bits, state) => bits | STATE_BIT[state], 0);
  code.emit(load(4, R1, flow, FLOW_STATE), alu64('and', R1, mask), jump32('jne', R1, 0, ifTrue), goto(ifFalse));
}
