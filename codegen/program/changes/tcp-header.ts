/** Parts of the code that changes TCP headers: reading and writing them in the packet, their sum, and the walk over their options. */
import type { Field } from '../../../grammar/model/fields.js';
import {
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
  type AccessSize,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { FLOW_L3, FLOW_LENGTH, FLOW_THOFF, MAX_OPTION_BYTES, storedBytes, type FlowLayout } from '../flow.js';
import { TCP_OPTIONS } from '../packet/transport.js';

export const TCP = { header: 20, lengthAndFlags: 12, check: 16 } as const;
export const MSS = { kind: 2, bytes: 4 } as const;
export const NOP = 1;
/** Flags of bpf_l4_csum_replace beside the field's bytes. */
export const PSEUDO_HEADER = 0x10;
/** Stack: bytes to store; bytes of options; the segment size. */
export const SLOT = -8;
export const OPTION_BYTES = -16;
export const SIZE = -24;

function offsetOf(layout: FlowLayout, field: Field): number {
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is changed but not in the flow`);
  return offset;
}

export const widthOf = (field: Field): AccessSize => storedBytes(field, 'v4') as AccessSize;

/** r6 = context, r7 = flow, r9 = offset of the TCP header in the frame. */
export function emitStart(code: Code): void {
  const given = code.label('given');
  code.emit(jump64('jne', R2, 0, given), mov64(R0, 1), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R1)), mov64(R7, reg(R2)));
}

export function emitHeaderOffset(code: Code): void {
  code.emit(load(4, R9, R7, FLOW_L3), load(4, R1, R7, FLOW_THOFF), alu64('add', R9, reg(R1)));
}

/** Bytes of the packet from the TCP header on; to `failed` where it is not whole. Clobbers r5. */
export function emitTransportLength(code: Code, to: number): void {
  code.emit(load(4, to, R7, FLOW_LENGTH), load(4, R5, R7, FLOW_THOFF), alu64('sub', to, reg(R5)));
  code.emit(jump64('jslt', to, TCP.header, 'failed'));
}

export function emitEnd(code: Code): void {
  code.place('same');
  code.emit(mov64(R0, 0), exit());
  code.place('failed');
  code.emit(mov64(R0, 1), exit());
}

/** Bytes of the packet, `at` a register's offset in the frame and more, to the slot. */
export function emitLoad(code: Code, at: number, more: number, bytes: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(at)), alu64('add', R2, more), mov64(R3, reg(R10)));
  code.emit(alu64('add', R3, SLOT), mov64(R4, bytes), callHelper('skb_load_bytes'), jump64('jne', R0, 0, 'failed'));
}

/** The other way. */
export function emitStore(code: Code, at: number, more: number, bytes: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(at)), alu64('add', R2, more), mov64(R3, reg(R10)));
  code.emit(alu64('add', R3, SLOT), mov64(R4, bytes), mov64(R5, 0), callHelper('skb_store_bytes'));
  code.emit(jump64('jne', R0, 0, 'failed'));
}

/** The checksum of TCP where r3 has become r4, in the packet's byte order. */
export function emitSum(code: Code, flags: number): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, TCP.check), mov64(R5, flags));
  code.emit(callHelper('l4_csum_replace'), jump64('jne', R0, 0, 'failed'));
}

/**
 * The options, copied to the flow: r8 = their bytes, which stand in their slot, too. Goes to `same` in later pieces of
 * datagrams, to `failed` where the header is not whole, to `none` where there are no options.
 */
export function emitOptions(code: Code, layout: FlowLayout, none: string): void {
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
export function emitLoadOptions(code: Code, layout: FlowLayout): void {
  const { optionBytes } = layout;
  if (optionBytes === undefined) throw new Error('the TCP options are not in the flow');
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R9)), alu64('add', R2, TCP.header), mov64(R3, reg(R7)));
  code.emit(alu64('add', R3, optionBytes), mov64(R4, reg(R8)), callHelper('skb_load_bytes'));
  code.emit(jump64('jne', R0, 0, 'failed'));
}

/** The options of the flow, of as many bytes as their slot says, to the packet, `more` bytes behind the TCP header's start. */
export function emitStoreOptions(code: Code, layout: FlowLayout, more: number): void {
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
export function emitKinds(code: Code, layout: FlowLayout): void {
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
export function emitWalk(code: Code, layout: FlowLayout, { behind, end, each }: Walk): void {
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
