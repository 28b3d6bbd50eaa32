import {
  addFieldOffset,
  alu64,
  callFunction,
  callHelper,
  exit,
  jump32,
  jump64,
  lddw,
  load,
  loadMap,
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
  storeImm,
} from '../bytecode/instruction.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Effect } from '../../grammar/model/ruleset.js';
import type { MapSpec } from '../object/spec.js';
import { Code } from './code.js';
import { FLOW_L3, FLOW_LENGTH, FLOW_RULE, type FlowLayout } from './flow.js';
import type { Hook, WireHook } from './manifest.js';
import { emitDynptr, loadSkb, START_NET } from './netfilter/packet.js';
import { NF_CONTEXT } from './netfilter/structs.js';
import { isWireHook } from './place.js';

export const EVENTS = 'events';
const RING_BYTES = 1024 * 1024;
/** Where an event is put together: one of each CPU. */
const EVENT = 'event';

/**
 * What follows struct flow in an event: u64 nanoseconds of CLOCK_MONOTONIC, u32 bytes of the packet that are there, u32
 * bytes of its link header ({@link ETHERNET} beside them), that header, and the packet from its IP header on.
 */
export const EVENT_TAIL = { time: 0, captured: 8, link: 12, linkBytes: 16, packet: 48 } as const;
/** The device is an Ethernet device (ARPHRD_ETHER). */
export const ETHERNET = 0x80000000;
const MOST_LINK_BYTES = EVENT_TAIL.packet - EVENT_TAIL.linkBytes;
/** Bytes of a packet that NFLOG takes along, and LOG: all headers that a line of the kernel's log shows. */
const MOST_PACKET_BYTES = 2048;
export const MOST_LOGGED_BYTES = 512;

/** Ring buffer of events, one for each packet that a LOG rule matches; and what they are put together in. */
export function eventMaps(layout: FlowLayout): readonly MapSpec[] {
  const valueSize = layout.bytes + EVENT_TAIL.packet + MOST_PACKET_BYTES;
  return [
    { name: EVENTS, type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: RING_BYTES },
    { name: EVENT, type: 'percpu_array', keySize: 4, valueSize, maxEntries: 1 },
  ];
}

/** What a log line shows of a packet and its bytes do not say, and what tells packets apart. */
export const LOGGED_FIELDS: readonly Field[] = [
  'saddr',
  'daddr',
  'proto',
  'sport',
  'dport',
  'ttl',
  'tos',
  'fragoff',
  'mark',
];

const LOG_EVENT = 'log_event';
/** Bytes of stack of {@link logFunction}. */
export const LOG_STACK = 32;
const DYNPTR = -24;

export function logFunctionName(prefix: string): string {
  return prefix + LOG_EVENT;
}

/**
 * Writes the event of a rule; r1 = context, r6 = flow. Where the ring is full the event is lost, as a log line is.
 * `rule`: its key among the counters. Clobbers r0–r5.
 */
export function emitLog(code: Code, rule: number, effect: Extract<Effect, { kind: 'log' }>, name: string): void {
  const most = effect.group === undefined ? MOST_LOGGED_BYTES : MOST_PACKET_BYTES;
  code.emit(mov64(R2, reg(R6)), mov64(R3, rule), mov64(R4, most), callFunction(name));
}

