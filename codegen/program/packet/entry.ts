import type { Field } from '../../../grammar/model/fields.js';
import {
  alu32,
  alu64,
  callHelper,
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
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
  toBigEndian,
  type AccessSize,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { FLOW_L3, storedBytes, type FlowLayout } from '../flow.js';
import type { FragmentPolicy, VlanPolicy } from '../manifest.js';
import { isIngress, type View, type WireView } from '../view.js';

/** Offsets in the context structs (include/uapi/linux/bpf.h). */
export const XDP_MD = { data: 0, data_end: 4, ingress_ifindex: 12 } as const;
export const SK_BUFF = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  vlan_present: 20,
  vlan_tci: 24,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  data: 76,
  data_end: 80,
  sk: 168,
  gso_size: 176,
} as const;

/** Index of the loopback device in every network namespace. */
export const LOOPBACK_IFINDEX = 1;
/** Bytes of headers that a tc program wants in the linear part of the packet. */
const TC_LINEAR = 512;
/** skb->pkt_type of a frame for somebody else (include/uapi/linux/if_packet.h). */
const PACKET_OTHERHOST = 3;
const AF_PACKET = 17;

/** Where fields go that have been read. */
export interface FlowWriter {
  readonly code: Code;
  readonly layout: FlowLayout;
  readonly view: Pick<View, 'family'>;
  /** Offset of struct flow from r10. */
  readonly flow: number;
}

/**
 * What the reading of a frame needs. In the entry function r6 is the context, r7 the start of what is read next
 * (the IP header after {@link emitLink}), r8 the end of the packet.
 */
export interface EntryContext extends FlowWriter {
  readonly view: WireView;
  readonly used: ReadonlySet<Field>;
  readonly fragments: FragmentPolicy;
  readonly vlan: VlanPolicy;
  /** Whether some test may read any byte of the packet as the chain sees it. */
  readonly readsBytes: boolean;
  /** Offset of 64 bytes of scratch memory from r10. */
  readonly scratch: number;
  /** Where a packet goes that this chain does not judge. */
  readonly pass: string;
  /** Where a packet goes that is dropped without a rule. */
  readonly drop: string;
  /** Where a packet goes of which something cannot be known: dropped in exact mode, passed in early mode. */
  readonly unknown: string;
}

/** Stores a register in the flow, if any rule reads the field. */
export function storeField(context: FlowWriter, field: Field, register: number): void {
  const offset = context.layout.offsets.get(field);
  if (offset === undefined) return;
  const bytes = storedBytes(field, context.view.family);
  if (bytes > 8) throw new Error(`field ${field} is wider than a register`);
  context.code.emit(store(bytes as AccessSize, R10, context.flow + offset, register));
}

/**
 * Time to live or hop limit, at this byte of the IP header (r7). In FORWARD one of 0 or 1 is answered before the chain, which
 * sees it decremented (ip_forward, ip6_forward).
 */
export function emitTtl(context: EntryContext, at: number): void {
  const { code, view, used } = context;
  if (view.chain === 'FORWARD') {
    code.emit(load(1, R1, R7, at), jump32('jle', R1, 1, context.pass), alu32('sub', R1, 1));
    storeField(context, 'ttl', R1);
  } else if (used.has('ttl')) {
    code.emit(load(1, R1, R7, at));
    storeField(context, 'ttl', R1);
  }
}

/** Stores one 64-bit word of a wide field. */
export function storeWord(context: FlowWriter, field: Field, index: number, register: number): void {
  const offset = context.layout.offsets.get(field);
  if (offset === undefined) return;
  context.code.emit(store(8, R10, context.flow + offset + 8 * index, register));
}

/** Stores one of the flow's own words (FLOW_*). */
export function storeFlow(context: FlowWriter, offset: number, register: number): void {
  context.code.emit(store(4, R10, context.flow + offset, register));
}

/** dst = first byte of the frame. */
export function loadData(context: EntryContext, dst: number): void {
  context.code.emit(load(4, dst, R6, context.view.hook === 'xdp' ? XDP_MD.data : SK_BUFF.data));
}

