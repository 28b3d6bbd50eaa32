import {
  alu32,
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
  R6,
  R7,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { htons, SK_BUFF, XDP_MD, type EntryContext } from './entry.js';

/** Results of bpf_fib_lookup (include/uapi/linux/bpf.h BPF_FIB_LKUP_RET_*). */
const FIB = { SUCCESS: 0, PROHIBIT: 3, NOT_FWDED: 4, FWD_DISABLED: 5, UNSUPP_LWT: 6 } as const;
/** struct bpf_fib_lookup. */
export const FIB_PARAMS = {
  family: 0,
  l4_protocol: 1,
  ifindex: 8,
  tos: 12,
  flowinfo: 12,
  source: 16,
  destination: 32,
} as const;
export const FIB_PARAMS_BYTES = 64;
const AF_INET = 2;
const AF_INET6 = 10;

/**
 * Asks the routes whether the packet at r7 is for this host (INPUT) or for another (FORWARD), and passes it on where
 * it goes to the other chain. In FORWARD the scratch memory holds the output device's index afterwards.
 * A failed look-up is judged. Clobbers r0–r5.
 */
export function emitRoute(context: EntryContext, judged: string): void {
  const { code, view, scratch } = context;
  if (view.rewrittenBy !== undefined) {
    // The destination on the wire does not tell which chain it will be.
    code.emit(goto(judged));
    return;
  }
  for (let offset = 0; offset < FIB_PARAMS_BYTES; offset += 8) code.emit(storeImm(8, R10, scratch + offset, 0));
  code.emit(storeImm(1, R10, scratch + FIB_PARAMS.family, view.family === 'v4' ? AF_INET : AF_INET6));
  code.emit(load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ifindex));
  code.emit(store(4, R10, scratch + FIB_PARAMS.ifindex, R1));
  if (view.family === 'v4') {
    code.emit(load(1, R1, R7, 1), store(1, R10, scratch + FIB_PARAMS.tos, R1));
    code.emit(load(1, R1, R7, 9), store(1, R10, scratch + FIB_PARAMS.l4_protocol, R1));
    code.emit(load(4, R1, R7, 12), store(4, R10, scratch + FIB_PARAMS.source, R1));
    code.emit(load(4, R1, R7, 16), store(4, R10, scratch + FIB_PARAMS.destination, R1));
  } else {
    // Version and reserved bits off: the first byte's low half and the other three, still in network order.
    code.emit(load(4, R1, R7, 0), alu32('and', R1, 0xffffff0f | 0), store(4, R10, scratch + FIB_PARAMS.flowinfo, R1));
    const local = code.label('linklocal');
    for (const word of [0, 4, 8, 12]) {
      code.emit(load(4, R1, R7, 24 + word), store(4, R10, scratch + FIB_PARAMS.destination + word, R1));
    }
    // The look-up answers nothing for link-local sources; without a source it answers for the destination.
    code.emit(load(2, R1, R7, 8), alu32('and', R1, htons(0xffc0)), jump32('jeq', R1, htons(0xfe80), local));
    for (const word of [0, 4, 8, 12]) {
      code.emit(load(4, R1, R7, 8 + word), store(4, R10, scratch + FIB_PARAMS.source + word, R1));
    }
    code.place(local);
  }
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, scratch), mov64(R3, FIB_PARAMS_BYTES));
  code.emit(mov64(R4, 0), callHelper('fib_lookup'), jump64('jslt', R0, 0, judged));
  if (view.chain === 'INPUT') {
    code.emit(jump64('jeq', R0, FIB.NOT_FWDED, judged), jump64('jeq', R0, FIB.FWD_DISABLED, judged));
    code.emit(goto(context.pass));
    return;
  }
  code.emit(jump64('jeq', R0, FIB.SUCCESS, judged), jump64('jle', R0, FIB.FWD_DISABLED, context.pass));
  // A tunnel route leaves the device's index unset: its name cannot be known.
  if (context.used.has('oif')) code.emit(jump64('jeq', R0, FIB.UNSUPP_LWT, context.unknown));
  code.emit(goto(judged));
}

/** Offset from r10 of the index of the output device after {@link emitRoute}. */
export function outputIndexSlot(context: EntryContext): number {
  return context.scratch + FIB_PARAMS.ifindex;
}
