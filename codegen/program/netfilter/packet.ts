/** Access to the packet from a netfilter program: `r6` = context, `r7` = its `struct sk_buff`. */
import {
  addFieldOffset,
  alu64,
  callHelper,
  callKfunc,
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
  R7,
  reg,
  type AccessSize,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { DYNPTR_KFUNC } from './structs.js';

type SkbMember =
  'len' | 'mark' | '__pkt_type_offset' | 'mac_header' | 'head' | 'data' | 'dev' | '_nfct' | 'sk' | '_skb_refdst';

const SKB_MEMBER_BYTES: Readonly<Record<SkbMember, AccessSize>> = {
  len: 4,
  mark: 4,
  __pkt_type_offset: 1,
  mac_header: 2,
  head: 8,
  data: 8,
  dev: 8,
  _nfct: 8,
  sk: 8,
  _skb_refdst: 8,
};

/** dst = a member of the packet's `struct sk_buff`. */
export function loadSkb(code: Code, dst: number, member: SkbMember): void {
  code.emit(mov64(dst, reg(R7)), addFieldOffset(dst, 'sk_buff', member), load(SKB_MEMBER_BYTES[member], dst, dst, 0));
}

/** Makes the dynptr at r10 + `dynptr`. Goes to `failed` where the kernel gives none. Clobbers r0–r5. */
export function emitDynptr(code: Code, dynptr: number, failed: string): void {
  code.emit(mov64(R1, reg(R7)), mov64(R2, 0), mov64(R3, reg(R10)), alu64('add', R3, dynptr));
  code.emit(callKfunc(DYNPTR_KFUNC.name), jump64('jne', R0, 0, failed));
}

export interface PacketRead {
  /** Offset of the dynptr from r10. */
  readonly dynptr: number;
  /** Offset from r10 of where the bytes go. */
  readonly to: number;
  /** Offset in the packet, from its IP header: a number or a register (not r1–r3). */
  readonly from: number | { readonly reg: number };
  /** Bytes: a number, or a register (not r1) that the verifier knows the bounds of. */
  readonly bytes: number | { readonly reg: number };
}

/** Copies bytes of the packet to the stack; goes to `short` where the packet has fewer. Clobbers r0–r5. */
export function readPacket(code: Code, { dynptr, to, from, bytes }: PacketRead, short: string): void {
  code.emit(mov64(R4, from), mov64(R2, bytes), mov64(R1, reg(R10)), alu64('add', R1, to));
  code.emit(mov64(R3, reg(R10)), alu64('add', R3, dynptr), mov64(R5, 0));
  code.emit(callHelper('dynptr_read'), jump64('jne', R0, 0, short));
}
