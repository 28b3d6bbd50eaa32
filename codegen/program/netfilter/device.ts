import {
  addFieldOffset,
  alu64,
  callHelper,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  reg,
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { padWithNul } from '../device-name.js';
import { loadSkb } from './packet.js';
import { NF_CONTEXT } from './structs.js';

/**
 * The name of the device that the hook's state gives (`state->in` or `state->out`), NUL-padded, as two words at r10 +
 * `to`, first character most significant; zeros where there is none. r6 = context. Clobbers r0–r5.
 */
export function emitStateDevice(code: Code, which: 'in' | 'out', to: number): void {
  code.emit(load(8, R0, R6, NF_CONTEXT.state), addFieldOffset(R0, 'nf_hook_state', which), load(8, R0, R0, 0));
  emitName(code, to);
}

/** The same of the input device in POSTROUTING, which what this host sends does not have. Zeros are there already. */
export function emitForwardedDevice(code: Code, to: number): void {
  const none = code.label('device');
  code.emit(load(8, R0, R6, NF_CONTEXT.state), addFieldOffset(R0, 'nf_hook_state', 'in'), load(8, R0, R0, 0));
  code.emit(jump64('jeq', R0, 0, none));
  emitName(code, to);
  code.place(none);
}

/** The same of the packet's own device, by which it came to a socket or leaves it. r7 = the packet. */
export function emitPacketDevice(code: Code, _which: 'in' | 'out', to: number): void {
  loadSkb(code, R0, 'dev');
  emitName(code, to);
}

/**
 * The same of the device of the packet's route, which is where it goes from FORWARD and OUTPUT (ip_forward,
 * __ip_local_out, ip6_forward, __ip6_local_out). r7 = the packet; `scratch`: 16 bytes. Zeros are there already.
 */
export function emitRouteDevice(code: Code, to: number, scratch: number): void {
  const done = code.label('device');
  loadSkb(code, R3, '_skb_refdst');
  code.emit(alu64('and', R3, POINTER), jump64('jeq', R3, 0, done), addFieldOffset(R3, 'dst_entry', 'dev'));
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, scratch), mov64(R2, 8), callHelper('probe_read_kernel'));
  code.emit(jump64('jne', R0, 0, done), load(8, R3, R10, scratch), jump64('jeq', R3, 0, done));
  code.emit(addFieldOffset(R3, 'net_device', 'name'), mov64(R1, reg(R10)), alu64('add', R1, scratch), mov64(R2, 16));
  code.emit(callHelper('probe_read_kernel'), jump64('jne', R0, 0, done));
  code.emit(load(8, R1, R10, scratch), load(8, R2, R10, scratch + 8), ...padWithNul());
  code.emit(toBigEndian(R1, 64), store(8, R10, to, R1), toBigEndian(R2, 64), store(8, R10, to + 8, R2));
  code.place(done);
}

/** DST_FAKE_RTABLE (include/net/dst.h). */
const FAKE_ROUTE = 16;

/**
 * Goes to `to` with a packet that a bridge forwards: its route is a stand-in, and its device is no longer the one it came
 * in at (br_nf_forward_ip, net/bridge/br_netfilter_hooks.c). r7 = the packet; `scratch`: 2 bytes. Clobbers r0–r5.
 */
export function emitBridged(code: Code, scratch: number, to: string): void {
  const done = code.label('routed');
  loadSkb(code, R3, '_skb_refdst');
  code.emit(alu64('and', R3, POINTER), jump64('jeq', R3, 0, done), addFieldOffset(R3, 'dst_entry', 'flags'));
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, scratch), mov64(R2, 2), callHelper('probe_read_kernel'));
  code.emit(jump64('jne', R0, 0, to), load(2, R1, R10, scratch), alu64('and', R1, FAKE_ROUTE));
  code.emit(jump64('jne', R1, 0, to));
  code.place(done);
}

/** The lowest bit of skb->_skb_refdst says who counts it (SKB_DST_NOREF). */
const POINTER = -2;

/** r0 = the device. */
function emitName(code: Code, to: number): void {
  code.emit(addFieldOffset(R0, 'net_device', 'name'), load(8, R1, R0, 0), load(8, R2, R0, 8));
  code.emit(...padWithNul());
  code.emit(toBigEndian(R1, 64), store(8, R10, to, R1), toBigEndian(R2, 64), store(8, R10, to + 8, R2));
}
