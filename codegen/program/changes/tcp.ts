/**
 * Targets that change the TCP header of a packet, at tc (net/netfilter/xt_TCPMSS.c, xt_TCPOPTSTRIP.c, ipt_ECN.c): each is a
 * global function `(ctx, flow, …)` that changes packet and flow and returns 0, or 1 where the target drops the packet.
 * Sums are brought up to date in the kernel's steps, so that they come out as the same bytes.
 */
import type { TcpChange } from '../../../grammar/model/change.js';
import type { Family } from '../../../grammar/model/family.js';
import {
  alu64,
  callFunction,
  jump64,
  load,
  mov64,
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
} from '../../bytecode/instruction.js';
import type { ParamSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import type { FlowLayout } from '../flow.js';
import { segmentSizeFunction } from './segment-size.js';
import { stripFunction } from './strip-options.js';
import {
  TCP,
  SLOT,
  SIZE,
  emitStart,
  emitHeaderOffset,
  emitTransportLength,
  emitEnd,
  emitLoad,
  emitStore,
  emitSum,
} from './tcp-header.js';
import type { FunctionCode } from '../function-code.js';

export function tcpChangeName(change: TcpChange): string {
  switch (change.kind) {
    case 'tcp-flags':
      return 'change_tcp_flags';
    case 'segment-size':
      return 'change_segment_size';
    case 'strip-options':
      return `strip_options_${change.kinds.join('_')}`;
  }
}

/** Calls the function of the change; r1 = context, r6 = flow. Clobbers r0–r5; r0 = 0, or 1 where the packet is dropped. */
export function emitTcpChange(code: Code, change: TcpChange): void {
  code.emit(mov64(R2, reg(R6)));
  if (change.kind === 'tcp-flags') code.emit(mov64(R3, change.clear), mov64(R4, change.set));
  if (change.kind === 'segment-size') code.emit(mov64(R3, change.size));
  code.emit(callFunction(tcpChangeName(change)));
}

/** The function of a change; every change of the kind, and of the same options, calls the same one. */
export function tcpChangeFunction(
  change: TcpChange,
  layout: FlowLayout,
  family: Family,
  ctx: ParamSpec,
  flow: ParamSpec,
): FunctionCode {
  const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });
  const name = tcpChangeName(change);
  const of = (params: readonly ParamSpec[], code: Code): FunctionCode => ({
    name,
    params,
    instructions: code.finish(),
  });
  switch (change.kind) {
    case 'tcp-flags':
      return of([ctx, flow, int('clear'), int('set')], flagsFunction(layout));
    case 'segment-size':
      return of([ctx, flow, int('size')], segmentSizeFunction(layout, family));
    case 'strip-options':
      return of([ctx, flow], stripFunction(layout, change.kinds));
  }
}

/** ipt_ECN.c set_ect_tcp: later pieces of datagrams have bytes at the flags' place, too. */
function flagsFunction(layout: FlowLayout): Code {
  const code = new Code();
  const flags = layout.offsets.get('tcp.flags');
  emitStart(code);
  emitHeaderOffset(code);
  emitTransportLength(code, R1);
  // The flags are the second of the two bytes, the upper half of the word.
  code.emit(alu64('and', R3, 0xff), alu64('lsh', R3, 8), alu64('xor', R3, 0xffff), alu64('and', R4, 0xff));
  code.emit(alu64('lsh', R4, 8), store(4, R10, SIZE, R4), mov64(R8, reg(R3)));
  emitLoad(code, R9, TCP.lengthAndFlags, 2);
  code.emit(load(2, R3, R10, SLOT), alu64('and', R8, reg(R3)), load(4, R1, R10, SIZE), alu64('or', R8, reg(R1)));
  code.emit(jump64('jeq', R8, reg(R3), 'same'), store(2, R10, SLOT, R8), mov64(R4, reg(R8)));
  emitSum(code, 2);
  emitStore(code, R9, TCP.lengthAndFlags, 2);
  code.emit(alu64('rsh', R8, 8));
  if (flags !== undefined) code.emit(store(1, R7, flags, R8));
  emitEnd(code);
  return code;
}
