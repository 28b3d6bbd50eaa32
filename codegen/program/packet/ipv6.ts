import {
  alu32,
  alu64,
  callFunction,
  goto,
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
  toBigEndian,
} from '../../bytecode/instruction.js';
import { FLOW_FRAGMENT, FLOW_LENGTH, FLOW_THOFF } from '../flow.js';
import { EXTENSION_HEADERS, IPV6_HEADERS, NEXTHDR } from './ipv6-headers.js';
import { isIngress } from '../view.js';
import {
  emitTtl,
  htons,
  loadData,
  LOOPBACK_IFINDEX,
  SK_BUFF,
  storeField,
  storeFlow,
  storeWord,
  XDP_MD,
  type EntryContext,
} from './entry.js';
import { emitRoute, outputIndexSlot } from './route.js';

const HEADER = 40;

/**
 * Reads an IPv6 header at r7: what ip6_rcv_core and ip6_forward throw away is passed on to them, unjudged.
 * Afterwards r9 = offset of the transport header from r7, r3 = bytes of the packet from there on (0 if none).
 */
export function emitIpv6(context: EntryContext): void {
  const { code, view, used } = context;
  code.emit(load(1, R1, R7, 0), alu32('rsh', R1, 4), jump32('jne', R1, 6, context.pass));
  emitPayloadLength(context);
  if (used.has('saddr')) emitAddress(context, 'saddr', 8);
  if (used.has('daddr')) emitAddress(context, 'daddr', 24);
  if (used.has('tos')) {
    code.emit(load(2, R1, R7, 0), toBigEndian(R1, 16), alu32('rsh', R1, 4), alu32('and', R1, 0xff));
    storeField(context, 'tos', R1);
  }
  emitTtl(context, 7);
  if (isIngress(view)) emitReceiveChecks(context);
  if (view.chain === 'INPUT' || view.chain === 'FORWARD') emitDestination(context);
  emitHeaders(context);
}

function emitAddress(context: EntryContext, field: 'saddr' | 'daddr', offset: number): void {
  for (const word of [0, 1]) {
    context.code.emit(load(8, R1, R7, offset + 8 * word), toBigEndian(R1, 64));
    storeWord(context, field, word, R1);
  }
}

/** Packet length in r3: ip6_rcv_core trims to the payload length, except 0 behind a hop-by-hop header. */
function emitLength(context: EntryContext): void {
  const { code } = context;
  const known = code.label('length');
  code.emit(load(2, R3, R7, 4), toBigEndian(R3, 16), alu64('add', R3, HEADER));
  code.emit(jump32('jne', R3, HEADER, known), load(1, R1, R7, 6), jump32('jne', R1, NEXTHDR.HOP, known));
  emitRemaining(context, R3);
  code.place(known);
}

/** dst = bytes from r7 to the end of the packet as it arrived. Clobbers r1, r2 on tc. */
function emitRemaining(context: EntryContext, dst: number): void {
  const { code, view } = context;
  if (view.hook === 'xdp') {
    code.emit(mov64(dst, reg(R8)), alu64('sub', dst, reg(R7)));
    return;
  }
  loadData(context, R1);
  code.emit(mov64(R2, reg(R7)), alu64('sub', R2, reg(R1)));
  code.emit(load(4, dst, R6, SK_BUFF.len), alu64('sub', dst, reg(R2)));
}

function emitPayloadLength(context: EntryContext): void {
  const { code, view } = context;
  if (!isIngress(view)) {
    // A raw socket may send any payload length, and nothing is trimmed to it (net/ipv6/raw.c rawv6_send_hdrinc).
    emitRemaining(context, R3);
  } else {
    emitLength(context);
    emitRemaining(context, R4);
    code.emit(jump64('jgt', R3, reg(R4), context.pass));
  }
  storeFlow(context, FLOW_LENGTH, R3);
  // xt_length reads skb->len since Linux 6.3; before, payload length + 40, the same but behind a jumbo payload option.
  storeField(context, 'length', R3);
}

