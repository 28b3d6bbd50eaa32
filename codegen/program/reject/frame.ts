import {
  alu32,
  alu64,
  callHelper,
  exit,
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
  R6,
  R7,
  R8,
  reg,
  store,
} from '../../bytecode/instruction.js';
import { FLOW_L3, FLOW_LENGTH, FLOW_THOFF } from '../flow.js';
import { SK_BUFF, XDP_MD, type EntryContext } from '../packet/entry.js';
import { isIngress } from '../view.js';

/** What the emitters of an answer share: the entry's context, and where a packet goes that gets no answer. */
export interface Answer extends EntryContext {
  /** Drops the packet without an answer. */
  readonly silent: string;
}

const XDP_TX = 3;
const BPF_F_INGRESS = 1;
const BPF_ADJ_ROOM_MAC = 1;
/** Ethernet header with two VLAN tags: the longest link header that emitLink reads. */
export const MAX_LINK = 22;
const ETHERNET = 14;
/** Offset of a transport header from the IP header beyond which nothing is answered. */
const MAX_TRANSPORT_OFFSET = 4096;

/** Loads r7 = IP header, r8 = end of the packet, with `bytes` bytes from r7 on in it. Clobbers r1. */
export function loadHeader(answer: Answer, bytes: number): void {
  const { code, silent } = answer;
  emitFrame(answer);
  loadLinkLength(answer, R1);
  code.emit(alu64('add', R7, reg(R1)));
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, bytes), jump64('jgt', R1, reg(R8), silent));
}

/** r7, r8 = first byte and end of the frame. */
function emitFrame(answer: Answer): void {
  const xdp = answer.view.hook === 'xdp';
  answer.code.emit(load(4, R7, R6, xdp ? XDP_MD.data : SK_BUFF.data));
  answer.code.emit(load(4, R8, R6, xdp ? XDP_MD.data_end : SK_BUFF.data_end));
}

/** dst = length of the IP packet as the kernel's skb->len says it. */
export function loadLength(answer: Answer, dst: number): void {
  answer.code.emit(load(4, dst, R10, answer.flow + FLOW_LENGTH));
}

/** dst = offset of the transport header from the IP header. */
export function loadTransportOffset(answer: Answer, dst: number): void {
  answer.code.emit(load(4, dst, R10, answer.flow + FLOW_THOFF));
  answer.code.emit(jump64('jgt', dst, MAX_TRANSPORT_OFFSET, answer.silent));
}

/** dst = offset of the IP header from the start of the frame. */
export function loadLinkLength(answer: Answer, dst: number): void {
  answer.code.emit(load(4, dst, R10, answer.flow + FLOW_L3), jump64('jgt', dst, MAX_LINK, answer.silent));
}

/** dst = protocol of the transport header. */
export function loadProtocol(answer: Answer, dst: number): void {
  if (answer.view.family === 'v4') {
    answer.code.emit(load(1, dst, R7, 9));
    return;
  }
  const offset = answer.layout.offsets.get('proto');
  if (offset === undefined) throw new Error('a REJECT of IPv6 needs field proto in the flow');
  answer.code.emit(load(1, dst, R10, answer.flow + offset));
}

/** dst = transport header, with `bytes` bytes of it in the packet, by its own length and by the frame's. Clobbers r1, r2. */
export function loadTransport(answer: Answer, dst: number, bytes: number): void {
  const { code, silent } = answer;
  loadTransportOffset(answer, dst);
  loadLength(answer, R1);
  code.emit(mov64(R2, reg(dst)), alu64('add', R2, bytes), jump64('jgt', R2, reg(R1), silent));
  code.emit(alu64('add', dst, reg(R7)));
  code.emit(mov64(R1, reg(dst)), alu64('add', R1, bytes), jump64('jgt', R1, reg(R8), silent));
}

/** tc: the whole packet in the linear part, so that all of it can be read and summed. Clobbers r0–r5. */
export function emitWhole(answer: Answer): void {
  const { code, view, silent } = answer;
  if (view.hook !== 'tc') return;
  const linear = code.label('linear');
  emitFrame(answer);
  code.emit(load(4, R2, R6, SK_BUFF.len), alu64('sub', R8, reg(R7)), jump64('jge', R8, reg(R2), linear));
  code.emit(mov64(R1, reg(R6)), callHelper('skb_pull_data'), jump64('jne', R0, 0, silent));
  code.place(linear);
}

/**
 * tc: takes everything between an IP header of `header` bytes and the transport header away, from the front of the IP
 * header on, whose bytes are lost. A frame cannot be cut before the old transport header, and a checksum that is left
 * to the device is made from there. Clobbers r0–r5, r7, r8.
 */
