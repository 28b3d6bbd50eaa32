/** Targets that change a packet or its class, at tc (net/netfilter/xt_DSCP.c, xt_HL.c, ipt_ECN.c, xt_CLASSIFY.c; tcp.ts). */
import {
  singleChanges,
  type HeaderChange,
  type PacketChange,
  type SingleChange,
} from '../../../grammar/model/change.js';
import type { Family } from '../../../grammar/model/family.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
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
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import type { Instruction } from '../../bytecode/instruction.js';
import type { ParamSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import { FLOW_L3, type FlowLayout } from '../flow.js';
import { SK_BUFF } from '../packet/entry.js';
import { emitTcpChange, tcpChangeFunction, tcpChangeName } from './tcp.js';
import type { FunctionCode } from '../function-code.js';

const CHANGE_FUNCTION = 'change_header';
/** Bytes of stack of each function here. */
const CHANGE_STACK = 32;

/** The functions of all changes, each once. */
export function changeFunctions(
  changes: readonly PacketChange[],
  layout: FlowLayout,
  family: Family,
  ctx: ParamSpec,
  flow: ParamSpec,
): readonly FunctionCode[] {
  const functions = new Map<string, FunctionCode>();
  for (const change of changes.flatMap(singleChanges)) {
    if (change.kind === 'class') continue;
    if (change.kind === 'tos' || change.kind === 'hops') {
      if (functions.has(CHANGE_FUNCTION)) continue;
      const params = [ctx, flow, intParam('value'), intParam('which')];
      const instructions = changeFunction(layout, family).finish();
      functions.set(CHANGE_FUNCTION, { name: CHANGE_FUNCTION, params, instructions });
      continue;
    }
    const name = tcpChangeName(change);
    if (!functions.has(name)) functions.set(name, tcpChangeFunction(change, layout, family, ctx, flow));
  }
  return [...functions.values()];
}

const intParam = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });

/** What changing takes below the chain functions. */
export function changeNeeds(changes: readonly PacketChange[]): {
  readonly depth: number;
  readonly stack: number;
  readonly functions: number;
} {
  const singles = changes.flatMap(singleChanges);
  const walks = singles.some(({ kind }) => kind === 'segment-size' || kind === 'strip-options');
  const functions = new Set(singles.map((one) => nameOf(one))).size;
  return { depth: walks ? 2 : 1, stack: (walks ? 2 : 1) * CHANGE_STACK, functions };
}

function nameOf(change: SingleChange): string {
  const { kind } = change;
  if (kind === 'class') return '';
  return kind === 'tos' || kind === 'hops' ? CHANGE_FUNCTION : tcpChangeName(change);
}

/**
 * Changes the packet and the flow; r6 = flow, `context` loads the context to r1. Where the packet cannot be written the
 * chain drops it, as the kernel does: goes to `drop`. Clobbers r0–r5.
 */
export function emitChange(
  code: Code,
  change: PacketChange,
  { layout, context, drop }: { readonly layout: FlowLayout; readonly context: Instruction; readonly drop: string },
): void {
  for (const one of singleChanges(change)) {
    code.emit(context);
    switch (one.kind) {
      case 'tos':
      case 'hops':
        emitHeaderChange(code, one, layout);
        break;
      case 'class':
        code.emit(mov32(R2, one.value | 0), store(4, R1, SK_BUFF.priority, R2));
        continue;
      case 'tcp-flags':
      case 'segment-size':
      case 'strip-options':
        emitTcpChange(code, one);
    }
    code.emit(jump64('jne', R0, 0, drop));
  }
}

