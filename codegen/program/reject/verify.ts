import {
  alu64,
  callHelper,
  goto,
  jump32,
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
} from '../../bytecode/instruction.js';
import { htons } from '../packet/entry.js';
import { isIngress } from '../view.js';
import { emitAddWord, emitFold, emitJumpIfZero, emitSum } from './checksum.js';
import { loadLength, loadLinkLength, loadProtocol, loadTransport, loadTransportOffset, type Answer } from './frame.js';

export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58 } as const;
/** GRE, ESP, AH, SCTP, UDP-Lite: no checksum of the whole payload (nf_reject.h nf_reject_verify_csum, Linux 6.16). */
const UNVERIFIED = [47, 50, 51, 132, 136];
/** Offset of the checksum field in the transport header. */
export const CHECKSUM_OFFSET = { [PROTOCOL.TCP]: 16, [PROTOCOL.UDP]: 6 } as const;

/** Operations of bpf_csum_level (include/uapi/linux/bpf.h). */
const CSUM_LEVEL = { QUERY: 0, INC: 1, RESET: 3 } as const;

/** u32 at scratch + PARTIAL: 1 where the packet's transport checksum is left to the device (tc alone). */
export const PARTIAL = 8;

/**
 * Goes to `silent` where the kernel would not answer for a wrong transport checksum (net/netfilter/utils.c
 * nf_ip_checksum, nf_ip6_checksum). r7, r8 = IP header and end, and afterwards too. Clobbers r0–r5.
 */
export function emitVerify(answer: Answer): void {
  const { code, view } = answer;
  const good = code.label('checksum');
  code.emit(storeImm(4, R10, answer.scratch + PARTIAL, 0));
  loadProtocol(answer, R3);
  for (const protocol of UNVERIFIED) code.emit(jump32('jeq', R3, protocol, good));
  emitUdpWithout(answer, good);
  if (view.hook === 'tc') emitVouched(answer, good);
  emitTransportSum(answer);
  emitJumpIfZero(code, R0, good);
  if (view.hook === 'xdp') emitOffloaded(answer, good);
  code.emit(goto(answer.silent));
  code.place(good);
}

/** A UDP datagram that is whole and says that it has no checksum is not verified. */
function emitUdpWithout(answer: Answer, good: string): void {
  const { code } = answer;
  const other = code.label('other');
  code.emit(jump32('jne', R3, PROTOCOL.UDP, other));
  loadTransportOffset(answer, R4);
  loadLength(answer, R1);
  code.emit(mov64(R2, reg(R4)), alu64('add', R2, 8), jump64('jgt', R2, reg(R1), other), alu64('add', R4, reg(R7)));
  code.emit(mov64(R1, reg(R4)), alu64('add', R1, 8), jump64('jgt', R1, reg(R8), other));
  code.emit(load(2, R1, R4, CHECKSUM_OFFSET[PROTOCOL.UDP]), jump32('jeq', R1, 0, good));
  code.place(other);
}

/**
 * skb->ip_summed, which no field of the context shows, from what two helpers answer to each of its values: a verified
 * checksum (CHECKSUM_UNNECESSARY) or one that is still to be made (CHECKSUM_PARTIAL) is good.
 */
function emitVouched(answer: Answer, good: string): void {
  const { code, view, scratch } = answer;
  const verify = code.label('verify');
  const none = code.label('none');
  const level = (operation: number): void =>
    code.emit(mov64(R1, reg(R6)), mov64(R2, operation), callHelper('csum_level'));
  level(CSUM_LEVEL.QUERY);
  code.emit(jump64('jsge', R0, 0, good));
  // bpf_csum_update succeeds for CHECKSUM_COMPLETE alone. In FORWARD nf_ip_checksum takes that as good.
  code.emit(mov64(R1, reg(R6)), mov64(R2, 0), callHelper('csum_update'));
  code.emit(jump64('jsge', R0, 0, view.chain === 'INPUT' ? verify : good));
  // Raising the level turns CHECKSUM_NONE into UNNECESSARY, and CHECKSUM_PARTIAL into nothing else.
  level(CSUM_LEVEL.INC);
  level(CSUM_LEVEL.QUERY);
  code.emit(jump64('jsge', R0, 0, none), storeImm(4, R10, scratch + PARTIAL, 1), goto(good));
  code.place(none);
  level(CSUM_LEVEL.RESET);
  code.place(verify);
}

/** r0 = folded sum of transport header, payload and pseudo header, 0 or 0xffff if it is right. */
function emitTransportSum(answer: Answer): void {
  const { code, silent } = answer;
  loadTransportOffset(answer, R2);
  loadLength(answer, R5);
  code.emit(jump64('jgt', R2, reg(R5), silent), alu64('sub', R5, reg(R2)));
  loadLinkLength(answer, R1);
  code.emit(alu64('add', R2, reg(R1)));
  emitSum(answer, silent);
  code.emit(mov64(R2, reg(R0)));
  emitPseudoHeader(answer);
  code.emit(alu64('add', R0, reg(R2)));
  emitFold(code, R0);
}

