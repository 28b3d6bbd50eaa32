/** Access to the packet behind the IP stack: `r6` = context, `r7` = the packet's `struct sk_buff`. */
import {
  addFieldOffset,
  alu64,
  callHelper,
  callKfunc,
  goto,
  jump64,
  load,
  loadTypeId,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R7,
  reg,
  store,
  type AccessSize,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { FLOW_L3 } from '../flow.js';
import type { Hook } from '../manifest.js';
import { isSocketHook } from '../place.js';
import { BYTES_STRUCT, DYNPTR_KFUNC, READ_KFUNC } from './structs.js';

type SkbMember =
  | 'len'
  | 'data_len'
  | 'mark'
  | 'protocol'
  | '__pkt_type_offset'
  | 'mac_header'
  | 'network_header'
  | 'head'
  | 'data'
  | 'dev'
  | '_nfct'
  | 'sk'
  | '_skb_refdst';

const SKB_MEMBER_BYTES: Readonly<Record<SkbMember, AccessSize>> = {
  len: 4,
  data_len: 4,
  mark: 4,
  __pkt_type_offset: 1,
  protocol: 2,
  mac_header: 2,
  network_header: 2,
  head: 8,
  data: 8,
  dev: 8,
  _nfct: 8,
  sk: 8,
  _skb_refdst: 8,
};

/** dst = a member of the packet's `struct sk_buff`. */
export function loadSkb(code: Code, dst: number, member: SkbMember): void {
  code.emit(mov64(dst, reg(R7)), addFieldOffset(dst, 'sk_buff', member), load(SKB_MEMBER_BYTES[member], dst, dst, 0));
}

/** How a program gets at the bytes of its packet. */
export interface PacketAccess {
  readonly hook: Hook;
  /** Register that holds, at netfilter, the packet's `struct sk_buff`; at sockets the program's context. */
  readonly packet: number;
  /** netfilter: offset of the dynptr from r10. */
  readonly dynptr: number;
  /** Where struct flow is: a register, and the offset from it. */
  readonly flow: { readonly reg: number; readonly offset: number };
}

/** Makes the dynptr, where packets are read through one. Goes to `failed` where the kernel gives none. Clobbers r0–r5. */
export function openPacket(code: Code, { hook, packet, dynptr }: PacketAccess, failed: string): void {
  if (!isSocketHook(hook)) emitDynptr(code, packet, dynptr, failed);
}

/** Makes a dynptr of the packet in register `packet` at r10 + `dynptr`. Clobbers r0–r5. */
export function emitDynptr(code: Code, packet: number, dynptr: number, failed: string): void {
  code.emit(mov64(R1, reg(packet)), mov64(R2, 0), mov64(R3, reg(R10)), alu64('add', R3, dynptr));
  code.emit(callKfunc(DYNPTR_KFUNC.name), jump64('jne', R0, 0, failed));
}

/** A number of bytes: known, or in a slot of 8 bytes of the stack whose bounds the verifier knows. */
type Bytes = number | { readonly slot: number };

export interface PacketRead {
  /** Offset from r10 of where the bytes go. */
  readonly to: number;
  /** Offset in the packet, from its IP header: a number, or a register (r6–r9) and what is added to it. */
  readonly from: number | { readonly reg: number; readonly plus?: number };
  readonly bytes: Bytes;
}

/** Copies bytes of the packet to the stack; goes to `short` where the packet has fewer. Clobbers r0–r5. */
export function readPacket(code: Code, access: PacketAccess, read: PacketRead, short: string): void {
  const { to, from, bytes } = read;
  const { hook, packet, dynptr } = access;
  if (!isSocketHook(hook)) {
    setOffset(code, R4, from);
    setBytes(code, R2, bytes);
    code.emit(mov64(R1, reg(R10)), alu64('add', R1, to), mov64(R3, reg(R10)), alu64('add', R3, dynptr), mov64(R5, 0));
    code.emit(callHelper('dynptr_read'), jump64('jne', R0, 0, short));
    return;
  }
  const done = code.label('loaded');
  if (hook === 'socket') {
    setOffset(code, R2, from);
    setBytes(code, R4, bytes);
    code.emit(mov64(R1, reg(packet)), mov64(R3, reg(R10)), alu64('add', R3, to), mov64(R5, START_NET));
    code.emit(callHelper('skb_load_bytes_relative'), jump64('jeq', R0, 0, done));
  }
  setOffset(code, R2, from);
  setBytes(code, R4, bytes);
  if (hook === 'socket') {
    const { reg: flow, offset } = access.flow;
    code.emit(load(4, R1, flow, offset + FLOW_L3), alu64('add', R2, reg(R1)));
  }
  code.emit(mov64(R1, reg(packet)), mov64(R3, reg(R10)), alu64('add', R3, to));
  code.emit(callHelper('skb_load_bytes'), jump64('jne', R0, 0, short));
  code.place(done);
}

/**
 * Does what {@link openPacket} and {@link readPacket} do, where r7 is the packet's `struct sk_buff`. At netfilter and control groups bytes that lie in the packet's linear part, as headers do, are read without a
 * call; the dynptr is made for others alone.
 */
export function readAtOnce(code: Code, access: PacketAccess, read: PacketRead, short: string): void {
  const { bytes } = read;
  // What a socket's filter gets begins behind the IP header.
  if (access.hook === 'socket') return readPacket(code, access, read, short);
  const done = code.label('read');
  const calls = code.label('calls');
  if (typeof bytes === 'number') {
    emitDirect(code, { ...read, bytes }, calls);
    code.emit(goto(done));
    code.place(calls);
  }
  openPacket(code, access, short);
  readPacket(code, access, read, short);
  code.place(done);
}

/** Copies bytes of the packet's linear part to the stack; goes to `not` where they lie in it not all (skb_headlen, include/linux/skbuff.h). */
function emitDirect(code: Code, { to, from, bytes }: PacketRead & { readonly bytes: number }, not: string): void {
  loadSkb(code, R1, 'len');
  loadSkb(code, R2, 'data_len');
  const fixed = typeof from === 'number' ? from : (from.plus ?? 0);
  code.emit(alu64('sub', R1, reg(R2)));
  if (typeof from !== 'number') code.emit(alu64('sub', R1, reg(from.reg)));
  code.emit(jump64('jslt', R1, fixed + bytes, not));
  loadSkb(code, R1, 'data');
  if (typeof from !== 'number') code.emit(alu64('add', R1, reg(from.reg)));
  code.emit(loadTypeId(R2, BYTES_STRUCT.name), callKfunc(READ_KFUNC.name));
  for (let at = 0; at < bytes;) {
    const size = ([8, 4, 2, 1] as const).find((one) => one <= bytes - at) ?? 1;
    code.emit(load(size, R1, R0, fixed + at), store(size, R10, to + at, R1));
    at += size;
  }
}

/** BPF_HDR_START_NET: offsets from the network header, in the linear part of the packet alone. */
export const START_NET = 1;

function setOffset(code: Code, dst: number, from: PacketRead['from']): void {
  if (typeof from === 'number') return code.emit(mov64(dst, from));
  code.emit(mov64(dst, reg(from.reg)));
  if (from.plus !== undefined) code.emit(alu64('add', dst, from.plus));
}

function setBytes(code: Code, dst: number, bytes: Bytes): void {
  code.emit(typeof bytes === 'number' ? mov64(dst, bytes) : load(8, dst, R10, bytes.slot));
}