export function emitDropOptions(answer: Answer, header: number): void {
  const { code, view, silent } = answer;
  if (view.hook !== 'tc') return;
  const plain = code.label('plain');
  loadTransportOffset(answer, R1);
  code.emit(mov64(R2, header), alu64('sub', R2, reg(R1)), jump64('jeq', R2, 0, plain));
  // Behind a VLAN tag in the frame the kernel's network header is the tag, which would be taken away.
  loadLinkLength(answer, R1);
  code.emit(jump64('jne', R1, ETHERNET, silent));
  code.emit(mov64(R1, reg(R6)), mov64(R3, BPF_ADJ_ROOM_MAC), mov64(R4, 0), callHelper('skb_adjust_room'));
  code.emit(jump64('jne', R0, 0, silent));
  code.place(plain);
}

/** Cuts the frame behind r2 bytes of IP packet. Clobbers r0–r5, r7, r8. */
export function emitCut(answer: Answer): void {
  const { code, view, flow, silent } = answer;
  code.emit(load(4, R1, R10, flow + FLOW_L3), alu64('add', R2, reg(R1)));
  if (view.hook === 'xdp') {
    emitFrame(answer);
    code.emit(alu64('sub', R8, reg(R7)), alu64('sub', R2, reg(R8)));
    code.emit(mov64(R1, reg(R6)), callHelper('xdp_adjust_tail'));
  } else {
    code.emit(mov64(R1, reg(R6)), mov64(R3, 0), callHelper('skb_change_tail'));
  }
  code.emit(jump64('jne', R0, 0, silent));
}

/**
 * Makes room of `bytes` (even, > {@link MAX_LINK}) in front of the IP header, the link header moved before it and
 * turned round: r7 = the room, which the caller fills before anything else is read, r8 = end. Clobbers r0–r5.
 */
export function emitGrow(answer: Answer, bytes: number): void {
  const { code, view, silent } = answer;
  if (view.hook === 'xdp') {
    code.emit(mov64(R1, reg(R6)), mov64(R2, -bytes), callHelper('xdp_adjust_head'));
  } else {
    code.emit(mov64(R1, reg(R6)), mov64(R2, bytes), mov64(R3, 0), callHelper('skb_change_head'));
  }
  code.emit(jump64('jne', R0, 0, silent));
  emitFrame(answer);
  // What lies behind the longest link header is IP header in any case: bytes that are copied too many are filled later.
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, bytes + MAX_LINK), jump64('jgt', R1, reg(R8), silent));
  emitTurn(answer, bytes);
  for (const [offset, size] of [
    [ETHERNET - 2, 2],
    [ETHERNET, 4],
    [ETHERNET + 4, 4],
  ] as const) {
    code.emit(load(size, R1, R7, bytes + offset), store(size, R7, offset, R1));
  }
}

/** Writes the link addresses that lie at r7 + from to r7, swapped. Clobbers r1–r4. */
export function emitTurn(answer: Answer, from: number): void {
  answer.code.emit(
    load(4, R1, R7, from),
    load(2, R2, R7, from + 4),
    load(4, R3, R7, from + 6),
    load(2, R4, R7, from + 10),
  );
  answer.code.emit(store(4, R7, 0, R3), store(2, R7, 4, R4), store(4, R7, 6, R1), store(2, R7, 10, R2));
}

/** Turns the link header round in place. Clobbers r1–r4, r7, r8. */
export function emitTurnInPlace(answer: Answer): void {
  const { code, silent } = answer;
  emitFrame(answer);
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, ETHERNET), jump64('jgt', R1, reg(R8), silent));
  emitTurn(answer, 0);
}

/**
 * Goes to `silent` where the frame's destination is a group, which cannot be the source of the answer. So every frame
 * that gets past is one for this host alone (skb->pkt_type = PACKET_HOST). Clobbers r1–r3.
 */
export function emitUnicastFrame(answer: Answer): void {
  const { code, view, silent } = answer;
  if (view.hook === 'tc') {
    if (isIngress(view)) code.emit(load(4, R1, R6, SK_BUFF.pkt_type), jump32('jne', R1, 0, silent));
    return;
  }
  code.emit(load(4, R1, R6, XDP_MD.data), mov64(R2, reg(R1)), alu64('add', R2, ETHERNET));
  code.emit(load(4, R3, R6, XDP_MD.data_end), jump64('jgt', R2, reg(R3), silent));
  code.emit(load(1, R1, R1, 0), alu32('and', R1, 1), jump32('jne', R1, 0, silent));
}

/** Sends the finished frame: back where it came from, or (egress) to this host. Ends the program. */
export function emitSend(answer: Answer): void {
  const { code, view } = answer;
  if (view.hook === 'xdp') {
    code.emit(mov64(R0, XDP_TX), exit());
    return;
  }
  code.emit(load(4, R1, R6, SK_BUFF.ifindex), mov32(R2, isIngress(view) ? 0 : BPF_F_INGRESS));
  code.emit(callHelper('redirect'), exit());
}
