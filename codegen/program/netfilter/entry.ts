/** Reads a packet behind the IP stack: what it has checked, routed and tracked is taken as it is. */
import type { Field } from '../../../grammar/model/fields.js';
import {
  addFieldOffset,
  alu32,
  alu64,
  callFunction,
  callHelper,
  callKfunc,
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
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { FLOW_LENGTH, FLOW_THOFF, MAX_OPTION_BYTES } from '../flow.js';
import { storeField, storeFlow, storeWord } from '../packet/entry.js';
import { isSocketHook } from '../place.js';
import { EXTENSION_HEADERS, IPV6_HEADERS } from '../packet/ipv6-headers.js';
import { TCP_OPTIONS } from '../packet/transport.js';
import { emitTransportField, transportFields } from '../packet/transport-fields.js';
import { CAST_KFUNC } from '../device-name.js';
import { emitForwardedDevice, emitPacketDevice, emitRouteDevice, emitStateDevice } from './device.js';
import { loadSkb, readAtOnce, type PacketAccess, type PacketRead } from './packet.js';
import type { NetfilterContext } from './context.js';
import { emitArrivedLength, emitPacketPlace } from './socket.js';
import { DYNPTR_BYTES, NF_CONTEXT } from './structs.js';

/** Bytes of scratch memory of an entry function: a dynptr, and a header as it is read. */
export const NETFILTER_SCRATCH_BYTES = 64;
const TCP_HEADER = 20;

export function accessOf({ view, scratch, flow }: NetfilterContext): PacketAccess {
  const packet = isSocketHook(view.hook) ? R6 : R7;
  return { hook: view.hook, packet, dynptr: scratch, flow: { reg: R10, offset: flow } };
}

/**
 * r6 = context (given in r1), r7 = `struct sk_buff`; fills the flow, which must be zero. r9 = offset of the transport
 * header on the way, r8 = bytes of the packet from there on.
 */
export function emitNetfilterPacket(context: NetfilterContext): void {
  const { code, view } = context;
  loadSkb(code, R8, 'len');
  emitPacketPlace(context);
  if (view.family === 'v4') emitIpv4(context);
  else emitIpv6(context);
  storeField(context, 'l4len', R8);
  emitTransport(context);
  emitMetadata(context);
}

/** Offset from r10 of the 40 bytes that headers are read to. */
export const bufferOf = ({ scratch }: Pick<NetfilterContext, 'scratch'>): number => scratch + DYNPTR_BYTES;

function read(context: NetfilterContext, from: PacketRead['from'], bytes: number, short: string): void {
  readAtOnce(context.code, accessOf(context), { to: bufferOf(context), from, bytes }, short);
}

function emitIpv4(context: NetfilterContext): void {
  const { code, used } = context;
  const at = bufferOf(context);
  read(context, 0, 20, context.drop);
  emitArrivedLength(context, at);
  storeFlow(context, FLOW_LENGTH, R8);
  for (const [field, offset] of [
    ['saddr', 12],
    ['daddr', 16],
  ] as const) {
    if (!used.has(field)) continue;
    code.emit(load(4, R1, R10, at + offset), toBigEndian(R1, 32));
    storeField(context, field, R1);
  }
  for (const [field, offset] of [
    ['proto', 9],
    ['tos', 1],
    ['ttl', 8],
  ] as const) {
    if (!used.has(field)) continue;
    code.emit(load(1, R1, R10, at + offset));
    storeField(context, field, R1);
  }
  if (used.has('fragoff')) {
    code.emit(load(2, R1, R10, at + 6), toBigEndian(R1, 16), alu32('and', R1, 0x1fff));
    storeField(context, 'fragoff', R1);
  }
  if (used.has('length')) {
    // include/linux/ip.h skb_ip_totlen: a packet of more than 64 KiB has 0 in its header.
    const known = code.label('length');
    code.emit(load(2, R1, R10, at + 2), toBigEndian(R1, 16), jump32('jne', R1, 0, known), mov64(R1, reg(R8)));
    code.place(known);
    storeField(context, 'length', R1);
  }
  code.emit(load(1, R9, R10, at), alu32('and', R9, 15), alu32('lsh', R9, 2));
  storeFlow(context, FLOW_THOFF, R9);
  emitRest(context);
}

function emitIpv6(context: NetfilterContext): void {
  const { code, used } = context;
  const at = bufferOf(context);
  const walk = code.label('walk');
  const found = code.label('found');
  const done = code.label('network');
  read(context, 0, 40, context.drop);
  emitArrivedLength(context, at);
  storeFlow(context, FLOW_LENGTH, R8);
  storeField(context, 'length', R8);
  for (const [field, offset] of [
    ['saddr', 8],
    ['daddr', 24],
  ] as const) {
    if (!used.has(field)) continue;
    for (const word of [0, 1]) {
      code.emit(load(8, R1, R10, at + offset + 8 * word), toBigEndian(R1, 64));
      storeWord(context, field, word, R1);
    }
  }
  if (used.has('tos')) {
    code.emit(load(2, R1, R10, at), toBigEndian(R1, 16), alu32('rsh', R1, 4), alu32('and', R1, 0xff));
    storeField(context, 'tos', R1);
  }
  if (used.has('ttl')) {
    code.emit(load(1, R1, R10, at + 7));
    storeField(context, 'ttl', R1);
  }
  code.emit(load(1, R3, R10, at + 6));
  for (const header of EXTENSION_HEADERS) code.emit(jump32('jeq', R3, header, walk));
  storeField(context, 'proto', R3);
  code.emit(mov32(R1, 1));
  storeField(context, 'l4found', R1);
  code.emit(mov64(R9, 40));
  emitRest(context);
  code.emit(goto(done));
  code.place(walk);
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, context.flow), callFunction(IPV6_HEADERS));
  code.emit(jump64('jne', R0, 0, context.drop));
  code.emit(load(4, R9, R10, context.flow + FLOW_THOFF), jump64('jne', R9, 0, found), mov64(R8, 0));
  code.emit(jump64('jeq', R8, 0, done));
  code.place(found);
  emitRest(context);
  code.place(done);
  storeFlow(context, FLOW_THOFF, R9);
}

