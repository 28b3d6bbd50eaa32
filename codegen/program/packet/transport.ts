import {
  alu32,
  alu64,
  callFunction,
  exit,
  goto,
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
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { MAX_OPTION_BYTES, type FlowLayout } from '../flow.js';
import { storeField, type EntryContext } from './entry.js';
import { emitTransportField, LEAST_HEADER, transportFields } from './transport-fields.js';

/** Offset from the IP header beyond which a packet pointer is no use to the verifier. */
const MAX_OFFSET = 0xfe00;

/**
 * Reads the transport fields that some rule tests: r9 = offset of the header from r7, r3 = bytes there.
 * Fields that cannot be read stay 0. Afterwards r9 points to the header where `tcp.options` are read.
 */
export function emitTransport(context: EntryContext): void {
  const { code, used } = context;
  storeField(context, 'l4len', R3);
  const groups = transportFields(used);
  const tcp = TCP_FIELDS.some((field) => used.has(field));
  if (groups.length === 0 && !tcp) return;
  const done = code.label('read');
  code.emit(jump64('jgt', R9, MAX_OFFSET, done), alu64('add', R9, reg(R7)));
  for (const [end, fields] of groups.length === 0 ? [[LEAST_HEADER, []] as const] : groups) {
    readAt(context, end, done);
    for (const one of fields) {
      emitTransportField(code, one, R9);
      storeField(context, one.field, R1);
    }
  }
  if (tcp) {
    readAt(context, 14, done);
    if (used.has('tcp.flags')) {
      code.emit(load(1, R1, R9, 13));
      storeField(context, 'tcp.flags', R1);
    }
    emitTcpHeader(context, done);
  }
  code.place(done);
}

const TCP_FIELDS = ['tcp.flags', 'tcp.doff', 'tcp.whole', 'tcp.options'] as const;

/** Goes to `short` unless the packet has `bytes` bytes of transport header. */
function readAt(context: EntryContext, bytes: number, short: string): void {
  const { code } = context;
  code.emit(jump64('jlt', R3, bytes, short));
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, bytes), jump64('jgt', R1, reg(R8), short));
}

function emitTcpHeader(context: EntryContext, done: string): void {
  const { code, used } = context;
  if (!['tcp.doff', 'tcp.whole', 'tcp.options'].some((field) => used.has(field as 'tcp.doff'))) return;
  code.emit(load(1, R4, R9, 12), alu32('rsh', R4, 4));
  storeField(context, 'tcp.doff', R4);
  code.emit(alu32('lsh', R4, 2), jump64('jgt', R4, reg(R3), done), mov32(R1, 1));
  storeField(context, 'tcp.whole', R1);
  if (used.has('tcp.options')) emitTcpOptions(context, done);
}

/**
 * Copies the options (r4 = header length) behind the flow's fields and has {@link tcpOptionsFunction} walk over them:
 * in a function of its own the verifier does not drag the packet's state through each step.
 */
function emitTcpOptions(context: EntryContext, done: string): void {
  const { code, layout, flow } = context;
  if (layout.optionBytes === undefined) return;
  const copied = code.label('copied');
  code.emit(jump64('jle', R4, 20, done));
  for (let word = 0; word < MAX_OPTION_BYTES; word += 4) {
    code.emit(jump64('jle', R4, 20 + word, copied));
    code.emit(mov64(R1, reg(R9)), alu64('add', R1, 24 + word), jump64('jgt', R1, reg(R8), done));
    code.emit(load(4, R1, R9, 20 + word), store(4, R10, flow + layout.optionBytes + word, R1));
  }
  code.place(copied);
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, flow), mov64(R2, reg(R4)), alu64('sub', R2, 20));
  code.emit(callFunction(TCP_OPTIONS));
}

export const TCP_OPTIONS = 'tcp_options';

/**
 * `tcp_options(flow, length)`: the walk of tcp_find_option (net/netfilter/xt_tcpudp.c) over the option bytes in the
 * flow, as a bitmap of the kinds that it steps on. The bitmap's words stand most significant first, so the bit of
 * kind k is bit k % 8 of byte (3 − k / 64) * 8 + k / 8 % 8.
 */
export function tcpOptionsFunction(layout: FlowLayout): Code | undefined {
  const bitmap = layout.offsets.get('tcp.options');
  if (bitmap === undefined || layout.optionBytes === undefined) return undefined;
  const code = new Code();
  const given = code.label('given');
  const loop = code.label('options');
  const single = code.label('single');
  const sized = code.label('sized');
  const done = code.label('done');
  code.emit(jump64('jne', R1, 0, given), mov64(R0, 0), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R1)), mov64(R8, reg(R2)), mov64(R7, 0), mov64(R9, MAX_OPTION_BYTES));
  code.place(loop);
  code.emit(jump64('jge', R7, reg(R8), done), jump64('jeq', R9, 0, done), alu64('sub', R9, 1));
  code.emit(jump64('jge', R7, MAX_OPTION_BYTES, done));
  code.emit(mov64(R1, reg(R6)), alu64('add', R1, reg(R7)), load(1, R3, R1, layout.optionBytes));
  code.emit(mov64(R1, reg(R3)), alu64('rsh', R1, 6), mov64(R2, 3), alu64('sub', R2, reg(R1)), alu64('lsh', R2, 3));
  code.emit(
    mov64(R1, reg(R3)),
    alu64('rsh', R1, 3),
    alu64('and', R1, 7),
    alu64('add', R2, reg(R1)),
    alu64('and', R2, 31),
  );
  code.emit(mov64(R1, reg(R3)), alu64('and', R1, 7), mov64(R4, 1), alu64('lsh', R4, reg(R1)));
  code.emit(mov64(R1, reg(R6)), alu64('add', R1, reg(R2)), load(1, R5, R1, bitmap), alu64('or', R5, reg(R4)));
  code.emit(store(1, R1, bitmap, R5), jump64('jle', R3, 1, single));
  // The length byte; behind the last option there is none to read, and the walk is over.
  code.emit(jump64('jge', R7, MAX_OPTION_BYTES - 1, done));
  code.emit(mov64(R1, reg(R6)), alu64('add', R1, reg(R7)), load(1, R1, R1, layout.optionBytes + 1));
  code.emit(jump64('jne', R1, 0, sized));
  code.place(single);
  code.emit(mov64(R1, 1));
  code.place(sized);
  code.emit(alu64('add', R7, reg(R1)), goto(loop));
  code.place(done);
  code.emit(mov64(R0, 0), exit());
  return code;
}