/** ip6_rcv_core (net/ipv6/ip6_input.c): loopback addresses from outside, multicast sources, reserved scopes. */
function emitReceiveChecks(context: EntryContext): void {
  const { code, view } = context;
  const inside = code.label('inside');
  const scoped = code.label('scoped');
  code.emit(load(1, R1, R7, 8), jump32('jeq', R1, 0xff, context.pass));
  // A multicast destination of scope 0, or of scope 1 (this interface) from outside.
  code.emit(load(2, R1, R7, 24), mov32(R2, reg(R1)), alu32('and', R2, 0xff), jump32('jne', R2, 0xff, scoped));
  code.emit(alu32('rsh', R1, 8), alu32('and', R1, 0x0f), jump32('jeq', R1, 0, context.pass));
  code.emit(jump32('jne', R1, 1, scoped));
  code.emit(load(4, R2, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(jump32('jne', R2, LOOPBACK_IFINDEX, context.pass));
  code.place(scoped);
  code.emit(load(4, R2, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(jump32('jeq', R2, LOOPBACK_IFINDEX, inside));
  for (const offset of [8, 24]) {
    const other = code.label('other');
    code.emit(load(8, R1, R7, offset), jump64('jne', R1, 0, other));
    code.emit(load(8, R1, R7, offset + 8), toBigEndian(R1, 64), jump64('jeq', R1, 1, context.pass));
    code.place(other);
  }
  code.place(inside);
}

/** INPUT or FORWARD: multicast stays here; ip6_forward's own checks; the routes decide the rest. */
function emitDestination(context: EntryContext): void {
  const { code, view } = context;
  const judged = code.label('judge');
  // What comes back from the loopback device has its route already (ip6_rcv_finish_core).
  code.emit(load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(jump32('jeq', R1, LOOPBACK_IFINDEX, view.chain === 'INPUT' ? judged : context.pass));
  code.emit(load(1, R1, R7, 24), jump32('jeq', R1, 0xff, view.chain === 'INPUT' ? judged : context.pass));
  const routed = code.label('routed');
  emitRoute(context, routed);
  code.place(routed);
  if (view.chain === 'FORWARD' && view.rewrittenBy === undefined) emitForwardSource(context, judged);
  code.place(judged);
}

/**
 * The transport header: at once where the first header is one, else through {@link ipv6HeadersFunction}. Leaves
 * r9 = its offset from r7 and r3 = bytes of the packet there, both 0 where there is none.
 */
function emitHeaders(context: EntryContext): void {
  const { code, flow } = context;
  const walk = code.label('walk');
  const found = code.label('found');
  const done = code.label('done');
  code.emit(load(1, R5, R7, 6));
  for (const header of EXTENSION_HEADERS) code.emit(jump32('jeq', R5, header, walk));
  storeField(context, 'proto', R5);
  code.emit(mov32(R1, 1));
  storeField(context, 'l4found', R1);
  code.emit(mov64(R9, HEADER), load(4, R3, R10, flow + FLOW_LENGTH), alu64('sub', R3, reg(R9)), goto(done));
  code.place(walk);
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, flow), callFunction(IPV6_HEADERS));
  code.emit(jump64('jne', R0, 0, context.unknown));
  if (context.fragments !== 'judge') {
    const target = context.fragments === 'drop' ? context.drop : context.pass;
    code.emit(load(4, R1, R10, flow + FLOW_FRAGMENT), jump32('jne', R1, 0, target));
  }
  code.emit(load(4, R9, R10, flow + FLOW_THOFF), mov64(R3, 0), jump64('jeq', R9, 0, done));
  code.emit(load(4, R3, R10, flow + FLOW_LENGTH), jump64('jge', R3, reg(R9), found), mov64(R3, reg(R9)));
  code.place(found);
  code.emit(alu64('sub', R3, reg(R9)));
  code.place(done);
  storeFlow(context, FLOW_THOFF, R9);
}

/** ip6_forward: no unspecified, loopback or link-local source goes out by another device than it came by. */
function emitForwardSource(context: EntryContext, judged: string): void {
  const { code, view } = context;
  const specified = code.label('specified');
  code.emit(load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(load(4, R2, R10, outputIndexSlot(context)), jump32('jeq', R1, reg(R2), judged));
  code.emit(load(8, R1, R7, 8), jump64('jne', R1, 0, specified));
  code.emit(load(8, R1, R7, 16), toBigEndian(R1, 64), jump64('jle', R1, 1, context.pass));
  code.place(specified);
  code.emit(load(2, R1, R7, 8), alu32('and', R1, htons(0xffc0)), jump32('jeq', R1, htons(0xfe80), context.pass));
}
