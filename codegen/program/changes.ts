/** Targets that change the IP header of a packet, at tc (net/netfilter/xt_DSCP.c, xt_HL.c, ipt_ECN.c). */
import type { PacketChange } from '../../grammar/model/change.js';
import type { Family } from '../../grammar/model/family.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
} from '../bytecode/instruction.js';
import type { Field } from '../../grammar/model/fields.js';
import { Code } from './code.js';
import { FLOW_L3, type FlowLayout } from './flow.js';
import type { Undecided, View } from './place.js';

export const CHANGE_FUNCTION = 'change_header';
/** Bytes of stack of {@link changeFunction}. */
export const CHANGE_STACK = 32;

/** Field of the flow that a change is about. */
export function changedField(change: PacketChange): Field {
  return change.kind === 'tos' ? 'tos' : 'ttl';
}

/** Why a view cannot change packets as the target does. */
export function undecidedChange(target: string, view: View): readonly Undecided[] {
  if (view.hook !== 'tc') {
    const reason = `a program at ${view.hook} does not write the IP header, as target ${target} does`;
    return [{ reason, advice: 'use --hook tc' }];
  }
  if (view.chain === 'PREROUTING') return [];
  const reason = `target ${target} of chain ${view.chain} changes packets elsewhere than at tc`;
  return [{ reason, advice: 'put the rule into PREROUTING, or keep iptables for this chain' }];
}

/**
 * Changes the packet and the flow; r1 = context, r6 = flow. Where the packet cannot be written the chain drops it, as
 * the kernel does: goes to `drop`. Clobbers r0–r5.
 */
export function emitChange(code: Code, change: PacketChange, layout: FlowLayout, drop: string): void {
  const at = layout.offsets.get(change.kind === 'tos' ? 'tos' : 'ttl');
  if (at === undefined) throw new Error(`${change.kind} is not in the flow`);
  code.emit(load(1, R3, R6, at));
  if (change.kind === 'tos') {
    code.emit(alu32('and', R3, ~change.clear & 0xff), alu32('xor', R3, change.flip));
  } else if (change.how === 'set') {
    code.emit(mov32(R3, change.value));
  } else {
    const low = code.label('low');
    const high = code.label('high');
    code.emit(alu64('add', R3, change.value), jump64('jsge', R3, 0, low), mov64(R3, 0));
    code.place(low);
    code.emit(jump64('jsle', R3, 255, high), mov64(R3, 255));
    code.place(high);
  }
  code.emit(mov64(R2, reg(R6)), mov64(R4, change.kind === 'tos' ? TOS : HOPS), callFunction(CHANGE_FUNCTION));
  code.emit(jump64('jne', R0, 0, drop));
}

const TOS = 0;
const HOPS = 1;
const SLOT = -8;
const RECOMPUTE = 1;

/** `change_header(ctx, flow, value, which)`: writes TOS or TTL of IPv4 with the header's sum, or its like of IPv6; 0 or an error. */
export function changeFunction(layout: FlowLayout, family: Family): Code {
  const code = new Code();
  const given = code.label('given');
  const hops = code.label('hops');
  code.emit(jump64('jne', R2, 0, given), mov64(R0, 1), exit());
  code.place(given);
  code.emit(
    mov64(R6, reg(R1)),
    mov64(R7, reg(R2)),
    mov64(R8, reg(R3)),
    alu64('and', R8, 0xff),
    load(4, R9, R7, FLOW_L3),
  );
  code.emit(jump32('jne', R4, TOS, hops));
  emitWrite(code, layout, family, 'tos');
  code.place(hops);
  emitWrite(code, layout, family, 'ttl');
  code.place('failed');
  code.emit(mov64(R0, 1), exit());
  return code;
}

/** r6 = context, r7 = flow, r8 = new value, r9 = offset of the IP header. */
function emitWrite(code: Code, layout: FlowLayout, family: Family, field: 'tos' | 'ttl'): void {
  const at = layout.offsets.get(field);
  if (at === undefined) {
    code.emit(mov64(R0, 1), exit());
    return;
  }
  const offset = family === 'v4' ? (field === 'tos' ? 1 : 8) : field === 'tos' ? 0 : 7;
  if (family === 'v4') {
    // The word of 16 bits as it lies in memory; its other byte does not change.
    const shift = field === 'tos' ? 8 : 0;
    code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, 10), load(1, R3, R7, at), mov64(R4, reg(R8)));
    code.emit(alu64('lsh', R3, shift), alu64('lsh', R4, shift), mov64(R5, 2), callHelper('l3_csum_replace'));
    code.emit(jump64('jne', R0, 0, 'failed'));
  }
  if (family === 'v6' && field === 'tos') {
    emitLoad(code, 2);
    code.emit(load(2, R1, R10, SLOT), toBigEndian(R1, 16), alu32('and', R1, 0xf00f), mov64(R2, reg(R8)));
    code.emit(alu64('lsh', R2, 4), alu32('or', R1, reg(R2)), toBigEndian(R1, 16), store(2, R10, SLOT, R1));
  } else {
    code.emit(store(1, R10, SLOT, R8));
  }
  code.emit(store(1, R7, at, R8), mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, offset));
  code.emit(mov64(R3, reg(R10)), alu64('add', R3, SLOT), mov64(R4, family === 'v6' && field === 'tos' ? 2 : 1));
  // The sum of an IPv4 header stays what it was; a card's sum over an IPv6 packet does not.
  code.emit(mov64(R5, family === 'v6' ? RECOMPUTE : 0), callHelper('skb_store_bytes'), exit());
}

/** Reads bytes at the IP header to the slot. */
function emitLoad(code: Code, bytes: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), mov64(R3, reg(R10)), alu64('add', R3, SLOT), mov64(R4, bytes));
  code.emit(callHelper('skb_load_bytes'), jump64('jne', R0, 0, 'failed'));
}