/**
 * r0 = sum of the pseudo header (RFC 9293, RFC 8200) of the packet at r7; IPv4: 0 for other protocols than TCP and
 * UDP, of which nf_ip_checksum sums the payload alone. Clobbers r1, r3.
 */
function emitPseudoHeader(answer: Answer): void {
  const { code, view } = answer;
  const done = code.label('pseudo');
  code.emit(mov64(R0, 0));
  loadProtocol(answer, R3);
  if (view.family === 'v4') {
    const summed = code.label('summed');
    code.emit(jump32('jeq', R3, PROTOCOL.TCP, summed), jump32('jne', R3, PROTOCOL.UDP, done));
    code.place(summed);
  }
  emitAddresses(answer);
  code.emit(toBigEndian(R3, 16), alu64('add', R0, reg(R3)));
  loadLength(answer, R3);
  loadTransportOffset(answer, R1);
  code.emit(alu64('sub', R3, reg(R1)), toBigEndian(R3, 32));
  code.emit(alu64('add', R0, reg(R3)));
  code.place(done);
}

/** r0 += the addresses of the IP header at r7. Clobbers r1. */
export function emitAddresses(answer: Answer): void {
  const [first, last] = answer.view.family === 'v4' ? [12, 20] : [8, 40];
  for (let offset = first; offset < last; offset += 4) emitAddWord(answer.code, R0, R7, offset);
}

/** r0 += protocol and length of a pseudo header; the length is in r2, host order (kept). Clobbers r1. */
export function emitPseudoTail(answer: Answer, protocol: number): void {
  answer.code.emit(alu64('add', R0, htons(protocol)), mov64(R1, reg(R2)), toBigEndian(R1, 16));
  answer.code.emit(alu64('add', R0, reg(R1)));
}

/**
 * A frame from a virtual device may carry the pseudo header's sum alone in its checksum field, left for a device to
 * finish, which XDP cannot see otherwise: the kernel knows it and takes it as good.
 */
function emitOffloaded(answer: Answer, good: string): void {
  const { code, silent } = answer;
  const udp = code.label('udp');
  const compare = code.label('compare');
  loadProtocol(answer, R3);
  code.emit(jump32('jeq', R3, PROTOCOL.UDP, udp), jump32('jne', R3, PROTOCOL.TCP, silent));
  loadTransport(answer, R4, 20);
  code.emit(load(2, R5, R4, CHECKSUM_OFFSET[PROTOCOL.TCP]), goto(compare));
  code.place(udp);
  loadTransport(answer, R4, 8);
  code.emit(load(2, R5, R4, CHECKSUM_OFFSET[PROTOCOL.UDP]));
  code.place(compare);
  emitPseudoHeader(answer);
  emitFold(code, R0);
  code.emit(jump32('jeq', R0, reg(R5), good));
}

/**
 * Where the device will finish a checksum inside the quoted packet (at r7 + quote, `r9` bytes of it), sets the field so
 * that the device writes back what is there now, and the quote stays as it was summed. Clobbers r0–r5.
 */
export function emitUndoOffload(answer: Answer, quote: number): void {
  const { code, silent, scratch } = answer;
  const done = code.label('offload');
  const field = code.label('field');
  code.emit(load(4, R1, R10, scratch + PARTIAL), jump32('jeq', R1, 0, done));
  loadTransportOffset(answer, R2);
  code.emit(mov64(R5, reg(R9)), alu64('sub', R5, reg(R2)));
  loadLinkLength(answer, R1);
  code.emit(alu64('add', R2, reg(R1)), alu64('add', R2, quote));
  emitSum(answer, silent);
  // ~sum(rest + field) as the field makes the device's ~sum(rest + ~sum(rest + field)) = field.
  code.emit(alu64('xor', R0, 0xffff));
  loadQuotedProtocol(answer, R3, quote);
  loadTransportOffset(answer, R2);
  code.emit(alu64('add', R2, reg(R7)), alu64('add', R2, quote));
  code.emit(mov64(R4, reg(R2)), alu64('add', R4, CHECKSUM_OFFSET[PROTOCOL.TCP]));
  code.emit(jump32('jeq', R3, PROTOCOL.TCP, field), jump32('jne', R3, PROTOCOL.UDP, silent));
  code.emit(mov64(R4, reg(R2)), alu64('add', R4, CHECKSUM_OFFSET[PROTOCOL.UDP]));
  code.place(field);
  code.emit(mov64(R1, reg(R4)), alu64('add', R1, 2), jump64('jgt', R1, reg(R8), silent), store(2, R4, 0, R0));
  code.place(done);
}

function loadQuotedProtocol(answer: Answer, dst: number, quote: number): void {
  if (answer.view.family === 'v4') answer.code.emit(load(1, dst, R7, quote + 9));
  else loadProtocol(answer, dst);
}

/** Whether the view's packets may have a checksum that is left to a device which will see the answer. */
export function mayBeOffloaded(answer: Answer): boolean {
  return answer.view.hook === 'tc' && isIngress(answer.view);
}
