/**
 * What TCPMSS does beside changing the segment size (net/netfilter/xt_TCPMSS.c tcpmss_mangle_packet), which rules
 * behind it see: a broken header drops the packet; a SYN without the option gets it, and is four bytes longer.
 */
import {
  alu64,
  callFunction,
  exit,
  goto,
  jump32,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  type AccessSize,
} from '../../bytecode/instruction.js';
import type { Field } from '../../../grammar/model/fields.js';
import { Code } from '../code.js';
import { FLOW_LENGTH, MAX_OPTION_BYTES, storedBytes, type FlowLayout } from '../flow.js';

export const SEGMENT_SIZE = 'segment_size';
/** Fields that the code here reads. */
export const SEGMENT_SIZE_FIELDS: readonly Field[] = ['l4len', 'tcp.doff', 'tcp.whole', 'tcp.options'];

const TCP_HEADER = 20;
const SMALLEST_HEADER = 5;
const LARGEST_HEADER = 15;
const OPTION = { kind: 2, bytes: 4 } as const;
const NOP = 1;

function loadField(code: Code, to: number, flow: number, layout: FlowLayout, field: Field): void {
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is tested but not in the flow`);
  code.emit(load(storedBytes(field, 'v4') as AccessSize, to, flow, offset));
}

/** Goes to `drop` where the target drops the packet, else falls through. `flow`: register. Clobbers r1. */
export function emitBrokenSegment(code: Code, flow: number, layout: FlowLayout, drop: string): void {
  loadField(code, R1, flow, layout, 'tcp.whole');
  code.emit(jump32('jeq', R1, 0, drop));
  loadField(code, R1, flow, layout, 'tcp.doff');
  code.emit(jump32('jlt', R1, SMALLEST_HEADER, drop));
}

/** Makes the length in the flow what it is behind the target. Clobbers r0–r5. */
export function emitSegmentLength(code: Code, flow: number): void {
  code.emit(mov64(R1, reg(flow)), callFunction(SEGMENT_SIZE));
  code.emit(load(4, R1, flow, FLOW_LENGTH), alu64('add', R1, reg(R0)), store(4, flow, FLOW_LENGTH, R1));
}

/** `segment_size(flow)`: bytes that the packet grows by. */
export function segmentSizeFunction(layout: FlowLayout): Code {
  const { optionBytes } = layout;
  if (optionBytes === undefined) throw new Error('the TCP options are not in the flow');
  const code = new Code();
  const given = code.label('given');
  const same = code.label('same');
  const added = code.label('added');
  const loop = code.label('options');
  const single = code.label('single');
  const next = code.label('next');
  const other = code.label('other');
  code.emit(jump64('jne', R1, 0, given), mov64(R0, 0), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R1)));
  loadField(code, R8, R6, layout, 'tcp.doff');
  code.emit(jump64('jge', R8, LARGEST_HEADER, same), jump64('jlt', R8, SMALLEST_HEADER, same), alu64('lsh', R8, 2));
  loadField(code, R1, R6, layout, 'l4len');
  // Nothing is added in front of data.
  code.emit(jump64('jne', R1, reg(R8), same));
  code.emit(alu64('sub', R8, TCP_HEADER), mov64(R7, 0), mov64(R9, MAX_OPTION_BYTES));
  code.place(loop);
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, OPTION.bytes), jump64('jgt', R1, reg(R8), added));
  code.emit(jump64('jeq', R9, 0, added), alu64('sub', R9, 1));
  code.emit(jump64('jgt', R7, MAX_OPTION_BYTES - OPTION.bytes, added));
  code.emit(mov64(R1, reg(R6)), alu64('add', R1, reg(R7)));
  code.emit(load(1, R2, R1, optionBytes), load(1, R3, R1, optionBytes + 1));
  code.emit(jump64('jne', R2, OPTION.kind, other), jump64('jeq', R3, OPTION.bytes, same));
  code.place(other);
  code.emit(jump64('jle', R2, NOP, single), jump64('jne', R3, 0, next));
  code.place(single);
  code.emit(mov64(R3, 1));
  code.place(next);
  code.emit(alu64('add', R7, reg(R3)), goto(loop));
  code.place(added);
  code.emit(mov64(R0, OPTION.bytes), exit());
  code.place(same);
  code.emit(mov64(R0, 0), exit());
  return code;
}