/**
 * r8 = bytes behind the offset r9, 0 where the packet ends before it: without a jump, since the verifier would follow all that comes next with
 * the 0 first, and again with any other number. Clobbers r1.
 */
function emitRest({ code }: NetfilterContext): void {
  code.emit(alu64('sub', R8, reg(R9)), mov64(R1, reg(R8)), alu64('arsh', R1, 63));
  code.emit(alu64('and', R1, reg(R8)), alu64('xor', R8, reg(R1)));
}

const TCP_FIELDS = ['tcp.flags', 'tcp.doff', 'tcp.whole', 'tcp.options'] as const satisfies readonly Field[];

/** Fields that cannot be read stay 0. */
function emitTransport(context: NetfilterContext): void {
  const { code, used } = context;
  const at = bufferOf(context);
  const tcp = TCP_FIELDS.some((field) => used.has(field));
  const groups = transportFields(used);
  if (!tcp && groups.length === 0) return;
  const done = code.label('transport');
  if (tcp) {
    const few = code.label('few');
    code.emit(jump64('jlt', R8, TCP_HEADER, few));
    read(context, { reg: R9 }, TCP_HEADER, done);
    emitTcp(context, few);
    code.place(few);
  }
  for (const [end, fields] of groups) {
    code.emit(jump64('jlt', R8, end, done));
    read(context, { reg: R9 }, end, done);
    for (const one of fields) {
      emitTransportField(code, one, R10, at);
      storeField(context, one.field, R1);
    }
  }
  code.place(done);
}

/** The header is in the buffer, whole but for its options. */
function emitTcp(context: NetfilterContext, ready: string): void {
  const { code, used, layout, flow } = context;
  const at = bufferOf(context);
  if (used.has('tcp.flags')) {
    code.emit(load(1, R1, R10, at + 13));
    storeField(context, 'tcp.flags', R1);
  }
  if (!TCP_FIELDS.some((field) => field !== 'tcp.flags' && used.has(field))) return;
  code.emit(load(1, R4, R10, at + 12), alu32('rsh', R4, 4));
  storeField(context, 'tcp.doff', R4);
  code.emit(alu32('lsh', R4, 2), jump64('jgt', R4, reg(R8), ready), mov32(R1, 1));
  storeField(context, 'tcp.whole', R1);
  if (!used.has('tcp.options') || layout.optionBytes === undefined) return;
  // The ports of the buffer stay: the options go right into the flow.
  const slot = at + 32;
  code.emit(jump64('jle', R4, TCP_HEADER, ready), alu64('sub', R4, TCP_HEADER));
  code.emit(jump64('jgt', R4, MAX_OPTION_BYTES, ready), store(8, R10, slot, R4));
  const options = { to: flow + layout.optionBytes, from: { reg: R9, plus: TCP_HEADER }, bytes: { slot } };
  readAtOnce(code, accessOf(context), options, ready);
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, flow), load(8, R2, R10, slot), callFunction(TCP_OPTIONS));
}

