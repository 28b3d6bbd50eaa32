import {
  alu32,
  alu64,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R1,
  R2,
  R3,
  R4,
  R6,
  R7,
  R8,
  R9,
  reg,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { FLOW_LENGTH, FLOW_THOFF } from '../flow.js';
import { isIngress } from '../view.js';
import { loadData, requireBytes, SK_BUFF, storeField, storeFlow, type EntryContext } from './entry.js';
import { emitRoute } from './route.js';

/** Fragment bits of the 16-bit field (include/net/ip.h): more fragments, and the offset in units of 8 bytes. */
const IP_MF = 0x2000;
const IP_OFFSET = 0x1fff;

/**
 * Reads an IPv4 header at r7: what ip_rcv_core and ip_route_input_slow throw away is passed on to them, unjudged.
 * Afterwards r9 = offset of the transport header from r7, r3 = bytes of the packet from there on.
 */
export function emitIpv4(context: EntryContext): void {
  const { code, view } = context;
  requireBytes(context, 20, context.pass);
  code.emit(load(1, R9, R7, 0), mov32(R2, reg(R9)), alu32('rsh', R2, 4), jump32('jne', R2, 4, context.pass));
  code.emit(alu32('and', R9, 15), alu32('lsh', R9, 2), jump32('jlt', R9, 20, context.pass));
  emitTotalLength(context);
  if (isIngress(view)) emitHeaderChecksum(context);
  emitHeaderFields(context);
  emitFragment(context);
  if (view.chain !== 'OUTPUT' && view.chain !== 'PREROUTING') emitMartians(context);
  code.emit(load(2, R3, R7, 2), toBigEndian(R3, 16));
  if (view.hook === 'tc') emitBigTcp(context);
  code.emit(alu64('sub', R3, reg(R9)));
}

/** r3 = packet length where a GSO packet of more than 64 KiB has 0 in its header (include/linux/ip.h skb_ip_totlen). */
function emitBigTcp(context: EntryContext): void {
  const { code } = context;
  const known = code.label('length');
  code.emit(jump32('jne', R3, 0, known));
  code.emit(load(4, R3, R6, SK_BUFF.len));
  loadData(context, R1);
  code.emit(mov64(R2, reg(R7)), alu64('sub', R2, reg(R1)), alu64('sub', R3, reg(R2)));
  code.place(known);
}

/** ip_rcv_core: header ≤ total length ≤ what arrived; the rest is padding. */
function emitTotalLength(context: EntryContext): void {
  const { code, view } = context;
  const whole = code.label('whole');
  code.emit(load(2, R2, R7, 2), toBigEndian(R2, 16));
  if (view.hook === 'xdp') {
    code.emit(mov64(R3, reg(R8)), alu64('sub', R3, reg(R7)));
  } else {
    loadData(context, R1);
    code.emit(mov64(R4, reg(R7)), alu64('sub', R4, reg(R1)));
    code.emit(load(4, R3, R6, SK_BUFF.len), alu64('sub', R3, reg(R4)));
    const normal = code.label('normal');
    code.emit(jump32('jne', R2, 0, normal), load(4, R1, R6, SK_BUFF.gso_size), jump32('jeq', R1, 0, context.pass));
    code.emit(mov64(R2, reg(R3)), goto(whole));
    code.place(normal);
  }
  code.emit(jump32('jlt', R2, reg(R9), context.pass), jump64('jgt', R2, reg(R3), context.pass));
  code.place(whole);
  storeFlow(context, FLOW_LENGTH, R2);
  storeField(context, 'length', R2);
}

/** ip_fast_csum over the header (RFC 1071); a bad one never comes to a chain. */
function emitHeaderChecksum(context: EntryContext): void {
  const { code } = context;
  const summed = code.label('summed');
  code.emit(load(4, R3, R7, 0));
  for (const offset of [4, 8, 12, 16]) code.emit(load(4, R2, R7, offset), alu64('add', R3, reg(R2)));
  for (let offset = 20; offset < 60; offset += 4) {
    code.emit(jump32('jle', R9, offset, summed));
    requireBytes(context, offset + 4, context.pass);
    code.emit(load(4, R2, R7, offset), alu64('add', R3, reg(R2)));
  }
  code.place(summed);
  for (let fold = 0; fold < 3; fold++) {
    code.emit(mov64(R2, reg(R3)), alu64('rsh', R2, 16), alu64('and', R3, 0xffff), alu64('add', R3, reg(R2)));
  }
  code.emit(jump32('jne', R3, 0xffff, context.pass));
}

function emitHeaderFields(context: EntryContext): void {
  const { code, view, used } = context;
  if (used.has('saddr')) {
    code.emit(load(4, R1, R7, 12), toBigEndian(R1, 32));
    storeField(context, 'saddr', R1);
  }
  if (used.has('daddr')) {
    code.emit(load(4, R1, R7, 16), toBigEndian(R1, 32));
    storeField(context, 'daddr', R1);
  }
  if (used.has('tos')) {
    code.emit(load(1, R1, R7, 1));
    storeField(context, 'tos', R1);
  }
  if (used.has('proto')) {
    code.emit(load(1, R1, R7, 9));
    storeField(context, 'proto', R1);
  }
  if (view.chain === 'FORWARD') {
    // ip_forward: a TTL of 0 or 1 is answered before the chain, which sees it decremented.
    code.emit(load(1, R1, R7, 8), jump32('jle', R1, 1, context.pass), alu32('sub', R1, 1));
    storeField(context, 'ttl', R1);
  } else if (used.has('ttl')) {
    code.emit(load(1, R1, R7, 8));
    storeField(context, 'ttl', R1);
  }
  storeFlow(context, FLOW_THOFF, R9);
}

function emitFragment(context: EntryContext): void {
  const { code, view, used, fragments } = context;
  const reassembled = view.chain === 'INPUT' || view.chain === 'OUTPUT';
  if (!used.has('fragoff') && (fragments === 'judge' || !reassembled)) return;
  code.emit(load(2, R1, R7, 6), toBigEndian(R1, 16));
  if (reassembled && fragments !== 'judge') {
    const target = fragments === 'drop' ? context.drop : context.pass;
    code.emit(mov32(R2, reg(R1)), alu32('and', R2, IP_MF | IP_OFFSET), jump32('jne', R2, 0, target));
  }
  code.emit(alu32('and', R1, IP_OFFSET));
  storeField(context, 'fragoff', R1);
}

/** ip_route_input_rcu and ip_route_input_slow (net/ipv4/route.c): addresses that never come to INPUT or FORWARD. */
function emitMartians(context: EntryContext): void {
  const { code, view } = context;
  const judge = code.label('judge');
  const sourced = code.label('sourced');
  const routed = code.label('routed');
  const anywhere = view.chain === 'INPUT' ? judge : context.pass;
  code.emit(load(4, R3, R7, 12), toBigEndian(R3, 32), load(4, R4, R7, 16), toBigEndian(R4, 32));
  code.emit(mov32(R1, reg(R3)), alu32('rsh', R1, 28), jump32('jeq', R1, 0xe, context.pass));
  code.emit(jump32('jeq', R3, -1, context.pass));
  code.emit(mov32(R2, reg(R4)), alu32('rsh', R2, 28));
  code.emit(jump32('jne', R3, 0, sourced));
  // Without a source: broadcasts, link-local multicast and IGMP alone.
  code.emit(jump32('jeq', R4, -1, anywhere), jump32('jeq', R4, 0, anywhere));
  code.emit(jump32('jne', R2, 0xe, context.pass));
  code.emit(mov32(R1, reg(R4)), alu32('rsh', R1, 8), jump32('jeq', R1, 0xe00000, anywhere));
  code.emit(load(1, R1, R7, 9), jump32('jeq', R1, 2, anywhere), goto(context.pass));
  code.place(sourced);
  code.emit(jump32('jeq', R4, 0, context.pass));
  code.emit(jump32('jeq', R2, 0xe, anywhere), jump32('jeq', R4, -1, anywhere));
  emitRoute(context, routed);
  code.place(routed);
  code.place(judge);
}
