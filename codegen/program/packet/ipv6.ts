import {
  alu32,
  alu64,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R0,
  R1,
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
import { FLOW_LENGTH, FLOW_THOFF } from '../flow.js';
import { isIngress } from '../view.js';
import {
  htons,
  loadData,
  requireBytes,
  SK_BUFF,
  storeField,
  storeFlow,
  storeWord,
  XDP_MD,
  type EntryContext,
} from './entry.js';
import { emitRoute } from './route.js';

const HEADER = 40;
const NEXTHDR = { HOP: 0, ROUTING: 43, FRAGMENT: 44, AUTH: 51, NONE: 59, DEST: 60 } as const;
/** More headers than fit a frame of 4 KiB; a packet with more of them is dropped, as what it hides is not known. */
const MAX_EXTENSION_HEADERS = 512;
/** Index of the loopback device in every network namespace. */
const LOOPBACK_IFINDEX = 1;

/**
 * Reads an IPv6 header at r7: what ip6_rcv_core and ip6_forward throw away is passed on to them, unjudged.
 * Afterwards r9 = offset of the transport header from r7, r3 = bytes of the packet from there on (0 if none).
 */
export function emitIpv6(context: EntryContext): void {
  const { code, view, used } = context;
  requireBytes(context, HEADER, context.pass);
  code.emit(load(1, R1, R7, 0), alu32('rsh', R1, 4), jump32('jne', R1, 6, context.pass));
  emitPayloadLength(context);
  if (used.has('saddr')) emitAddress(context, 'saddr', 8);
  if (used.has('daddr')) emitAddress(context, 'daddr', 24);
  if (used.has('tos')) {
    code.emit(load(2, R1, R7, 0), toBigEndian(R1, 16), alu32('rsh', R1, 4), alu32('and', R1, 0xff));
    storeField(context, 'tos', R1);
  }
  if (view.chain === 'FORWARD') {
    // ip6_forward: a hop limit of 0 or 1 is answered before the chain, which sees it decremented.
    code.emit(load(1, R1, R7, 7), jump32('jle', R1, 1, context.pass), alu32('sub', R1, 1));
    storeField(context, 'ttl', R1);
  } else if (used.has('ttl')) {
    code.emit(load(1, R1, R7, 7));
    storeField(context, 'ttl', R1);
  }
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
  const { code } = context;
  emitLength(context);
  emitRemaining(context, R4);
  code.emit(jump64('jgt', R3, reg(R4), context.pass));
  storeFlow(context, FLOW_LENGTH, R3);
  code.emit(load(2, R1, R7, 4), toBigEndian(R1, 16), alu32('add', R1, HEADER));
  storeField(context, 'length', R1);
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
  code.emit(load(1, R1, R7, 24), jump32('jeq', R1, 0xff, view.chain === 'INPUT' ? judged : context.pass));
  if (view.chain === 'FORWARD') {
    const specified = code.label('specified');
    // No unspecified, loopback or link-local source is forwarded.
    code.emit(load(8, R1, R7, 8), jump64('jne', R1, 0, specified));
    code.emit(load(8, R1, R7, 16), toBigEndian(R1, 64), jump64('jle', R1, 1, context.pass));
    code.place(specified);
    code.emit(load(2, R1, R7, 8), alu32('and', R1, htons(0xffc0)), jump32('jeq', R1, htons(0xfe80), context.pass));
  }
  emitRoute(context, judged);
  code.place(judged);
}

/**
 * ipv6_find_hdr(skb, &thoff, -1, &fragoff, NULL) of net/ipv6/exthdrs_core.c. r9 = offset, r5 = next header,
 * r4 = headers left, r3 = packet length.
 */
function emitHeaders(context: EntryContext): void {
  const { code } = context;
  const loop = code.label('headers');
  const extension = code.label('extension');
  const generic = code.label('generic');
  const authentication = code.label('authentication');
  const fragment = code.label('fragment');
  const routing = code.label('routing');
  const advance = code.label('advance');
  const broken = code.label('broken');
  const found = code.label('found');
  const done = code.label('done');

  emitLength(context);
  code.emit(mov64(R9, HEADER), load(1, R5, R7, 6), mov64(R4, MAX_EXTENSION_HEADERS));
  code.place(loop);
  code.emit(jump32('jeq', R5, NEXTHDR.HOP, extension), jump32('jeq', R5, NEXTHDR.DEST, extension));
  code.emit(jump32('jeq', R5, NEXTHDR.ROUTING, extension), jump32('jeq', R5, NEXTHDR.FRAGMENT, extension));
  code.emit(jump32('jne', R5, NEXTHDR.AUTH, found));
  code.place(extension);
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, 2), jump64('jgt', R1, reg(R3), broken));
  // A packet pointer must stay below 64 KiB for the verifier.
  code.emit(jump64('jgt', R9, 0xff00, broken));
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, reg(R9)));
  code.emit(mov64(R2, reg(R1)), alu64('add', R2, 2), jump64('jgt', R2, reg(R8), context.drop));
  code.emit(load(1, R0, R1, 0), load(1, R2, R1, 1));
  code.emit(jump32('jeq', R5, NEXTHDR.FRAGMENT, fragment), jump32('jeq', R5, NEXTHDR.AUTH, authentication));
  code.emit(jump32('jeq', R5, NEXTHDR.ROUTING, routing));
  code.place(generic);
  code.emit(alu64('add', R2, 1), alu64('lsh', R2, 3));
  code.place(advance);
  code.emit(alu64('add', R9, reg(R2)), mov64(R5, reg(R0)), alu64('sub', R4, 1));
  code.emit(jump64('jeq', R4, 0, context.drop), goto(loop));

  code.place(routing);
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, 4), jump64('jgt', R1, reg(R3), broken), goto(generic));

  code.place(authentication);
  code.emit(alu64('add', R2, 2), alu64('lsh', R2, 2), goto(advance));

  code.place(fragment);
  code.emit(mov64(R2, reg(R9)), alu64('add', R2, 4), jump64('jgt', R2, reg(R3), broken));
  code.emit(mov64(R2, reg(R1)), alu64('add', R2, 4), jump64('jgt', R2, reg(R8), context.drop));
  code.emit(load(2, R1, R1, 2), toBigEndian(R1, 16), alu32('and', R1, 0xfff8), mov64(R2, 8));
  code.emit(jump32('jeq', R1, 0, advance));
  // A later fragment: the header behind it is known by name alone, and only if it is no extension header.
  for (const header of [NEXTHDR.HOP, NEXTHDR.DEST, NEXTHDR.ROUTING, NEXTHDR.FRAGMENT, NEXTHDR.AUTH]) {
    code.emit(jump32('jeq', R0, header, broken));
  }
  storeField(context, 'fragoff', R1);
  storeField(context, 'proto', R0);
  code.emit(mov32(R1, 1));
  storeField(context, 'l4found', R1);
  code.emit(mov64(R9, 0), mov64(R3, 0), goto(done));

  code.place(broken);
  code.emit(mov64(R9, 0), mov64(R3, 0), goto(done));

  code.place(found);
  storeField(context, 'proto', R5);
  code.emit(mov32(R1, 1));
  storeField(context, 'l4found', R1);
  const inside = code.label('inside');
  code.emit(jump64('jle', R9, reg(R3), inside), mov64(R9, 0), mov64(R3, 0), goto(done));
  code.place(inside);
  code.emit(alu64('sub', R3, reg(R9)));
  code.place(done);
  storeFlow(context, FLOW_THOFF, R9);
}
