/**
 * Targets that change the TCP header of a packet, at tc (net/netfilter/xt_TCPMSS.c, xt_TCPOPTSTRIP.c, ipt_ECN.c): each is a
 * global function `(ctx, flow, …)` that changes packet and flow and returns 0, or 1 where the target drops the packet.
 * Sums are brought up to date in the kernel's steps, so that they come out as the same bytes.
 */
import { DEFAULT_SEGMENT_SIZE, type TcpChange } from '../../grammar/model/change.js';
import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
  goto,
  jump64,
  load,
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
  toBigEndian,
  type AccessSize,
} from '../bytecode/instruction.js';
import type { FunctionSpec, ParamSpec } from '../object/spec.js';
import { Code } from './code.js';
import { FLOW_L3, FLOW_LENGTH, FLOW_THOFF, MAX_OPTION_BYTES, storedBytes, type FlowLayout } from './flow.js';
import { htons, SK_BUFF } from './packet/entry.js';
import { TCP_OPTIONS } from './packet/transport.js';

/** Fields that the functions need. */
export function tcpChangeFields(change: TcpChange): readonly Field[] {
  return change.kind === 'tcp-flags' ? [] : ['fragoff', 'tcp.options'];
}

/** Fields that may be others behind the change. */
export function tcpChangedFields(change: TcpChange): readonly Field[] {
  switch (change.kind) {
    case 'tcp-flags':
      return ['tcp.flags'];
    case 'segment-size':
      return ['l4len', 'tcp.options', 'tcp.doff', 'length'];
    case 'strip-options':
      return ['tcp.options'];
  }
}

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
): Omit<FunctionSpec, 'linkage'> {
  const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });
  const name = tcpChangeName(change);
  const of = (params: readonly ParamSpec[], code: Code): Omit<FunctionSpec, 'linkage'> => ({
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

const TCP = { header: 20, lengthAndFlags: 12, check: 16 } as const;
const MSS = { kind: 2, bytes: 4 } as const;
const NOP = 1;
/** Flags of bpf_l4_csum_replace beside the field's bytes. */
const PSEUDO_HEADER = 0x10;
/** Stack: bytes to store; bytes of options; the segment size. */
const SLOT = -8;
const OPTION_BYTES = -16;
const SIZE = -24;

function offsetOf(layout: FlowLayout, field: Field): number {
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is changed but not in the flow`);
  return offset;
}

const widthOf = (field: Field): AccessSize => storedBytes(field, 'v4') as AccessSize;

/** r6 = context, r7 = flow, r9 = offset of the TCP header in the frame. */
function emitStart(code: Code): void {
  const given = code.label('given');
  code.emit(jump64('jne', R2, 0, given), mov64(R0, 1), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R1)), mov64(R7, reg(R2)));
}

function emitHeaderOffset(code: Code): void {
  code.emit(load(4, R9, R7, FLOW_L3), load(4, R1, R7, FLOW_THOFF), alu64('add', R9, reg(R1)));
}

/** Bytes of the packet from the TCP header on; to `failed` where it is not whole. Clobbers r5. */
function emitTransportLength(code: Code, to: number): void {
  code.emit(load(4, to, R7, FLOW_LENGTH), load(4, R5, R7, FLOW_THOFF), alu64('sub', to, reg(R5)));
  code.emit(jump64('jslt', to, TCP.header, 'failed'));
}

function emitEnd(code: Code): void {
  code.place('same');
  code.emit(mov64(R0, 0), exit());
  code.place('failed');
  code.emit(mov64(R0, 1), exit());
}

/** Bytes of the packet, `at` a register's offset in the frame and more, to the slot. */
function emitLoad(code: Code, at: number, more: number, bytes: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(at)), alu64('add', R2, more), mov64(R3, reg(R10)));
  code.emit(alu64('add', R3, SLOT), mov64(R4, bytes), callHelper('skb_load_bytes'), jump64('jne', R0, 0, 'failed'));
}

/** The other way. */
function emitStore(code: Code, at: number, more: number, bytes: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(at)), alu64('add', R2, more), mov64(R3, reg(R10)));
  code.emit(alu64('add', R3, SLOT), mov64(R4, bytes), mov64(R5, 0), callHelper('skb_store_bytes'));
  code.emit(jump64('jne', R0, 0, 'failed'));
}

/** The checksum of TCP where r3 has become r4, in the packet's byte order. */
function emitSum(code: Code, flags: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, TCP.check), mov64(R5, flags));
  code.emit(callHelper('l4_csum_replace'), jump64('jne', R0, 0, 'failed'));
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

/**
 * The options, copied to the flow: r8 = their bytes, which stand in their slot, too. Goes to `same` in later pieces of
 * datagrams, to `failed` where the header is not whole, to `none` where there are no options.
 */
function emitOptions(code: Code, layout: FlowLayout, none: string): void {
  code.emit(load(widthOf('fragoff'), R1, R7, offsetOf(layout, 'fragoff')), jump64('jne', R1, 0, 'same'));
  emitHeaderOffset(code);
  emitTransportLength(code, R8);
  emitLoad(code, R9, TCP.lengthAndFlags, 1);
  code.emit(load(1, R1, R10, SLOT), alu64('rsh', R1, 4), alu64('lsh', R1, 2));
  code.emit(jump64('jlt', R1, TCP.header, 'failed'), jump64('jgt', R1, reg(R8), 'failed'));
  code.emit(mov64(R8, reg(R1)), alu64('sub', R8, TCP.header), store(8, R10, OPTION_BYTES, R8));
  code.emit(jump64('jeq', R8, 0, none));
  emitLoadOptions(code, layout);
}

/** The options of r8 bytes, 1 to 40, to the flow. */
function emitLoadOptions(code: Code, layout: FlowLayout): void {
  const { optionBytes } = layout;
  if (optionBytes === undefined) throw new Error('the TCP options are not in the flow');
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, TCP.header), mov64(R3, reg(R7)));
  code.emit(alu64('add', R3, optionBytes), mov64(R4, reg(R8)), callHelper('skb_load_bytes'));
  code.emit(jump64('jne', R0, 0, 'failed'));
}

/** The options of the flow, of as many bytes as their slot says, to the packet, `more` bytes behind the TCP header's start. */
function emitStoreOptions(code: Code, layout: FlowLayout, more: number): void {
  code.emit(
    load(8, R4, R10, OPTION_BYTES),
    jump64('jeq', R4, 0, 'failed'),
    jump64('jgt', R4, MAX_OPTION_BYTES, 'failed'),
  );
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, more), mov64(R3, reg(R7)));
  code.emit(alu64('add', R3, layout.optionBytes ?? 0), mov64(R5, 0), callHelper('skb_store_bytes'));
  code.emit(jump64('jne', R0, 0, 'failed'));
}

/** What kinds of options there are, anew: r8 = their bytes. */
function emitKinds(code: Code, layout: FlowLayout): void {
  const bitmap = offsetOf(layout, 'tcp.options');
  for (let word = 0; word < storedBytes('tcp.options', 'v4'); word += 8) code.emit(storeImm(8, R7, bitmap + word, 0));
  code.emit(mov64(R1, reg(R7)), mov64(R2, reg(R8)), callFunction(TCP_OPTIONS));
}

interface Walk {
  /** Option bytes that must be there for another round, beside the one that is looked at. */
  readonly behind: number;
  /** Where the walk ends. */
  readonly end: string;
  /** Gets r1 = place of the option, r4 = kind, r5 = bytes; may use r0; falls through to the next one. */
  readonly each: () => void;
}

/** The steps of both modules' optlen() over the options in the flow; r8 = their bytes. Uses r0–r5 but r3. */
function emitWalk(code: Code, layout: FlowLayout, { behind, end, each }: Walk): void {
  const loop = code.label('options');
  const single = code.label('single');
  const sized = code.label('sized');
  const at = layout.optionBytes ?? 0;
  code.emit(mov64(R1, 0), mov64(R2, MAX_OPTION_BYTES));
  code.place(loop);
  code.emit(mov64(R0, reg(R1)), alu64('add', R0, behind), jump64('jge', R0, reg(R8), end));
  code.emit(jump64('jeq', R2, 0, end), alu64('sub', R2, 1), jump64('jge', R1, MAX_OPTION_BYTES - behind, end));
  code.emit(mov64(R0, reg(R7)), alu64('add', R0, reg(R1)), load(1, R4, R0, at), load(1, R5, R0, at + 1));
  code.emit(jump64('jle', R4, NOP, single), jump64('jne', R5, 0, sized));
  code.place(single);
  code.emit(mov64(R5, 1));
  code.place(sized);
  each();
  code.emit(alu64('add', R1, reg(R5)), goto(loop));
}

/** xt_TCPOPTSTRIP.c tcpoptstrip_mangle_packet. */
function stripFunction(layout: FlowLayout, kinds: readonly number[]): Code {
  const code = new Code();
  const walked = code.label('walked');
  const strip = code.label('strip');
  const next = code.label('next');
  const at = layout.optionBytes ?? 0;
  emitStart(code);
  emitOptions(code, layout, 'same');
  // r3: the bytes to overwrite.
  code.emit(mov64(R3, 0));
  emitWalk(code, layout, {
    behind: 1,
    end: walked,
    each: () => {
      code.emit(mov64(R0, reg(R1)), alu64('add', R0, reg(R5)), jump64('jgt', R0, reg(R8), walked));
      for (const kind of kinds) code.emit(jump64('jeq', R4, kind, strip));
      code.emit(goto(next));
      code.place(strip);
      code.emit(mov64(R0, 1), alu64('lsh', R0, reg(R5)), alu64('sub', R0, 1), alu64('lsh', R0, reg(R1)));
      code.emit(alu64('or', R3, reg(R0)));
      code.place(next);
    },
  });
  code.place(walked);
  code.emit(jump64('jeq', R3, 0, 'same'), mov64(R8, reg(R3)));
  for (let byte = 0; byte < MAX_OPTION_BYTES; byte++) {
    const kept = code.label('kept');
    const shift = byte % 2 === 0 ? 0 : 8;
    code.emit(mov64(R1, reg(R8)), alu64('rsh', R1, byte), alu64('and', R1, 1), jump64('jeq', R1, 0, kept));
    code.emit(load(1, R3, R7, at + byte), alu64('lsh', R3, shift), mov64(R4, NOP << shift));
    emitSum(code, 2);
    code.emit(storeImm(1, R7, at + byte, NOP));
    code.place(kept);
  }
  emitStoreOptions(code, layout, TCP.header);
  code.emit(load(8, R8, R10, OPTION_BYTES));
  emitKinds(code, layout);
  emitEnd(code);
  return code;
}

/** xt_TCPMSS.c tcpmss_mangle_packet, tcpmss_tg4 and tcpmss_tg6. */
function segmentSizeFunction(layout: FlowLayout, family: Family): Code {
  const code = new Code();
  const absent = code.label('absent');
  const found = code.label('found');
  const other = code.label('other');
  emitStart(code);
  code.emit(alu64('and', R3, 0xffff), store(8, R10, SIZE, R3));
  emitOptions(code, layout, absent);
  emitWalk(code, layout, {
    behind: MSS.bytes - 1,
    end: absent,
    each: () => {
      code.emit(jump64('jne', R4, MSS.kind, other), jump64('jeq', R5, MSS.bytes, found));
      code.place(other);
    },
  });
  code.place(found);
  const at = layout.optionBytes ?? 0;
  code.emit(mov64(R0, reg(R7)), alu64('add', R0, reg(R1)), mov64(R8, reg(R1)), load(1, R3, R0, at + 2));
  code.emit(load(1, R4, R0, at + 3), alu64('lsh', R3, 8), alu64('or', R3, reg(R4)), load(8, R4, R10, SIZE));
  // Never increased.
  code.emit(jump64('jle', R3, reg(R4), 'same'), toBigEndian(R3, 16), toBigEndian(R4, 16), store(2, R10, SLOT, R4));
  emitSum(code, 2);
  code.emit(alu64('add', R8, reg(R9)));
  emitStore(code, R8, TCP.header + 2, 2);
  code.emit(goto('same'));
  code.place(absent);
  emitNewOption(code, layout, family);
  emitEnd(code);
  return code;
}

/** Puts the option in front of the others, where there is room in the header and no data behind it. */
function emitNewOption(code: Code, layout: FlowLayout, family: Family): void {
  const lengthAt = family === 'v4' ? 2 : 4;
  const moved = code.label('moved');
  const small = code.label('small');
  code.emit(load(8, R8, R10, OPTION_BYTES), jump64('jge', R8, MAX_OPTION_BYTES, 'same'));
  code.emit(mov64(R2, reg(R8)), alu64('add', R2, TCP.header));
  emitTransportLength(code, R1);
  code.emit(jump64('jgt', R1, reg(R2), 'same'));
  emitGrow(code);
  code.emit(jump64('jeq', R8, 0, moved));
  emitStoreOptions(code, layout, TCP.header + MSS.bytes);
  code.place(moved);
  code.emit(load(8, R3, R10, SIZE), jump64('jle', R3, DEFAULT_SEGMENT_SIZE[family], small));
  code.emit(mov64(R3, DEFAULT_SEGMENT_SIZE[family]));
  code.place(small);
  code.emit(toBigEndian(R3, 16), store(2, R10, SIZE, R3));
  emitTransportLength(code, R3);
  code.emit(mov64(R4, reg(R3)), alu64('add', R4, MSS.bytes), toBigEndian(R3, 16), toBigEndian(R4, 16));
  emitSum(code, 2 | PSEUDO_HEADER);
  code.emit(
    storeImm(2, R10, SLOT, htons((MSS.kind << 8) | MSS.bytes)),
    load(2, R3, R10, SIZE),
    store(2, R10, SLOT + 2, R3),
  );
  code.emit(load(4, R4, R10, SLOT), mov64(R3, 0));
  emitSum(code, 4);
  emitStore(code, R9, TCP.header, MSS.bytes);
  emitLoad(code, R9, TCP.lengthAndFlags, 2);
  // The header's length is the upper half of the first byte.
  code.emit(load(2, R3, R10, SLOT), mov64(R4, reg(R3)), alu64('add', R4, 0x10), alu64('and', R4, 0xffff));
  code.emit(store(2, R10, SLOT, R4));
  emitSum(code, 2);
  emitStore(code, R9, TCP.lengthAndFlags, 2);
  code.emit(load(4, R8, R7, FLOW_L3));
  emitLoad(code, R8, lengthAt, 2);
  code.emit(load(2, R3, R10, SLOT), mov64(R4, reg(R3)), toBigEndian(R4, 16), alu32('add', R4, MSS.bytes));
  code.emit(toBigEndian(R4, 16), store(2, R10, SLOT, R4));
  if (family === 'v4') {
    code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R8)), alu64('add', R2, 10), mov64(R5, 2));
    code.emit(callHelper('l3_csum_replace'), jump64('jne', R0, 0, 'failed'));
  }
  emitStore(code, R8, lengthAt, 2);
  emitLonger(code, layout);
}

/**
 * Four bytes more at the end of the packet; what Ethernet has put behind it goes. Growing makes a sum over the whole packet, which
 * a card has given, forgotten, so that nothing needs to be added to it.
 */
function emitGrow(code: Code): void {
  const plain = code.label('plain');
  const size = (more: number): void => {
    code.emit(
      load(4, R2, R7, FLOW_L3),
      load(4, R1, R7, FLOW_LENGTH),
      alu64('add', R2, reg(R1)),
      alu64('add', R2, more),
    );
  };
  const change = (): void => {
    code.emit(mov64(R1, reg(R6)), mov64(R3, 0), callHelper('skb_change_tail'), jump64('jne', R0, 0, 'failed'));
  };
  size(0);
  code.emit(load(4, R1, R6, SK_BUFF.len), jump64('jle', R1, reg(R2), plain));
  change();
  code.place(plain);
  size(MSS.bytes);
  change();
}

/** What the flow knows of a packet with one option more. */
function emitLonger(code: Code, layout: FlowLayout): void {
  code.emit(load(4, R1, R7, FLOW_LENGTH), alu64('add', R1, MSS.bytes), store(4, R7, FLOW_LENGTH, R1));
  const add = (field: Field, more: number): void => {
    const at = layout.offsets.get(field);
    if (at !== undefined)
      code.emit(load(widthOf(field), R1, R7, at), alu64('add', R1, more), store(widthOf(field), R7, at, R1));
  };
  add('length', MSS.bytes);
  add('l4len', MSS.bytes);
  add('tcp.doff', 1);
  code.emit(load(8, R8, R10, OPTION_BYTES), alu64('add', R8, MSS.bytes), jump64('jgt', R8, MAX_OPTION_BYTES, 'failed'));
  emitLoadOptions(code, layout);
  emitKinds(code, layout);
}