/** What is no part of the packet: mark, devices, link header. */
function emitMetadata(context: NetfilterContext): void {
  const { code, layout, used, flow } = context;
  if (used.has('mark')) {
    loadSkb(code, R1, 'mark');
    storeField(context, 'mark', R1);
  }
  if (used.has('pkttype')) emitPacketType(context);
  if (used.has('mac.ether') || used.has('mac.src')) emitLink(context);
  const iif = layout.offsets.get('iif');
  const oif = layout.offsets.get('oif');
  const emitDevice = isSocketHook(context.view.hook) ? emitPacketDevice : emitStateDevice;
  if (iif !== undefined && used.has('iif')) {
    if (context.view.chain === 'POSTROUTING') emitForwardedDevice(code, flow + iif);
    else emitDevice(code, 'in', flow + iif);
  }
  if (oif === undefined || !used.has('oif')) return;
  if (context.routed === true) emitRouteDevice(code, flow + oif, bufferOf(context));
  else emitDevice(code, 'out', flow + oif);
}

const PKT_TYPE_BITS = 7;
const PACKET_LOOPBACK = 5;

/** pkttype_mt (net/netfilter/xt_pkttype.c): what comes back from the loopback device is a group's by its address. */
function emitPacketType(context: NetfilterContext): void {
  const { code, view } = context;
  const v4 = view.family === 'v4';
  const known = code.label('type');
  loadSkb(code, R8, '__pkt_type_offset');
  code.emit(alu32('and', R8, PKT_TYPE_BITS), jump32('jne', R8, PACKET_LOOPBACK, known));
  const at = bufferOf(context);
  const multicast = code.label('multicast');
  read(context, v4 ? 16 : 24, 1, context.drop);
  code.emit(load(1, R1, R10, at), mov32(R8, 2));
  if (v4) code.emit(alu32('and', R1, 0xf0), jump32('jeq', R1, 0xe0, multicast));
  else code.emit(jump32('jeq', R1, 0xff, multicast));
  code.emit(mov32(R8, 1));
  code.place(multicast);
  code.place(known);
  storeField(context, 'pkttype', R8);
}

const ARPHRD_ETHER = 1;
const ETHERNET_HEADER = 14;

/** mac_mt (net/netfilter/xt_mac.c): an Ethernet device, and a link header that lies in front of the packet. */
function emitLink(context: NetfilterContext): void {
  const { code, used, layout, flow } = context;
  const done = code.label('link');
  // The last four of the six bytes are aligned.
  const at = bufferOf(context) + 2;
  loadSkb(code, R1, 'dev');
  code.emit(addFieldOffset(R1, 'net_device', 'type'), load(2, R1, R1, 0), jump32('jne', R1, ARPHRD_ETHER, done));
  // As numbers: where the header starts, counted from the buffer's head; and where the packet does.
  loadSkb(code, R8, 'mac_header');
  loadSkb(code, R3, 'head');
  emitPacketStart(context);
  code.emit(alu64('add', R3, reg(R8)), mov64(R1, reg(R3)), alu64('add', R1, ETHERNET_HEADER));
  code.emit(jump64('jgt', R1, reg(R2), done), alu64('add', R3, 6), mov64(R1, reg(R10)), alu64('add', R1, at));
  code.emit(mov64(R2, 6), callHelper('probe_read_kernel'), jump64('jne', R0, 0, done));
  if (used.has('mac.ether')) {
    code.emit(mov32(R1, 1));
    storeField(context, 'mac.ether', R1);
  }
  const source = layout.offsets.get('mac.src');
  if (source !== undefined) {
    code.emit(load(2, R1, R10, at), toBigEndian(R1, 16), alu64('lsh', R1, 32));
    code.emit(load(4, R2, R10, at + 2), toBigEndian(R2, 32), alu64('or', R1, reg(R2)));
    code.emit(store(8, R10, flow + source, R1));
  }
  code.place(done);
}

/** r2 = address of the IP header, as a number; r3 and r8 are kept. */
function emitPacketStart({ code, view }: NetfilterContext): void {
  if (!isSocketHook(view.hook)) return loadSkb(code, R2, 'data');
  loadSkb(code, R2, 'head');
  loadSkb(code, R1, 'network_header');
  code.emit(alu64('add', R2, reg(R1)));
}

/** r6 = context, r7 = the packet. */
export function emitNetfilterStart({ code, view }: NetfilterContext): void {
  code.emit(mov64(R6, reg(R1)));
  if (isSocketHook(view.hook)) code.emit(callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  else code.emit(load(8, R7, R6, NF_CONTEXT.skb));
}
