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
  reg,
  store,
  storeImm,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { emitAddWord, emitFold } from './checksum.js';
import {
  emitCut,
  emitDropOptions,
  emitSend,
  emitTurnInPlace,
  emitUnicastFrame,
  loadHeader,
  loadLength,
  loadProtocol,
  loadTransport,
  loadTransportOffset,
  type Answer,
} from './frame.js';
import { emitResettable4, emitUnicast6 } from './eligible.js';
import { emitCopy, emitHeader4, emitHeader6 } from './header.js';
import { emitAddresses, emitPseudoTail, emitVerify, PARTIAL, PROTOCOL } from './verify.js';

const TCP_HEADER = 20;
const FLAG = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;
/** Of scratch: what the answer takes from the old headers. u32 each, the addresses 8 or 32 bytes, as they lie in the answer. */
const SAVED = { ports: 16, seq: 20, ack: 24, flags: 28, addresses: 32 } as const;

/**
 * Answers a TCP segment with a reset (net/ipv4/netfilter/nf_reject_ipv4.c nf_send_reset, net/ipv6/netfilter/
 * nf_reject_ipv6.c nf_send_reset6), or with nothing where the kernel sends none. Ends the program.
 */
export function emitReset(answer: Answer): void {
  const { code, view, silent } = answer;
  const header = view.family === 'v4' ? 20 : 40;
  emitUnicastFrame(answer);
  loadHeader(answer, header);
  if (view.family === 'v4') emitResettable4(answer);
  else emitUnicast6(answer);
  loadProtocol(answer, R3);
  code.emit(jump32('jne', R3, PROTOCOL.TCP, silent));
  loadTransport(answer, R3, TCP_HEADER);
  emitSave(answer);
  emitVerify(answer);

  emitDropOptions(answer, header);
  code.emit(mov64(R2, header + TCP_HEADER));
  emitCut(answer);
  emitTurnInPlace(answer);
  loadHeader(answer, header + TCP_HEADER);
  const [from, bytes] = view.family === 'v4' ? [12, 8] : [8, 32];
  emitCopy(answer, R7, from, R10, answer.scratch + SAVED.addresses, bytes);
  code.emit(mov64(R2, TCP_HEADER));
  if (view.family === 'v4') emitHeader4(answer, { protocol: PROTOCOL.TCP, tos: 0, id: 0, dontFragment: true });
  else emitHeader6(answer, PROTOCOL.TCP);
  emitTcp(answer, header);
  emitSend(answer);
}

/** Reads the addresses of the packet at r7 and the segment whose header is at r3. Goes to `silent` for a reset. Clobbers r1, r2, r4, r5. */
function emitSave(answer: Answer): void {
  const { code, view, scratch, silent } = answer;
  const acknowledged = code.label('acknowledged');
  const saved = code.label('saved');
  const slot = (name: keyof typeof SAVED): number => scratch + SAVED[name];
  const [source, bytes] = view.family === 'v4' ? [12, 4] : [8, 16];
  emitCopy(answer, R10, slot('addresses'), R7, source + bytes, bytes);
  emitCopy(answer, R10, slot('addresses') + bytes, R7, source, bytes);
  code.emit(load(1, R4, R3, 13), mov32(R1, reg(R4)), alu32('and', R1, FLAG.RST), jump32('jne', R1, 0, silent));
  code.emit(load(2, R1, R3, 0), load(2, R2, R3, 2));
  code.emit(store(2, R10, slot('ports'), R2), store(2, R10, slot('ports') + 2, R1));
  code.emit(mov32(R1, reg(R4)), alu32('and', R1, FLAG.ACK), jump32('jne', R1, 0, acknowledged));

  // Without ACK: acknowledges all that the segment occupies.
  loadLength(answer, R5);
  loadTransportOffset(answer, R1);
  code.emit(alu64('sub', R5, reg(R1)));
  code.emit(load(1, R1, R3, 12), alu32('rsh', R1, 4), alu32('lsh', R1, 2), alu32('sub', R5, reg(R1)));
  code.emit(mov32(R1, reg(R4)), alu32('and', R1, FLAG.FIN), alu32('add', R5, reg(R1)));
  code.emit(mov32(R1, reg(R4)), alu32('rsh', R1, 1), alu32('and', R1, FLAG.SYN >> 1), alu32('add', R5, reg(R1)));
  code.emit(load(4, R1, R3, 4), toBigEndian(R1, 32), alu32('add', R5, reg(R1)), toBigEndian(R5, 32));
  code.emit(storeImm(4, R10, slot('seq'), 0), store(4, R10, slot('ack'), R5));
  code.emit(storeImm(4, R10, slot('flags'), FLAG.RST | FLAG.ACK), goto(saved));

  code.place(acknowledged);
  code.emit(load(4, R1, R3, 8), store(4, R10, slot('seq'), R1), storeImm(4, R10, slot('ack'), 0));
  code.emit(storeImm(4, R10, slot('flags'), FLAG.RST));
  code.place(saved);
}

/** Writes the TCP header at r7 + at and its checksum. r2 = its length, of the pseudo header. */
function emitTcp(answer: Answer, at: number): void {
  const { code, scratch } = answer;
  for (const [name, offset] of [
    ['ports', 0],
    ['seq', 4],
    ['ack', 8],
  ] as const) {
    code.emit(load(4, R1, R10, scratch + SAVED[name]), store(4, R7, at + offset, R1));
  }
  code.emit(storeImm(1, R7, at + 12, (TCP_HEADER / 4) << 4));
  code.emit(load(4, R1, R10, scratch + SAVED.flags), store(1, R7, at + 13, R1));
  // Window, checksum, urgent pointer.
  code.emit(storeImm(2, R7, at + 14, 0), storeImm(4, R7, at + 16, 0));

  const write = code.label('write');
  code.emit(mov64(R0, 0));
  emitAddresses(answer);
  emitPseudoTail(answer, PROTOCOL.TCP);
  if (answer.view.hook === 'tc') {
    // The device, which finishes the checksum of the old segment, finishes this one.
    const whole = code.label('whole');
    code.emit(load(4, R1, R10, scratch + PARTIAL), jump64('jeq', R1, 0, whole));
    emitFold(code, R0);
    code.emit(goto(write));
    code.place(whole);
  }
  for (let offset = 0; offset < TCP_HEADER; offset += 4) emitAddWord(code, R0, R7, at + offset);
  emitFold(code, R0);
  code.emit(alu64('xor', R0, 0xffff));
  code.place(write);
  code.emit(store(2, R7, at + 16, R0));
}