/** `log_event(ctx, flow, rule, most)`: `most` bytes of the packet at most. `arrives`: packets have come in by a device. */
export function logFunction(hook: Hook, layout: FlowLayout, arrives: boolean): Code {
  const code = new Code();
  const given = code.label('given');
  const tail = layout.bytes;
  const at = (member: keyof typeof EVENT_TAIL): number => tail + EVENT_TAIL[member];
  code.emit(jump64('jne', R2, 0, given), mov64(R0, 0), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R1)), mov64(R7, reg(R2)), mov64(R8, reg(R4)), store(4, R7, FLOW_RULE, R3));
  code.emit(storeImm(4, R10, -4, 0), loadMap(R1, EVENT), mov64(R2, reg(R10)), alu64('add', R2, -4));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, 'end'), mov64(R9, reg(R0)));
  for (let offset = 0; offset < layout.bytes; offset += 8) code.emit(load(8, R1, R7, offset), store(8, R9, offset, R1));
  code.emit(callHelper('ktime_get_ns'), store(8, R9, at('time'), R0), storeImm(4, R9, at('link'), 0));
  emitBound(code, R8, MOST_PACKET_BYTES);
  const whole = code.label('whole');
  code.emit(load(4, R1, R7, FLOW_LENGTH), jump64('jge', R1, reg(R8), whole), mov64(R8, reg(R1)));
  code.place(whole);
  emitBound(code, R8, MOST_PACKET_BYTES);
  const empty = code.label('empty');
  if (hook === 'netfilter') {
    code.emit(load(8, R7, R6, NF_CONTEXT.skb));
    if (arrives) emitHookLink(code, at('link'), at('linkBytes'));
    code.emit(jump64('jeq', R8, 0, empty));
    emitDynptr(code, R7, DYNPTR, empty);
    code.emit(mov64(R1, reg(R9)), alu64('add', R1, at('packet')), mov64(R2, reg(R8)));
    code.emit(mov64(R3, reg(R10)), alu64('add', R3, DYNPTR), mov64(R4, 0), mov64(R5, 0), callHelper('dynptr_read'));
  } else {
    if (arrives && isWireHook(hook)) emitFrameLink(code, hook, at('link'), at('linkBytes'));
    code.emit(jump64('jeq', R8, 0, empty), mov64(R1, reg(R6)), load(4, R2, R7, FLOW_L3), mov64(R3, reg(R9)));
    code.emit(alu64('add', R3, at('packet')), mov64(R4, reg(R8)));
    // A socket's filter gets the packet from its transport header on.
    if (hook === 'socket') code.emit(mov64(R2, 0), mov64(R5, START_NET));
    code.emit(callHelper(LOAD_BYTES[hook]));
  }
  const written = code.label('written');
  code.emit(jump64('jeq', R0, 0, written));
  code.place(empty);
  code.emit(mov64(R8, 0));
  code.place(written);
  code.emit(store(4, R9, at('captured'), R8), loadMap(R1, EVENTS), mov64(R2, reg(R9)), mov64(R3, reg(R8)));
  code.emit(alu64('add', R3, at('packet')), mov64(R4, 0), callHelper('ringbuf_output'));
  code.place('end');
  code.emit(mov64(R0, 0), exit());
  return code;
}

const LOAD_BYTES = {
  xdp: 'xdp_load_bytes',
  tc: 'skb_load_bytes',
  cgroup: 'skb_load_bytes',
  socket: 'skb_load_bytes_relative',
} as const;

/** register = at most `most`, which the verifier knows then. */
function emitBound(code: Code, register: number, most: number): void {
  const small = code.label('small');
  code.emit(jump64('jle', register, most, small), mov64(register, most));
  code.place(small);
}

const ETHERNET_HEADER = 14;

/** The Ethernet header of the frame; r6 = context, r9 = event. */
function emitFrameLink(code: Code, hook: WireHook, link: number, bytes: number): void {
  const none = code.label('unlinked');
  code.emit(mov64(R1, reg(R6)), mov64(R2, 0), mov64(R3, reg(R9)), alu64('add', R3, bytes));
  code.emit(mov64(R4, ETHERNET_HEADER), callHelper(LOAD_BYTES[hook]), jump64('jne', R0, 0, none));
  code.emit(storeImm(4, R9, link, ETHERNET | ETHERNET_HEADER | 0));
  code.place(none);
}

const ARPHRD_ETHER = 1;
const NO_HEADER = 0xffff;

/**
 * What dump_mac_header (net/netfilter/nf_log_syslog.c) shows: the link header in front of the packet, as long as the
 * device's are. r6 = context, r7 = the packet, r9 = event.
 */
function emitHookLink(code: Code, link: number, bytes: number): void {
  const none = code.label('unlinked');
  const other = code.label('other');
  code.emit(load(8, R1, R6, NF_CONTEXT.state), addFieldOffset(R1, 'nf_hook_state', 'in'), load(8, R1, R1, 0));
  code.emit(jump64('jeq', R1, 0, none));
  loadSkb(code, R1, 'mac_header');
  loadSkb(code, R2, 'head');
  loadSkb(code, R3, 'data');
  code.emit(jump64('jeq', R1, NO_HEADER, none), alu64('add', R2, reg(R1)), jump64('jeq', R2, reg(R3), none));
  code.emit(mov64(R3, reg(R2)));
  loadSkb(code, R1, 'dev');
  code.emit(mov64(R4, reg(R1)), addFieldOffset(R4, 'net_device', 'type'), load(2, R4, R4, 0));
  code.emit(addFieldOffset(R1, 'net_device', 'hard_header_len'), load(2, R2, R1, 0), jump64('jeq', R2, 0, none));
  emitBound(code, R2, MOST_LINK_BYTES);
  code.emit(mov64(R1, reg(R2)), jump32('jne', R4, ARPHRD_ETHER, other));
  code.emit(lddw(R5, BigInt(ETHERNET)), alu64('or', R1, reg(R5)));
  code.place(other);
  code.emit(store(4, R9, link, R1), mov64(R1, reg(R9)), alu64('add', R1, bytes), callHelper('probe_read_kernel'));
  code.place(none);
}
