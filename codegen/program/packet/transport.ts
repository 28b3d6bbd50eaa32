import {
  alu32,
  alu64,
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
  R5,
  R7,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { storeField, type EntryContext } from './entry.js';

/** Offset from the IP header beyond which a packet pointer is no use to the verifier. */
const MAX_OFFSET = 0xff00;

/**
 * Reads the transport fields that some rule tests: r9 = offset of the header from r7, r3 = bytes there.
 * Fields that cannot be read stay 0. Afterwards r9 points to the header where `tcp.options` are read.
 */
export function emitTransport(context: EntryContext): void {
  const { code, used } = context;
  storeField(context, 'l4len', R3);
  const wanted = [
    'sport',
    'dport',
    'tcp.flags',
    'tcp.doff',
    'tcp.whole',
    'tcp.options',
    'icmp.type',
    'icmp.code',
  ] as const;
  if (!wanted.some((field) => used.has(field))) return;
  const done = code.label('read');
  code.emit(jump64('jgt', R9, MAX_OFFSET, done), mov64(R1, reg(R7)), alu64('add', R1, reg(R9)), mov64(R9, reg(R1)));
  readAt(context, 4, done);
  for (const [field, offset] of [
    ['sport', 0],
    ['dport', 2],
  ] as const) {
    if (!used.has(field)) continue;
    code.emit(load(2, R1, R9, offset), toBigEndian(R1, 16));
    storeField(context, field, R1);
  }
  for (const [field, offset] of [
    ['icmp.type', 0],
    ['icmp.code', 1],
  ] as const) {
    if (!used.has(field)) continue;
    code.emit(load(1, R1, R9, offset));
    storeField(context, field, R1);
  }
  if (
    ['tcp.flags', 'tcp.doff', 'tcp.whole', 'tcp.options'].some((field) => used.has(field as (typeof wanted)[number]))
  ) {
    readAt(context, 14, done);
    if (used.has('tcp.flags')) {
      code.emit(load(1, R1, R9, 13));
      storeField(context, 'tcp.flags', R1);
    }
    emitTcpHeader(context, done);
  }
  code.place(done);
}

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
 * The walk of tcp_find_option (net/netfilter/xt_tcpudp.c), as a bitmap of the kinds it steps on. r4 = header length;
 * r2 = offset of the option from r9, at most 40 steps.
 */
function emitTcpOptions(context: EntryContext, done: string): void {
  const { code, layout, flow } = context;
  const bitmap = layout.offsets.get('tcp.options');
  if (bitmap === undefined) return;
  const loop = code.label('options');
  const single = code.label('single');
  const sized = code.label('sized');
  const word = code.label('word');
  code.emit(mov64(R2, 20), mov64(R5, 40));
  code.place(loop);
  code.emit(jump64('jge', R2, reg(R4), done), jump64('jeq', R5, 0, done), alu64('sub', R5, 1));
  code.emit(jump64('jgt', R2, 59, done));
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, reg(R2)), mov64(R0, reg(R1)), alu64('add', R0, 1));
  code.emit(jump64('jgt', R0, reg(R8), done), load(1, R3, R1, 0));
  // Set the kind's bit: word 3 − kind / 64 (most significant word first), bit kind % 64.
  for (const index of [3, 2, 1, 0]) {
    const next = code.label('kind');
    const base = (3 - index) * 64;
    code.emit(jump32('jlt', R3, base, next), jump32('jgt', R3, base + 63, next));
    code.emit(mov64(R0, 1), mov64(R1, reg(R3)), alu64('and', R1, 63), alu64('lsh', R0, reg(R1)));
    code.emit(load(8, R1, R10, flow + bitmap + 8 * index), alu64('or', R1, reg(R0)));
    code.emit(store(8, R10, flow + bitmap + 8 * index, R1), goto(word));
    code.place(next);
  }
  code.place(word);
  code.emit(jump32('jle', R3, 1, single));
  // The length byte; behind the last option there is none to read, and the walk is over.
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, reg(R2)), mov64(R0, reg(R1)), alu64('add', R0, 2));
  code.emit(jump64('jgt', R0, reg(R8), done), load(1, R1, R1, 1), jump32('jne', R1, 0, sized));
  code.place(single);
  code.emit(mov64(R1, 1));
  code.place(sized);
  code.emit(alu64('add', R2, reg(R1)), goto(loop));
}
