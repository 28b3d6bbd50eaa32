import { alu64, exit, R0 } from '../bytecode/instruction.js';
import type { Code } from './code.js';

/** What programs return (include/uapi/linux/bpf.h, include/uapi/linux/pkt_cls.h, include/uapi/linux/netfilter.h). */
export const RESULT = {
  xdp: { accept: 2, drop: 1 },
  // TC_ACT_UNSPEC, TCX_NEXT: what is there behind it may still drop the packet (TC_ACT_OK ends a tcx chain and clsact).
  tc: { accept: -1, drop: 2 },
  netfilter: { accept: 1, drop: 0 },
  cgroup: { accept: 1, drop: 0 },
  // Bytes to keep: all, or none.
  socket: { accept: -1, drop: 0 },
} as const;

/** Returns what ACCEPT or DROP in r0 is here, without a jump: which of them it is, the processor cannot foresee. */
export function emitResult(code: Code, { accept, drop }: { readonly accept: number; readonly drop: number }): void {
  // All bits become the lowest one: 0 of ACCEPT, 1 of DROP.
  code.emit(alu64('lsh', R0, 63), alu64('arsh', R0, 63));
  code.emit(alu64('and', R0, accept ^ drop), alu64('xor', R0, accept), exit());
}
