import { closeSync, openSync } from 'node:fs';
import { encode } from '../../codegen/bytecode/encode.js';
import { exit, mov64, R0 } from '../../codegen/bytecode/instruction.js';
import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import type { Memory } from '../system/memory.js';
import { bpf, newAttr, tryBpf } from './bpf.js';
import { loadClassifier } from './create.js';
import { pin } from './pin.js';
import type { LoadedProgram } from './program.js';
import { ATTACH_TYPE } from './program-type.js';

/** Offsets in the parts of union bpf_attr that BPF_LINK_CREATE and BPF_LINK_UPDATE read. */
const CREATE = { prog_fd: 0, target_fd: 4, attach_type: 8, flags: 12 } as const;
const UPDATE = { link_fd: 0, new_prog_fd: 4 } as const;
/** XDP_FLAGS_SKB_MODE and XDP_FLAGS_DRV_MODE (include/uapi/linux/if_link.h). */
const XDP_MODE = { generic: 2, native: 4 } as const;
const EBUSY = 16;
const EEXIST = 17;

/** A program attached somewhere: until {@link close}, the end of the process, or, pinned, until the pin is gone, too. */
export class Link {
  private open = true;

  /** Takes over the file descriptor of a link. */
  constructor(readonly fd: number) {}

  /** Puts another program in its place, with no packet in between. Not for netfilter: EOPNOTSUPP. */
  update(program: LoadedProgram): void {
    const attr = newAttr();
    attr.view.setUint32(UPDATE.link_fd, this.fd, true);
    attr.view.setUint32(UPDATE.new_prog_fd, program.fd, true);
    bpf('LINK_UPDATE', attr);
  }

  /** Keeps the link beyond the process as a file of a BPF file system. */
  pin(path: string): void {
    pin(this.fd, path);
  }

  close(): void {
    if (this.open) closeSync(this.fd);
    this.open = false;
  }
}

export interface LinkTarget {
  readonly attachType: number;
  /** Index of a device, file descriptor of a cgroup, 0 where there is neither. */
  readonly target: number;
  readonly flags?: number;
  /** Sets what the kind of link has of its own, from offset 16 of union bpf_attr on. */
  readonly fill?: (attr: Memory) => void;
  /** Names the place in errors. */
  readonly place: string;
}

/** BPF_LINK_CREATE. Throws `hook-taken` where another program has that place, SystemCallError otherwise. */
export function createLink(program: LoadedProgram, { attachType, target, flags, fill, place }: LinkTarget): Link {
  const attr = newAttr();
  attr.view.setUint32(CREATE.prog_fd, program.fd, true);
  attr.view.setUint32(CREATE.target_fd, target, true);
  attr.view.setUint32(CREATE.attach_type, attachType, true);
  attr.view.setUint32(CREATE.flags, flags ?? 0, true);
  fill?.(attr);
  const fd = tryBpf('LINK_CREATE', attr);
  if (fd >= 0) return new Link(fd);
  if (fd === -EBUSY || fd === -EEXIST) throw new RuntimeError('hook-taken', `${place}: another program is there`);
  throw new SystemCallError('BPF_LINK_CREATE', -fd, place);
}

/** Attaches an XDP program to a device of the calling thread's network namespace (Linux 5.9 and newer). */
export function attachXdp(program: LoadedProgram, interfaceIndex: number, mode?: 'generic' | 'native'): Link {
  const flags = mode === undefined ? 0 : XDP_MODE[mode];
  const place = `XDP at interface ${interfaceIndex}`;
  return createLink(program, { attachType: ATTACH_TYPE.xdp, target: interfaceIndex, flags, place });
}

/** Attaches a tc program to a device of the calling thread's network namespace, behind those there (tcx, Linux 6.6). */
export function attachTcx(program: LoadedProgram, interfaceIndex: number, direction: 'ingress' | 'egress'): Link {
  const place = `tcx ${direction} at interface ${interfaceIndex}`;
  return createLink(program, { attachType: ATTACH_TYPE[`tcx ${direction}`], target: interfaceIndex, place });
}

const ENODEV = 19;
const TCX_NEXT = -1;
/** Of no device: numbers are given from 1 on. */
const NO_DEVICE = 0x7fffffff;

/** Whether the kernel has tcx (Linux 6.6 and newer): one without it refuses the attach type before it looks for the device. */
export function hasTcx(): boolean {
  const program = loadClassifier(encode([mov64(R0, TCX_NEXT), exit()]));
  try {
    const attr = newAttr();
    attr.view.setUint32(CREATE.prog_fd, program, true);
    attr.view.setUint32(CREATE.target_fd, NO_DEVICE, true);
    attr.view.setUint32(CREATE.attach_type, ATTACH_TYPE['tcx ingress'], true);
    return tryBpf('LINK_CREATE', attr) === -ENODEV;
  } finally {
    closeSync(program);
  }
}

/** Attaches a cgroup_skb program to the sockets of a cgroup, given by its directory (Linux 5.7 and newer). */
export function attachCgroup(program: LoadedProgram, directory: string, direction: 'ingress' | 'egress'): Link {
  const cgroup = openSync(directory, 'r');
  try {
    const place = `cgroup ${direction} at ${directory}`;
    return createLink(program, { attachType: ATTACH_TYPE[`cgroup ${direction}`], target: cgroup, place });
  } finally {
    closeSync(cgroup);
  }
}
