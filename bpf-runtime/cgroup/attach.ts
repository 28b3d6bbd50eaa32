import { closeSync, openSync } from 'node:fs';
import { bpf, newAttr } from '../kernel/bpf.js';
import type { LoadedProgram } from '../kernel/program.js';
import { ATTACH_TYPE } from '../kernel/program-type.js';
import { setSocketOption, SOL_SOCKET } from '../system/socket.js';

/** Offsets in the part of union bpf_attr that BPF_PROG_ATTACH reads. */
const ATTACH = { target_fd: 0, attach_bpf_fd: 4, attach_type: 8, attach_flags: 12 } as const;
/** BPF_F_ALLOW_MULTI: beside other programs, all of which must accept. */
const ALLOW_MULTI = 2;
/** include/uapi/asm-generic/socket.h. */
const SO_ATTACH_BPF = 50;

/**
 * Attaches a cgroup_skb program to a control group until the group is removed, whatever becomes of this process: a
 * filter that ends with its loader would let everything through. (Links end with their last file descriptor.)
 */
export function attachForGood(program: LoadedProgram, directory: string, direction: 'ingress' | 'egress'): void {
  const group = openSync(directory, 'r');
  try {
    const attr = newAttr();
    attr.view.setUint32(ATTACH.target_fd, group, true);
    attr.view.setUint32(ATTACH.attach_bpf_fd, program.fd, true);
    attr.view.setUint32(ATTACH.attach_type, ATTACH_TYPE[`cgroup ${direction}`], true);
    attr.view.setUint32(ATTACH.attach_flags, ALLOW_MULTI, true);
    bpf('PROG_ATTACH', attr, `cgroup ${direction} at ${directory}`);
  } finally {
    closeSync(group);
  }
}

/** Gives a socket a filter, in the place of one that it had; sockets that it accepts inherit it (sk_clone_lock). */
export function attachToSocket(program: LoadedProgram, socket: number): void {
  setSocketOption(socket, SOL_SOCKET, SO_ATTACH_BPF, program.fd);
}
