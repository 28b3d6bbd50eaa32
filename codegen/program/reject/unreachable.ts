import {
  alu32,
  alu64,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R5,
  R7,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { htons } from '../packet/entry.js';
import { emitFold, emitSum } from './checksum.js';
import { emitAnswerable4, emitAnswerable6 } from './eligible.js';
import {
  emitCut,
  emitGrow,
  emitUnicastFrame,
  emitSend,
  loadHeader,
  loadLength,
  loadLinkLength,
  type Answer,
} from './frame.js';
import { emitCopy, emitHeader4, emitHeader6 } from './header.js';
import { emitSource, emitTos, SOURCE } from './source.js';
import { emitAddresses, emitPseudoTail, emitUndoOffload, emitVerify, mayBeOffloaded, PROTOCOL } from './verify.js';

const ICMP_HEADER = 8;
/** Bytes that an answer is long at most: RFC 1812 (4.3.2.3), IPV6_MIN_MTU. */
const ANSWER_BYTES = { v4: 576, v6: 1280 } as const;
/** Types of "destination unreachable". */
const UNREACHABLE = { v4: 3, v6: 1 } as const;
/** u32 at scratch + CODE: the ICMP code. */
const CODE = 12;

/**
 * Answers the packet with an ICMP error, type "destination unreachable", code r9 (net/ipv4/netfilter/nf_reject_ipv4.c
 * nf_send_unreach and net/ipv4/icmp.c __icmp_send, net/ipv6/netfilter/nf_reject_ipv6.c nf_send_unreach6 and
 * net/ipv6/icmp.c icmp6_send), or with nothing where the kernel sends none. Ends the program.
 */
export function emitUnreachable(answer: Answer): void {
  const { code, view, scratch } = answer;
  const v4 = view.family === 'v4';
  const header = v4 ? 20 : 40;
  const room = header + ICMP_HEADER;
  const protocol = v4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6;
  emitUnicastFrame(answer);
  loadHeader(answer, header);
  if (v4) emitAnswerable4(answer);
  else emitAnswerable6(answer);
  emitSource(answer, protocol);
  code.emit(store(4, R10, scratch + CODE, R9));
  emitVerify(answer);

  // r9 = bytes quoted.
  emitQuoted(answer, ANSWER_BYTES[view.family] - room);
  code.emit(mov64(R2, reg(R9)));
  emitCut(answer);
  emitGrow(answer, room);
  loadHeader(answer, room + header);
  if (view.chain === 'FORWARD') emitHop(answer, room);
  emitCopy(answer, R7, v4 ? 12 : 8, R10, scratch + SOURCE, v4 ? 4 : 16);
  emitCopy(answer, R7, v4 ? 16 : 24, R7, room + (v4 ? 12 : 8), v4 ? 4 : 16);
  emitIcmp(answer, header);
  if (mayBeOffloaded(answer)) emitUndoOffload(answer, room);

  code.emit(mov64(R2, reg(R9)), alu64('add', R2, ICMP_HEADER));
  if (v4) {
    emitTos(answer, R5, room);
    emitHeader4(answer, { protocol, tos: { reg: R5 }, id: 'random', dontFragment: false });
  } else {
    emitHeader6(answer, protocol);
  }
  emitSend(answer);
}

/** r9 = bytes of the packet that the answer quotes, `most` at most. */
function emitQuoted(answer: Answer, most: number): void {
  const whole = answer.code.label('whole');
  loadLength(answer, R9);
  answer.code.emit(jump64('jle', R9, most, whole), mov64(R9, most));
  answer.code.place(whole);
}

/** The quoted packet as FORWARD sees it: one hop less (include/net/ip.h ip_decrease_ttl). r7 + quote = its header. */
function emitHop(answer: Answer, quote: number): void {
  const { code, view } = answer;
  const ttl = quote + (view.family === 'v4' ? 8 : 7);
  code.emit(load(1, R1, R7, ttl), alu32('sub', R1, 1), store(1, R7, ttl, R1));
  if (view.family === 'v6') return;
  const small = code.label('carry');
  code.emit(load(2, R1, R7, quote + 10), alu32('add', R1, htons(0x0100)), mov32(R2, reg(R1)));
  code.emit(alu32('add', R2, 1), jump32('jlt', R1, 0xffff, small), mov32(R1, reg(R2)));
  code.place(small);
  code.emit(store(2, R7, quote + 10, R1));
}

/** Writes the ICMP header at r7 + at with its checksum, r9 bytes of quote behind it. Clobbers r0–r5. */
function emitIcmp(answer: Answer, at: number): void {
  const { code, view, scratch, silent } = answer;
  const type = UNREACHABLE[view.family];
  loadLinkLength(answer, R2);
  code.emit(alu64('add', R2, at + ICMP_HEADER), mov64(R5, reg(R9)));
  emitSum(answer, silent);
  code.emit(load(4, R2, R10, scratch + CODE), storeImm(1, R7, at, type), store(1, R7, at + 1, R2));
  code.emit(storeImm(4, R7, at + 4, 0));
  code.emit(alu64('lsh', R2, 8), alu64('add', R2, type), alu64('add', R0, reg(R2)));
  if (view.family === 'v6') {
    emitAddresses(answer);
    code.emit(mov64(R2, reg(R9)), alu64('add', R2, ICMP_HEADER));
    emitPseudoTail(answer, PROTOCOL.ICMPV6);
  }
  emitFold(code, R0);
  code.emit(alu64('xor', R0, 0xffff), store(2, R7, at + 2, R0));
}