function loadEnd(context: EntryContext): void {
  context.code.emit(load(4, R8, R6, context.view.hook === 'xdp' ? XDP_MD.data_end : SK_BUFF.data_end));
}

/** Goes to `short` unless `bytes` bytes from r7 on lie in the packet. Clobbers r1. */
export function requireBytes(context: EntryContext, bytes: number, short: string): void {
  context.code.emit(mov64(R1, reg(R7)), alu64('add', R1, bytes), jump64('jgt', R1, reg(R8), short));
}

/** Frames that the hook sees but the chain never does, and enough linear data; r7, r8 = frame and end. */
export function emitStart(context: EntryContext): void {
  const { code, view } = context;
  code.emit(mov64(R6, reg(R1)));
  if (view.hook === 'tc') {
    if (isIngress(view)) {
      code.emit(load(4, R1, R6, SK_BUFF.pkt_type), jump32('jeq', R1, PACKET_OTHERHOST, context.pass));
    } else {
      emitOwnTraffic(context);
    }
    emitLinear(context);
  }
  loadData(context, R7);
  loadEnd(context);
}

/** tc egress sees AF_PACKET frames too, which never went through a chain, and forwarded packets, which never went through OUTPUT. */
function emitOwnTraffic(context: EntryContext): void {
  const { code, view } = context;
  const own = code.label('own');
  if (view.chain === 'OUTPUT') code.emit(load(4, R1, R6, SK_BUFF.ingress_ifindex), jump32('jne', R1, 0, context.pass));
  code.emit(load(8, R1, R6, SK_BUFF.sk), jump64('jeq', R1, 0, own));
  // struct bpf_sock: bound_dev_if, family.
  code.emit(load(4, R1, R1, 4), jump32('jeq', R1, AF_PACKET, context.pass));
  code.place(own);
}

/** Pulls the headers into the linear part where they are not there yet. */
function emitLinear(context: EntryContext): void {
  const { code } = context;
  const linear = code.label('linear');
  const wanted = code.label('wanted');
  code.emit(load(4, R2, R6, SK_BUFF.len), jump32('jle', R2, TC_LINEAR, wanted), mov32(R2, TC_LINEAR));
  code.place(wanted);
  code.emit(load(4, R1, R6, SK_BUFF.data), load(4, R3, R6, SK_BUFF.data_end), alu64('sub', R3, reg(R1)));
  code.emit(jump64('jge', R3, reg(R2), linear));
  code.emit(mov64(R1, reg(R6)), callHelper('skb_pull_data'), jump64('jne', R0, 0, context.unknown));
  code.place(linear);
}

/** Bytes of an Ethernet header. */
const LINK_HEADER = 14;
/** Bytes of a header of each family without options. */
const LEAST_IP_HEADER = { v4: 20, v6: 40 } as const;

/**
 * The Ethernet header and VLAN tags; r7 = IP header of the family behind them, all of which lies in the packet but for
 * options. Most frames have no tag, and one comparison tells that all of both headers is there.
 */
export function emitLink(context: EntryContext): void {
  const { code, view } = context;
  const other = code.label('other_frame');
  const header = code.label('ip_header');
  const protocol = htons(view.family === 'v4' ? 0x0800 : 0x86dd);
  requireBytes(context, LINK_HEADER + LEAST_IP_HEADER[view.family], other);
  code.emit(load(2, R2, R7, 12), jump32('jne', R2, protocol, other));
  if (view.hook === 'tc') code.emit(load(4, R1, R6, SK_BUFF.vlan_present), jump32('jne', R1, 0, other));
  emitAddresses(context);
  code.emit(alu64('add', R7, LINK_HEADER), storeImm(4, R10, context.flow + FLOW_L3, LINK_HEADER), goto(header));
  code.place(other);
  emitTagged(context, protocol);
  code.place(header);
}

