/** tc programs as filters of the classifier `bpf` at a device (before tcx, which came with Linux 6.6). */
import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import {
  attribute,
  concat,
  NETLINK_ROUTE,
  NetlinkSocket,
  NLM_F_CREATE,
  NLM_F_EXCLUSIVE,
  readAttributes,
  u32,
} from '../system/netlink.js';

/** Messages and attributes (include/uapi/linux/rtnetlink.h, pkt_cls.h). */
const MESSAGE = { newQdisc: 36, newFilter: 44, deleteFilter: 45, getFilter: 46 } as const;
const KIND = 1;
const OPTIONS = 2;
const BPF = { fd: 6, name: 7, flags: 8, id: 11 } as const;
/** The program's answer is the verdict (TCA_BPF_FLAG_ACT_DIRECT). */
const DIRECT = 1;
/** struct tcmsg: family, index of a device, handle, parent, info. */
const TCMSG_BYTES = 20;
const TCMSG = { index: 4, handle: 8, parent: 12, info: 16 } as const;
/** TC_H_CLSACT with nothing, TC_H_MIN_INGRESS, TC_H_MIN_EGRESS; and its own handle (include/uapi/linux/pkt_sched.h). */
const CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;
const PARENT = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
/** ETH_P_ALL in network order. */
const ALL_PROTOCOLS = 0x0300;
const EEXIST = 17;

export type Direction = keyof typeof PARENT;

function message(index: number, parent: number, handle: number, info: number): Uint8Array {
  const bytes = new Uint8Array(TCMSG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(TCMSG.index, index, true);
  view.setUint32(TCMSG.handle, handle, true);
  view.setUint32(TCMSG.parent, parent, true);
  view.setUint32(TCMSG.info, info >>> 0, true);
  return bytes;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);

function withSocket<T>(body: (socket: NetlinkSocket) => T): T {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    return body(socket);
  } finally {
    socket.close();
  }
}

/**
 * Attaches a tc program, given by its file descriptor, to a device of the calling thread's network namespace, before the filters there: the kernel gives
 * it the next free priority (net/sched/cls_api.c tcf_auto_prio). It stays until {@link removeFilters}, whoever ends.
 */
export function addFilter(program: number, index: number, direction: Direction, name: string): void {
  const place = `clsact ${direction} at interface ${index}`;
  withSocket((socket) => {
    const qdisc = concat(message(index, CLSACT, CLSACT_HANDLE, 0), attribute(KIND, text('clsact')));
    const errno = socket.tryRequest(place, MESSAGE.newQdisc, NLM_F_CREATE | NLM_F_EXCLUSIVE, qdisc);
    if (errno !== 0 && errno !== EEXIST) {
      throw new RuntimeError('netlink-refused', new SystemCallError(`netlink: ${place}`, errno).message);
    }
    const options = concat(
      attribute(BPF.fd, u32(program)),
      attribute(BPF.name, text(name)),
      attribute(BPF.flags, u32(DIRECT)),
    );
    socket.request(
      place,
      MESSAGE.newFilter,
      NLM_F_CREATE | NLM_F_EXCLUSIVE,
      concat(
        message(index, PARENT[direction], 0, ALL_PROTOCOLS),
        attribute(KIND, text('bpf')),
        attribute(OPTIONS, options),
      ),
    );
  });
}

interface Filter {
  readonly handle: number;
  /** Priority and protocol, as tcmsg has them. */
  readonly info: number;
  /** Number of its program. */
  readonly program: number;
}

function filters(socket: NetlinkSocket, index: number, direction: Direction): readonly Filter[] {
  const parent = PARENT[direction];
  return socket
    .dump(`filters at interface ${index}`, MESSAGE.getFilter, message(index, parent, 0, 0))
    .flatMap((body) => {
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      const options = readAttributes(body.subarray(TCMSG_BYTES)).get(OPTIONS);
      const id = options === undefined ? undefined : readAttributes(options).get(BPF.id);
      if (id?.length !== 4) return [];
      const program = new DataView(id.buffer, id.byteOffset).getUint32(0, true);
      return [{ handle: view.getUint32(TCMSG.handle, true), info: view.getUint32(TCMSG.info, true), program }];
    });
}

/** Whether a program, given by its number, is a filter of a device. */
export function hasFilter(program: number, index: number, direction: Direction): boolean {
  return withSocket((socket) => filters(socket, index, direction).some((filter) => filter.program === program));
}

/** Takes a program away from a device. The qdisc `clsact` stays: somebody else's filters may come to it at any moment. */
export function removeFilters(program: number, index: number, direction: Direction): void {
  withSocket((socket) => {
    for (const { handle, info, program: found } of filters(socket, index, direction)) {
      if (found !== program) continue;
      const filter = concat(message(index, PARENT[direction], handle, info), attribute(KIND, text('bpf')));
      socket.request(`filter at interface ${index}`, MESSAGE.deleteFilter, 0, filter);
    }
  });
}