/** r0 = 0, or not where the packet cannot be written. */
function emitHeaderChange(code: Code, change: HeaderChange, layout: FlowLayout): void {
  const at = layout.offsets.get(change.kind === 'tos' ? 'tos' : 'ttl');
  if (at === undefined) throw new Error(`${change.kind} is not in the flow`);
  code.emit(load(1, R3, R6, at));
  if (change.kind === 'tos') {
    code.emit(alu32('and', R3, ~change.clear & 0xff), alu32('xor', R3, change.flip));
  } else if (change.how === 'set') {
    code.emit(mov32(R3, change.value));
  } else {
    const low = code.label('low');
    const high = code.label('high');
    code.emit(alu64('add', R3, change.value), jump64('jsge', R3, 0, low), mov64(R3, 0));
    code.place(low);
    code.emit(jump64('jsle', R3, 255, high), mov64(R3, 255));
    code.place(high);
  }
  code.emit(mov64(R2, reg(R6)), mov64(R4, change.kind === 'tos' ? TOS : HOPS), callFunction(CHANGE_FUNCTION));
}

const TOS = 0;
const HOPS = 1;
const SLOT = -8;
const RECOMPUTE = 1;

/** `change_header(ctx, flow, value, which)`: writes TOS or TTL of IPv4 with the header's sum, or its like of IPv6; 0 or an error. */
function changeFunction(layout: FlowLayout, family: Family): Code {
  const code = new Code();
  const given = code.label('given');
  const hops = code.label('hops');
  code.emit(jump64('jne', R2, 0, given), mov64(R0, 1), exit());
  code.place(given);
  code.emit(
    mov64(R6, reg(R1)),
    mov64(R7, reg(R2)),
    mov64(R8, reg(R3)),
    alu64('and', R8, 0xff),
    load(4, R9, R7, FLOW_L3),
  );
  code.emit(jump32('jne', R4, TOS, hops));
  emitWrite(code, layout, family, 'tos');
  code.place(hops);
  emitWrite(code, layout, family, 'ttl');
  code.place('failed');
  code.emit(mov64(R0, 1), exit());
  return code;
}

/** r6 = context, r7 = flow, r8 = new value, r9 = offset of the IP header. */
function emitWrite(code: Code, layout: FlowLayout, family: Family, field: 'tos' | 'ttl'): void {
  const at = layout.offsets.get(field);
  if (at === undefined) {
    code.emit(mov64(R0, 1), exit());
    return;
  }
  const offset = family === 'v4' ? (field === 'tos' ? 1 : 8) : field === 'tos' ? 0 : 7;
  if (family === 'v4') {
    // The word of 16 bits as it lies in memory; its other byte does not change.
    const shift = field === 'tos' ? 8 : 0;
    code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, 10), load(1, R3, R7, at), mov64(R4, reg(R8)));
    code.emit(alu64('lsh', R3, shift), alu64('lsh', R4, shift), mov64(R5, 2), callHelper('l3_csum_replace'));
    code.emit(jump64('jne', R0, 0, 'failed'));
  }
  if (family === 'v6' && field === 'tos') {
    emitLoad(code, 2);
    code.emit(load(2, R1, R10, SLOT), toBigEndian(R1, 16), alu32('and', R1, 0xf00f), mov64(R2, reg(R8)));
    code.emit(alu64('lsh', R2, 4), alu32('or', R1, reg(R2)), toBigEndian(R1, 16), store(2, R10, SLOT, R1));
  } else {
    code.emit(store(1, R10, SLOT, R8));
  }
  code.emit(store(1, R7, at, R8), mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, offset));
  code.emit(mov64(R3, reg(R10)), alu64('add', R3, SLOT), mov64(R4, family === 'v6' && field === 'tos' ? 2 : 1));
  // The sum of an IPv4 header stays what it was; a card's sum over an IPv6 packet does not.
  code.emit(mov64(R5, family === 'v6' ? RECOMPUTE : 0), callHelper('skb_store_bytes'), exit());
}

/** Reads bytes at the IP header to the slot. */
function emitLoad(code: Code, bytes: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), mov64(R3, reg(R10)), alu64('add', R3, SLOT), mov64(R4, bytes));
  code.emit(callHelper('skb_load_bytes'), jump64('jne', R0, 0, 'failed'));
}
