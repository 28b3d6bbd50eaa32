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
  R2,
  R3,
  R4,
  R5,
  R7,
  R8,
  reg,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { htons } from '../packet/entry.js';
import { isIngress } from '../view.js';
import { loadHeader, loadProtocol, loadTransport, loadTransportOffset, loadLength, type Answer } from './frame.js';
import { PROTOCOL } from './verify.js';

/** Flags and offset of the IPv4 header (include/net/ip.h). */
const IP_OFFSET = 0x1fff;
const IP_MF = 0x2000;
/** Kinds of IP options (include/uapi/linux/ip.h). */
const OPTION = { END: 0, NOOP: 1, RR: 7, TS: 68, LSRR: 131, CIPSO: 134, SSRR: 137 } as const;
/**
 * What the kernel echoes in its ICMP errors (net/ipv4/ip_options.c __ip_options_echo), or writes into before a chain
 * sees it, so that its own checksum test fails and nothing is answered.
 */
const ECHOED = [OPTION.RR, OPTION.TS, OPTION.LSRR, OPTION.CIPSO, OPTION.SSRR];
/** What is written into, or thrown away before the chain; a full record route is neither. A reset echoes nothing. */
const WRITTEN = [OPTION.TS, OPTION.LSRR, OPTION.SSRR];
/** Types of ICMP that are no errors (net/ipv4/icmp.c icmp_pointers); a type above NR_ICMP_TYPES counts as one. */
const NO_ERROR = (1 << 0) | (1 << 8) | (0x3f << 13);
const NR_ICMP_TYPES = 18;

/**
 * No answer to a multicast or broadcast destination or a later fragment. At INPUT the kernel sees no fragments but the
 * datagram, which a first fragment does not show: no answer to it either. r7 = IPv4 header. Clobbers r1, r2.
 */
function emitUnicast4(answer: Answer): void {
  const { code, view, silent } = answer;
  code.emit(load(4, R1, R7, 16), toBigEndian(R1, 32), jump32('jeq', R1, -1, silent));
  code.emit(alu32('rsh', R1, 28), jump32('jeq', R1, 0xe, silent));
  const fragment = view.chain === 'FORWARD' ? IP_OFFSET : IP_OFFSET | IP_MF;
  code.emit(load(2, R1, R7, 6), alu32('and', R1, htons(fragment)), jump32('jne', R1, 0, silent));
}

/** Both addresses unicast (net/ipv6/addrconf_core.c ipv6_addr_type): no multicast, unspecified or IPv4-mapped one. */
export function emitUnicast6(answer: Answer): void {
  const { code, silent } = answer;
  for (const offset of [8, 24]) {
    const unicast = code.label('unicast');
    code.emit(load(1, R1, R7, offset), jump32('jeq', R1, 0xff, silent));
    code.emit(load(8, R1, R7, offset), jump64('jne', R1, 0, unicast));
    code.emit(load(4, R1, R7, offset + 8), jump32('jeq', R1, 0xffff0000 | 0, silent));
    code.emit(load(8, R1, R7, offset + 8), jump64('jeq', R1, 0, silent));
    code.place(unicast);
  }
}

/** icmp6_send: a unicast destination, a source that one node has, and no ICMPv6 error. Clobbers r1–r5. */
export function emitAnswerable6(answer: Answer): void {
  const { code, silent } = answer;
  const specified = code.label('specified');
  const eligible = code.label('eligible');
  code.emit(load(1, R1, R7, 24), jump32('jeq', R1, 0xff, silent), load(1, R1, R7, 8), jump32('jeq', R1, 0xff, silent));
  code.emit(load(8, R1, R7, 8), jump64('jne', R1, 0, specified));
  code.emit(load(8, R1, R7, 16), jump64('jeq', R1, 0, silent));
  code.place(specified);
  // reject6_csum_ok: no transport header, nothing behind it, or a later fragment (which has none here).
  loadTransportOffset(answer, R1);
  loadLength(answer, R2);
  code.emit(jump64('jeq', R1, 0, silent), jump64('jge', R1, reg(R2), silent));
  loadProtocol(answer, R3);
  code.emit(jump32('jeq', R3, NEXTHDR_NONE, silent), jump32('jne', R3, PROTOCOL.ICMPV6, eligible));
  loadTransport(answer, R3, 1);
  code.emit(load(1, R3, R3, 0), jump32('jlt', R3, 0x80, silent));
  code.place(eligible);
}
const NEXTHDR_NONE = 59;

/** __icmp_send: no ICMP error, and no option that would come back in the answer. r7 = IPv4 header. Clobbers r1–r5. */
export function emitAnswerable4(answer: Answer): void {
  const { code, silent } = answer;
  const eligible = code.label('eligible');
  emitUnicast4(answer);
  loadProtocol(answer, R3);
  code.emit(jump32('jne', R3, PROTOCOL.ICMP, eligible));
  loadTransport(answer, R3, 1);
  code.emit(load(1, R3, R3, 0), jump32('jgt', R3, NR_ICMP_TYPES, silent));
  code.emit(mov32(R1, 1), alu32('lsh', R1, reg(R3)), alu32('and', R1, NO_ERROR), jump32('jeq', R1, 0, silent));
  code.place(eligible);
  emitOptions(answer, ECHOED);
}

/** A reset answers no packet whose IP options the kernel has written into. r7 = IPv4 header. Clobbers r1–r5. */
export function emitResettable4(answer: Answer): void {
  emitUnicast4(answer);
  emitOptions(answer, WRITTEN);
}

/**
 * Goes to `silent` where the header at r7 has an option of `kinds`, or (if they lack it) a record route with room left.
 * Own packets are not looked at: the kernel has done with their options.
 */
function emitOptions(answer: Answer, kinds: readonly number[]): void {
  const { code, view, silent } = answer;
  if (!isIngress(view)) return;
  const loop = code.label('options');
  const single = code.label('single');
  const other = code.label('option');
  const step = code.label('step');
  const done = code.label('optionless');
  const require = (bytes: number): void =>
    code.emit(mov64(R1, reg(R3)), alu64('add', R1, bytes), jump64('jgt', R1, reg(R8), silent));
  code.emit(load(1, R4, R7, 0), alu32('and', R4, 15), alu32('lsh', R4, 2), mov64(R5, 20));
  code.place(loop);
  code.emit(jump64('jge', R5, reg(R4), done), jump64('jgt', R5, 59, done));
  code.emit(mov64(R3, reg(R7)), alu64('add', R3, reg(R5)));
  require(1);
  code.emit(load(1, R1, R3, 0), jump32('jeq', R1, OPTION.END, done), jump32('jeq', R1, OPTION.NOOP, single));
  for (const kind of kinds) code.emit(jump32('jeq', R1, kind, silent));
  if (!kinds.includes(OPTION.RR)) {
    code.emit(jump32('jne', R1, OPTION.RR, other));
    require(3);
    // The place of the next address lies behind the option where it is full.
    code.emit(load(1, R1, R3, 1), load(1, R2, R3, 2), jump32('jle', R2, reg(R1), silent));
    code.place(other);
  }
  require(2);
  code.emit(load(1, R2, R3, 1), jump32('jgt', R2, 1, step), goto(silent));
  code.place(single);
  code.emit(mov64(R2, 1));
  code.place(step);
  code.emit(alu64('add', R5, reg(R2)), goto(loop));
  code.place(done);
  // Loaded again, the header is the same for the verifier whatever way led here.
  loadHeader(answer, 20);
}