/** As {@link emitLink}, of any frame. */
function emitTagged(context: EntryContext, protocol: number): void {
  const { code, view } = context;
  requireBytes(context, LINK_HEADER, context.pass);
  emitAddresses(context);
  code.emit(load(2, R2, R7, 12), mov64(R9, 0), alu64('add', R7, LINK_HEADER));
  if (view.hook === 'tc') {
    const untagged = code.label('untagged');
    code.emit(load(4, R1, R6, SK_BUFF.vlan_present), jump32('jeq', R1, 0, untagged));
    code.emit(load(4, R9, R6, SK_BUFF.vlan_tci), alu32('and', R9, 0x0fff));
    code.place(untagged);
  }
  // A tag of VLAN 0 only carries a priority: the stack strips it and goes on (net/core/dev.c check_vlan_id).
  for (let tag = 0; tag < 2; tag++) {
    const tagged = code.label('tagged');
    const inner = code.label('inner');
    code.emit(jump32('jeq', R2, htons(0x8100), tagged), jump32('jne', R2, htons(0x88a8), inner));
    code.place(tagged);
    requireBytes(context, 4, context.pass);
    code.emit(load(2, R1, R7, 0), alu32('and', R1, htons(0x0fff)), alu32('or', R9, reg(R1)));
    code.emit(load(2, R2, R7, 2), alu64('add', R7, 4));
    code.place(inner);
  }
  code.emit(jump32('jne', R2, protocol, context.pass));
  if (context.vlan !== 'judge') {
    code.emit(jump32('jne', R9, 0, context.vlan === 'drop' ? context.drop : context.pass));
  }
  loadData(context, R2);
  code.emit(mov64(R1, reg(R7)), alu64('sub', R1, reg(R2)));
  storeFlow(context, FLOW_L3, R1);
  requireBytes(context, LEAST_IP_HEADER[view.family], context.pass);
}

function emitAddresses(context: EntryContext): void {
  const { code, view, used } = context;
  if (view.chain === 'FORWARD') {
    // ip_forward and ip6_forward take frames to this host alone.
    code.emit(load(1, R1, R7, 0), alu32('and', R1, 1), jump32('jne', R1, 0, context.pass));
  }
  if (used.has('pkttype')) emitPacketType(context);
  if (used.has('mac.ether')) {
    // The loopback device is no Ethernet device, though its frames look so (net/netfilter/xt_mac.c asks dev->type).
    const loopback = code.label('loopback');
    code.emit(mov32(R2, 0), load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
    code.emit(jump32('jeq', R1, LOOPBACK_IFINDEX, loopback), mov32(R2, 1));
    code.place(loopback);
    storeField(context, 'mac.ether', R2);
  }
  if (used.has('mac.src')) {
    code.emit(load(2, R1, R7, 6), toBigEndian(R1, 16), alu64('lsh', R1, 32));
    code.emit(load(4, R2, R7, 8), toBigEndian(R2, 32), alu64('or', R1, reg(R2)));
    storeField(context, 'mac.src', R1);
  }
}

/** skb->pkt_type; at XDP as eth_type_trans will set it for a frame that reaches a chain. */
function emitPacketType(context: EntryContext): void {
  const { code, view } = context;
  if (view.hook === 'tc') {
    code.emit(load(4, R1, R6, SK_BUFF.pkt_type));
    storeField(context, 'pkttype', R1);
    return;
  }
  const done = code.label('type');
  const group = code.label('group');
  code.emit(load(1, R2, R7, 0), mov32(R1, 0), alu32('and', R2, 1), jump32('jeq', R2, 0, done));
  code.emit(mov32(R1, 2), load(4, R2, R7, 0), jump32('jne', R2, -1, group));
  code.emit(load(2, R2, R7, 4), jump32('jne', R2, 0xffff, group), mov32(R1, 1));
  code.place(group);
  code.place(done);
  storeField(context, 'pkttype', R1);
}

/** A 16-bit value as a little-endian machine reads its network-order bytes. */
export function htons(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
