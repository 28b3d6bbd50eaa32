/** What a program at a socket does before it reads the packet as one at netfilter does. */
import {
  addFieldOffset,
  alu32,
  alu64,
  jump32,
  jump64,
  load,
  mov64,
  R1,
  R10,
  R2,
  R7,
  R8,
  reg,
  toBigEndian,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { isSocketHook } from '../place.js';
import { FLOW_L3 } from '../flow.js';
import { htons, storeFlow } from '../packet/entry.js';
import type { NetfilterContext } from './context.js';
import { loadSkb } from './packet.js';

const ETHERTYPE = { v4: 0x0800, v6: 0x86dd } as const;

/** Sockets get packets of both IP versions: those of the other one are not judged. r7 = the packet. */
export function emitOwnFamily({ code, view, pass }: NetfilterContext): void {
  loadSkb(code, R1, 'protocol');
  code.emit(jump32('jne', R1, htons(ETHERTYPE[view.family]), pass));
}

/**
 * A socket's filter gets the packet from its transport header on (tcp_filter, udp_queue_rcv_one_skb): FLOW_L3 says how
 * far in front of that, as a negative number of 32 bits, the IP header is, and r8 = skb->len counts from there, too.
 * Control groups get it from the IP header on (__cgroup_bpf_run_filter_skb).
 */
export function emitPacketPlace(context: NetfilterContext): void {
  const { code, view } = context;
  if (view.hook !== 'socket') return;
  loadSkb(code, R1, 'head');
  loadSkb(code, R2, 'network_header');
  code.emit(alu64('add', R1, reg(R2)));
  loadSkb(code, R2, 'data');
  code.emit(alu64('sub', R1, reg(R2)));
  storeFlow(context, FLOW_L3, R1);
  code.emit(alu64('sub', R8, reg(R1)));
}

/** Where the length of the packet without its fixed header stands in that: offset, and bytes to add. */
const LENGTH = { v4: { at: 2, add: 0 }, v6: { at: 4, add: 40 } } as const;

/**
 * r8 = bytes of the packet as INPUT had it: UDP has cut off what lies behind its datagram (__udp4_lib_rcv), so it is
 * the header that says; 0 there stands for more than 64 KiB, which are all there. The header is at r10 + `header`.
 * Where rules look at any byte, a packet of which some are gone is not judged but dropped. Clobbers r1.
 */
export function emitArrivedLength({ code, view, readsBytes, drop }: NetfilterContext, header: number): void {
  if (!isSocketHook(view.hook) || view.chain !== 'INPUT') return;
  const { at, add } = LENGTH[view.family];
  const known = code.label('length');
  code.emit(load(2, R1, R10, header + at), toBigEndian(R1, 16), jump32('jeq', R1, 0, known));
  if (add > 0) code.emit(alu32('add', R1, add));
  if (readsBytes) code.emit(jump64('jgt', R1, reg(R8), drop));
  code.emit(mov64(R8, reg(R1)));
  code.place(known);
}

/** IP6SKB_FRAGMENTED (include/linux/ipv6.h): the packet was put together of pieces. */
const REASSEMBLED = 16;

/** Goes to `to` with an IPv6 packet that came in pieces, as its control block still says. Clobbers r1. */
export function emitReassembled(code: Code, to: string): void {
  code.emit(mov64(R1, reg(R7)), addFieldOffset(R1, 'sk_buff', 'cb'), addFieldOffset(R1, 'inet6_skb_parm', 'flags'));
  code.emit(load(2, R1, R1, 0), alu32('and', R1, REASSEMBLED), jump32('jne', R1, 0, to));
}
