import type { BuiltinChain } from '../../../grammar/model/family.js';
import {
  alu32,
  alu64,
  callFunction,
  exit,
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
  toBigEndian,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { FLOW_L3, FLOW_LENGTH, FLOW_THOFF } from '../flow.js';
import type { WireHook } from '../manifest.js';
import { REWRITTEN_OPTIONS } from '../payload/rewritten-options.js';
import { isIngress } from '../view.js';
import {
  emitTtl,
  loadData,
  LOOPBACK_IFINDEX,
  SK_BUFF,
  storeField,
  storeFlow,
  XDP_MD,
  type EntryContext,
} from './entry.js';
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
  emitHeaderLength(context);
  emitTotalLength(context);
  if (isIngress(view)) emitHeaderChecksum(context);
  emitHeaderFields(context);
  emitFragmentOffset(context);
  if (view.chain === 'INPUT' || view.chain === 'FORWARD') emitMartians(context);
  emitFragmentPolicy(context);
  if (context.readsBytes && writesOptions(view.chain)) emitRewrittenOptions(context);
  code.emit(load(2, R3, R7, 2), toBigEndian(R3, 16));
  if (view.hook === 'tc') emitBigTcp(context);
  code.emit(alu64('sub', R3, reg(R9)));
}

/** r9 = length of the header, of version 4, at least 20. */
function emitHeaderLength({ code, pass }: EntryContext): void {
  const known = code.label('header_length');
  code.emit(load(1, R2, R7, 0), mov64(R9, 20), jump32('jeq', R2, 0x45, known));
  code.emit(mov32(R9, reg(R2)), alu32('rsh', R2, 4), jump32('jne', R2, 4, pass));
  code.emit(alu32('and', R9, 15), alu32('lsh', R9, 2), jump32('jlt', R9, 20, pass));
  code.place(known);
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

export const IPV4_OPTIONS_SUM = 'ipv4_options_sum';

/** ip_fast_csum over the header (RFC 1071); a bad one never comes to a chain. */
function emitHeaderChecksum(context: EntryContext): void {
  const { code, flow } = context;
  const summed = code.label('summed');
  code.emit(mov64(R3, 0), jump32('jeq', R9, 20, summed));
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, flow), mov64(R3, reg(R9)));
  code.emit(callFunction(IPV4_OPTIONS_SUM), mov32(R3, reg(R0)));
  code.place(summed);
  for (const offset of [0, 4, 8, 12, 16]) code.emit(load(4, R2, R7, offset), alu64('add', R3, reg(R2)));
  emitFold(code, R3, R2);
  code.emit(jump32('jne', R3, 0xffff, context.pass));
}

/**
 * Folds a sum of less than 2^36 as far as it takes to compare it with 0xffff: what is left is less than 2 * 0xffff, so that no other
 * number would fold to that.
 */
function emitFold(code: Code, sum: number, scratch: number): void {
  for (let fold = 0; fold < 2; fold++) {
    code.emit(
      mov64(scratch, reg(sum)),
      alu64('rsh', scratch, 16),
      alu64('and', sum, 0xffff),
      alu64('add', sum, reg(scratch)),
    );
  }
}

/**
 * `ipv4_options_sum(ctx, flow, ihl)`: one's complement sum of the IP options, of 17 bits at most, bytes as they stand; 0 where they
 * do not lie in the packet. A function of its own, so that the header's length does not multiply the entry's states.
 */
export function ipv4OptionsSumFunction(hook: WireHook): Code {
  const code = new Code();
  const given = code.label('given');
  const summed = code.label('summed');
  const short = code.label('short');
  code.emit(jump64('jne', R2, 0, given));
  code.place(short);
  code.emit(mov64(R0, 0), exit());
  code.place(given);
  code.emit(load(4, R7, R1, hook === 'xdp' ? XDP_MD.data : SK_BUFF.data));
  code.emit(load(4, R8, R1, hook === 'xdp' ? XDP_MD.data_end : SK_BUFF.data_end));
  code.emit(load(4, R2, R2, FLOW_L3), jump64('jgt', R2, 64, short), alu64('add', R7, reg(R2)), mov64(R0, 0));
  for (let offset = 20; offset < 60; offset += 4) {
    code.emit(jump64('jle', R3, offset, summed));
    code.emit(mov64(R1, reg(R7)), alu64('add', R1, offset + 4), jump64('jgt', R1, reg(R8), short));
    code.emit(load(4, R2, R7, offset), alu64('add', R0, reg(R2)));
  }
  code.place(summed);
  emitFold(code, R0, R2);
  code.emit(exit());
  return code;
}

function emitHeaderFields(context: EntryContext): void {
  const { code, used } = context;
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
  emitTtl(context, 8);
  storeFlow(context, FLOW_THOFF, R9);
}

function emitFragmentOffset(context: EntryContext): void {
  const { code, used } = context;
  if (!used.has('fragoff')) return;
  code.emit(load(2, R1, R7, 6), toBigEndian(R1, 16), alu32('and', R1, IP_OFFSET));
  storeField(context, 'fragoff', R1);
}

/** Whether the stack has written into the IP options before the chain runs. */
export function writesOptions(chain: BuiltinChain): boolean {
  return chain === 'INPUT' || chain === 'FORWARD';
}

/** What the bytes of such a packet are in the chain is not known. */
function emitRewrittenOptions({ code, flow, unknown }: EntryContext): void {
  const plain = code.label('plain');
  code.emit(jump64('jle', R9, 20, plain), mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, flow));
  code.emit(mov64(R3, reg(R9)), callFunction(REWRITTEN_OPTIONS), jump64('jne', R0, 0, unknown));
  code.place(plain);
}

/** Pieces of what INPUT and OUTPUT judge as whole datagrams; behind the routes, as other chains' pieces are not ours. */
function emitFragmentPolicy(context: EntryContext): void {
  const { code, fragments } = context;
  if (fragments === 'judge') return;
  const target = fragments === 'drop' ? context.drop : context.pass;
  code.emit(load(2, R1, R7, 6), toBigEndian(R1, 16), alu32('and', R1, IP_MF | IP_OFFSET));
  code.emit(jump32('jne', R1, 0, target));
}

/** ip_route_input_rcu and ip_route_input_slow (net/ipv4/route.c): addresses that never come to INPUT or FORWARD. */
function emitMartians(context: EntryContext): void {
  const { code, view } = context;
  const judge = code.label('judge');
  const sourced = code.label('sourced');
  const routed = code.label('routed');
  const anywhere = view.chain === 'INPUT' ? judge : context.pass;
  // What comes back from the loopback device has its route already (ip_rcv_finish_core).
  code.emit(load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(jump32('jeq', R1, LOOPBACK_IFINDEX, anywhere));
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
