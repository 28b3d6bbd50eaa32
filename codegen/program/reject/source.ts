import {
  alu32,
  alu64,
  callHelper,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R6,
  R7,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { SK_BUFF, XDP_MD } from '../packet/entry.js';
import { FIB_PARAMS, FIB_PARAMS_BYTES } from '../packet/route.js';
import type { Answer } from './frame.js';
import { emitCopy } from './header.js';

/** Flags of bpf_fib_lookup: without the neighbour (kernel ≥ 6.3), with the source address (kernel ≥ 6.7). */
const BPF_FIB_LOOKUP_SKIP_NEIGH = 4;
const BPF_FIB_LOOKUP_SRC = 16;

/** Offset in scratch of the answer's source address, network order. */
export const SOURCE = FIB_PARAMS.source;

/**
 * Puts the source address of an ICMP error about the packet at r7 into scratch + {@link SOURCE}; IPv4 with its TOS in
 * r9. Clobbers r0–r5.
 *
 * INPUT: the destination of the packet, an address of this host. FORWARD: what the routes choose for packets to the
 * sender; an older kernel gives no answer. OUTPUT: the kernel takes this host's own address; IPv4 would throw the
 * answer away as a martian when it comes in from the device, so that it bears the packet's destination.
 */
export function emitSource(answer: Answer, protocol: number): void {
  const { view, scratch } = answer;
  const v4 = view.family === 'v4';
  const [source, destination, bytes] = v4 ? [12, 16, 4] : [8, 24, 16];
  if (view.chain === 'FORWARD') emitRouted(answer, protocol, source, bytes);
  else if (view.chain === 'OUTPUT' && !v4) emitCopy(answer, R10, scratch + SOURCE, R7, source, bytes);
  else emitCopy(answer, R10, scratch + SOURCE, R7, destination, bytes);
}

function emitRouted(answer: Answer, protocol: number, source: number, bytes: number): void {
  const { code, view, scratch, silent } = answer;
  for (let offset = 0; offset < FIB_PARAMS_BYTES; offset += 8) code.emit(storeImm(8, R10, scratch + offset, 0));
  code.emit(storeImm(1, R10, scratch + FIB_PARAMS.family, bytes === 4 ? 2 : 10));
  code.emit(storeImm(1, R10, scratch + FIB_PARAMS.l4_protocol, protocol));
  code.emit(load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(store(4, R10, scratch + FIB_PARAMS.ifindex, R1));
  if (bytes === 4) {
    emitTos(answer, R1);
    code.emit(store(1, R10, scratch + FIB_PARAMS.tos, R1));
  }
  emitCopy(answer, R10, scratch + FIB_PARAMS.destination, R7, source, bytes);
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, scratch), mov64(R3, FIB_PARAMS_BYTES));
  code.emit(mov64(R4, BPF_FIB_LOOKUP_SKIP_NEIGH | BPF_FIB_LOOKUP_SRC), callHelper('fib_lookup'));
  code.emit(jump64('jne', R0, 0, silent));
}

/** dst = TOS of an ICMP error about the IPv4 packet at r7: IPTOS_PREC_INTERNETCONTROL over its TOS bits (RFC 1349). */
export function emitTos(answer: Answer, dst: number, quote = 0): void {
  answer.code.emit(load(1, dst, R7, quote + 1), alu32('and', dst, 0x1e), alu32('or', dst, 0xc0));
}
