import type { OwnerTest } from '../../../grammar/model/condition.js';
import {
  addFieldOffset,
  alu64,
  callHelper,
  alu32,
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
  R6,
  R8,
  R9,
  reg,
  store,
  storeImm,
  type AccessSize,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import type { Hook } from '../manifest.js';
import { loadSkb } from './packet.js';
import { NF_CONTEXT } from './structs.js';

/** What the flow says of a packet's socket: u32 {@link SOCKET} bits, u32 user, u32 group of the file. */
export const OWNER = { bits: 0, user: 4, group: 8, bytes: 12 } as const;
/** The packet has a socket of this network namespace; that socket has a file. */
const SOCKET = 1;
const FILE = 2;
/** include/net/tcp_states.h. */
const TCP_TIME_WAIT = 6;
const TCP_NEW_SYN_RECV = 12;

/**
 * Stores the owner of the packet's socket at r10 + `at` (zeros are there), as owner_mt (net/netfilter/xt_owner.c)
 * finds it: skb_to_full_sk, sk->sk_socket->file->f_cred. r6 = context, r7 = the packet; `scratch`: 8 bytes. Clobbers
 * r0–r5, r8, r9.
 */
export function emitOwner(code: Code, hook: Hook, at: number, scratch: number): void {
  const full = code.label('socket');
  const done = code.label('owner');
  // A listener is known to the verifier as a number alone, so all of it is read as kernel memory.
  const read = (struct: string, member: string, bytes: AccessSize, to: number): void => {
    code.emit(mov64(R1, reg(R10)), alu64('add', R1, scratch), mov64(R2, bytes), mov64(R3, reg(R8)));
    code.emit(addFieldOffset(R3, struct, member), callHelper('probe_read_kernel'), jump64('jne', R0, 0, done));
    code.emit(load(bytes, to, R10, scratch));
  };
  const follow = (struct: string, member: string): void => {
    read(struct, member, 8, R8);
    code.emit(jump64('jeq', R8, 0, done));
  };
  loadSkb(code, R8, 'sk');
  code.emit(jump64('jeq', R8, 0, done));
  read('sock', '__sk_common.skc_state', 1, R1);
  code.emit(jump32('jeq', R1, TCP_TIME_WAIT, done), jump32('jne', R1, TCP_NEW_SYN_RECV, full));
  // The request stands for its listener.
  follow('sock', '__sk_common.skc_listener');
  code.place(full);
  // What passes a control group's program on leaving is sent in the namespace of the socket.
  if (hook === 'netfilter') {
    code.emit(load(8, R9, R6, NF_CONTEXT.state), addFieldOffset(R9, 'nf_hook_state', 'net'), load(8, R9, R9, 0));
    read('sock', '__sk_common.skc_net.net', 8, R1);
    code.emit(jump64('jne', R1, reg(R9), done));
  }
  follow('sock', 'sk_socket');
  code.emit(storeImm(4, R10, at + OWNER.bits, SOCKET));
  follow('socket', 'file');
  code.emit(storeImm(4, R10, at + OWNER.bits, SOCKET | FILE));
  follow('file', 'f_cred');
  for (const [member, offset] of [
    ['fsuid.val', OWNER.user],
    ['fsgid.val', OWNER.group],
  ] as const) {
    read('cred', member, 4, R1);
    code.emit(store(4, R10, at + offset, R1));
  }
  code.place(done);
}

/** Tests the owner in the flow (register `flow`, offset `at`), as owner_mt does. Clobbers r1. */
export function emitOwnerTest(
  code: Code,
  flow: number,
  at: number,
  test: OwnerTest,
  ifTrue: string,
  ifFalse: string,
): void {
  const { socket, user, group } = test;
  const noSocket = code.label('no_socket');
  const noFile = code.label('no_file');
  const given = [socket, user, group].filter((one) => one !== undefined);
  code.emit(load(4, R1, flow, at + OWNER.bits), jump32('jeq', R1, 0, noSocket));
  if (socket?.inverted === true) code.emit(goto(ifFalse));
  code.emit(jump32('jne', R1, SOCKET | FILE, noFile));
  for (const [ids, offset] of [
    [user, OWNER.user],
    [group, OWNER.group],
  ] as const) {
    if (ids === undefined) continue;
    const inside = code.label('inside');
    const next = code.label('next');
    code.emit(load(4, R1, flow, at + offset), alu32('sub', R1, ids.lo | 0));
    code.emit(jump32('jle', R1, (ids.hi - ids.lo) | 0, inside));
    code.emit(goto(ids.inverted ? next : ifFalse));
    code.place(inside);
    code.emit(goto(ids.inverted ? ifFalse : next));
    code.place(next);
  }
  code.emit(goto(ifTrue));
  // Without a file its owner is nobody, without a socket there is nothing: only inverted tests hold.
  code.place(noFile);
  code.emit(goto([user, group].every((ids) => ids === undefined || ids.inverted) ? ifTrue : ifFalse));
  code.place(noSocket);
  code.emit(goto(given.every(({ inverted }) => inverted) ? ifTrue : ifFalse));
}
