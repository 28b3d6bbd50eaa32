import type { PayloadTest } from '../../../grammar/model/payload.js';
import {
  alu32,
  alu64,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R1,
  R10,
  R2,
  R3,
  R8,
  R9,
  reg,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { requireRange } from './compare.js';
import { BUFFER, ENDS, type PayloadCode } from './payload-code.js';

type Of<K extends PayloadTest['kind']> = Extract<PayloadTest, { kind: K }>;

const TCP_HEADER = 20;
const MAX_TCP_OPTIONS = 40;
const TCPOPT_MSS = 2;
const TCPOLEN_MSS = 4;

/** tcpmss_mt (net/netfilter/xt_tcpmss.c): r8 = offset in the options, r9 = their end. */
export function emitTcpMss(payload: PayloadCode, { size }: Of<'tcp-mss'>): void {
  const { code } = payload;
  const none = size.inverted ? ENDS.yes : ENDS.no;
  const other = code.label('other');
  payload.transport(R8);
  payload.read(reg(R8), TCP_HEADER, ENDS.hotdrop);
  code.emit(load(1, R9, R10, BUFFER + 12), alu32('rsh', R9, 4), alu32('lsh', R9, 2));
  code.emit(jump32('jlt', R9, TCP_HEADER, ENDS.hotdrop), alu64('add', R9, reg(R8)), alu64('add', R8, TCP_HEADER));
  payload.length(R1);
  code.emit(jump64('jgt', R9, reg(R1), ENDS.hotdrop));
  const loop = payload.loop(MAX_TCP_OPTIONS + 1);
  payload.forget(R8);
  code.emit(jump64('jge', R8, reg(R9), none));
  payload.read(reg(R8), 1, none);
  code.emit(load(1, R1, R10, BUFFER), jump32('jne', R1, TCPOPT_MSS, other));
  code.emit(mov64(R2, reg(R9)), alu64('sub', R2, reg(R8)), jump64('jlt', R2, TCPOLEN_MSS, other));
  payload.read(reg(R8), TCPOLEN_MSS, none);
  code.emit(load(1, R1, R10, BUFFER + 1), jump32('jne', R1, TCPOLEN_MSS, other));
  code.emit(load(2, R1, R10, BUFFER + 2), toBigEndian(R1, 16));
  requireRange(code, R1, size, ENDS.no);
  code.emit(goto(ENDS.yes));
  code.place(other);
  emitNextOption(payload, loop, none);
}

/** r8 += length of the option whose kind is in the buffer, then to `loop`; to `done` behind the last (r9 = end). */
function emitNextOption(payload: PayloadCode, loop: string, done: string): void {
  const { code } = payload;
  const long = code.label('long');
  const sized = code.label('sized');
  code.emit(load(1, R1, R10, BUFFER), jump32('jge', R1, 2, long), alu64('add', R8, 1), goto(loop));
  code.place(long);
  code.emit(alu64('add', R8, 1), jump64('jge', R8, reg(R9), done));
  payload.read(reg(R8), 1, done);
  // An option of length 0 counts as one byte, which has been stepped over.
  code.emit(load(1, R1, R10, BUFFER), jump32('jne', R1, 0, sized), mov32(R1, 1));
  code.place(sized);
  code.emit(alu64('sub', R1, 1), alu64('add', R8, reg(R1)), goto(loop));
}

const ECE = 0x40;
const CWR = 0x80;

/** match_tcp (net/netfilter/xt_ecn.c). */
export function emitTcpEcn(payload: PayloadCode, { echo, reduced }: Of<'tcp-ecn'>): void {
  const { code } = payload;
  payload.transport(R8);
  payload.read(reg(R8), TCP_HEADER, ENDS.no);
  code.emit(load(1, R1, R10, BUFFER + 13));
  for (const [wanted, bit] of [
    [echo, ECE],
    [reduced, CWR],
  ] as const) {
    if (wanted === undefined) continue;
    code.emit(mov32(R2, reg(R1)), alu32('and', R2, bit), jump32(wanted ? 'jeq' : 'jne', R2, 0, ENDS.no));
  }
  code.emit(goto(ENDS.yes));
}

const DCCP_HEADER = 12;
/** The header's length is one byte, in words: without the shortest header this is left. */
const MAX_DCCP_OPTIONS = 255 * 4 - DCCP_HEADER;
/** Bytes behind the generic header for packet types 0 to 9; others are as long as a reset. */
const DCCP_TYPE_BYTES = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8] as const;
const DCCP_RESET_BYTES = 12;

/** dccp_find_option (net/netfilter/xt_dccp.c): r8 = offset in the options, r9 = their end. */
export function emitDccpOption(payload: PayloadCode, test: Of<'dccp-option'>): void {
  const { code } = payload;
  const [yes, no] = test.inverted ? [ENDS.no, ENDS.yes] : [ENDS.yes, ENDS.no];
  const hotdrop = test.inverted ? ENDS.dropping : ENDS.hotdrop;
  const measured = code.label('measured');
  payload.transport(R8);
  payload.read(reg(R8), DCCP_HEADER, hotdrop);
  code.emit(load(1, R1, R10, BUFFER + 8), mov32(R2, reg(R1)), alu32('and', R2, 1), alu32('lsh', R2, 2));
  code.emit(alu32('add', R2, DCCP_HEADER), alu32('rsh', R1, 1), alu32('and', R1, 15));
  for (const bytes of [0, 4, 8]) {
    const other = code.label('other');
    const these = code.label('these');
    DCCP_TYPE_BYTES.forEach((length, type) => {
      if (length === bytes) code.emit(jump32('jeq', R1, type, these));
    });
    code.emit(goto(other));
    code.place(these);
    code.emit(alu32('add', R2, bytes), goto(measured));
    code.place(other);
  }
  code.emit(alu32('add', R2, DCCP_RESET_BYTES));
  code.place(measured);
  code.emit(load(1, R9, R10, BUFFER + 4), alu32('lsh', R9, 2));
  code.emit(jump32('jlt', R9, reg(R2), hotdrop), jump32('jeq', R9, reg(R2), no));
  code.emit(alu64('add', R9, reg(R8)), alu64('add', R8, reg(R2)));
  payload.length(R1);
  code.emit(jump64('jgt', R9, reg(R1), hotdrop));
  const loop = payload.loop(MAX_DCCP_OPTIONS + 1);
  payload.forget(R8);
  code.emit(jump64('jge', R8, reg(R9), no));
  payload.read(reg(R8), 1, no);
  code.emit(load(1, R3, R10, BUFFER), jump32('jeq', R3, test.option, yes));
  emitNextOption(payload, loop, no);
}
