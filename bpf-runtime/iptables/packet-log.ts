import { RuntimeError } from '../system/error.js';
import { fastSystemCall, SystemCallError } from '../system/libc.js';
import { allocate, type Memory } from '../system/memory.js';
import { attribute, concat, NETLINK_NETFILTER, NetlinkSocket, NLMSG_HEADER } from '../system/netlink.js';
import { systemCallNumbers } from '../system/numbers.js';
import { MSG_DONTWAIT } from '../system/socket.js';

/** include/uapi/linux/netfilter/nfnetlink_log.h */
const SUBSYSTEM_ULOG = 4;
const MSG_PACKET = 0;
const MSG_CONFIG = 1;
const CFG_CMD = 1;
const CFG_MODE = 2;
const CFG_QTHRESH = 5;
const CFG_FLAGS = 6;
const CMD_BIND = 1;
const COPY_META = 1;
const COPY_PACKET = 2;
const FLAG_SEQ = 1;
const ATTR_MARK = 2;
const ATTR_PAYLOAD = 9;
const ATTR_PREFIX = 10;
const ATTR_SEQ = 12;

/** sizeof(struct nfgenmsg). */
const GENERIC_HEADER = 4;
/** sizeof(struct mmsghdr) and offsets in it, on 64-bit machines. */
const MMSGHDR = { bytes: 64, iov: 16, iovlen: 24, flags: 48, length: 56 } as const;
const IOVEC_BYTES = 16;
const MSG_TRUNC = 0x20;
const SLOTS = 8;
const SLOT_BYTES = 4096;
const RECEIVE_BYTES = 64 * 1024 * 1024;
const EAGAIN = 11;
const ENOBUFS = 105;

/** A packet that an NFLOG rule has logged. */
export interface LogMessage {
  readonly group: number;
  /** The rule's `--nflog-prefix`, which is a number here. */
  readonly prefix: number;
  /** The packet from its IP header on, as far as it was copied; valid until the next read. */
  readonly payload: Uint8Array;
  /** skb->mark. */
  readonly mark: number;
}

const NOTHING = new Uint8Array(0);

/**
 * Messages of NFLOG rules of one network namespace (nfnetlink_log), each of them on its own and at once: when the
 * system call that brings a packet into the kernel returns, its messages are there. None is lost without an error:
 * they are numbered.
 */
export class PacketLog {
  private readonly socket = new NetlinkSocket(NETLINK_NETFILTER, RECEIVE_BYTES);
  private readonly headers: Memory = allocate(SLOTS * MMSGHDR.bytes);
  private readonly vectors: Memory = allocate(SLOTS * IOVEC_BYTES);
  private readonly slots: Memory = allocate(SLOTS * SLOT_BYTES);
  private readonly expected = new Map<number, number>();

  constructor() {
    for (let i = 0; i < SLOTS; i++) {
      this.vectors.view.setBigUint64(i * IOVEC_BYTES, BigInt(this.slots.address + i * SLOT_BYTES), true);
      this.vectors.view.setBigUint64(i * IOVEC_BYTES + 8, BigInt(SLOT_BYTES), true);
      const at = i * MMSGHDR.bytes;
      this.headers.view.setBigUint64(at + MMSGHDR.iov, BigInt(this.vectors.address + i * IOVEC_BYTES), true);
      this.headers.view.setBigUint64(at + MMSGHDR.iovlen, 1n, true);
    }
  }

  /** Takes the messages of a group; `copy` bytes of each packet (at most 2048). */
  bind(group: number, copy: number): void {
    const mode = new Uint8Array(6);
    new DataView(mode.buffer).setUint32(0, copy);
    mode[4] = copy === 0 ? COPY_META : COPY_PACKET;
    this.configure(group, attribute(CFG_CMD, Uint8Array.of(CMD_BIND)));
    this.configure(group, attribute(CFG_MODE, mode));
    this.configure(group, attribute(CFG_QTHRESH, Uint8Array.of(0, 0, 0, 1)));
    this.configure(group, attribute(CFG_FLAGS, Uint8Array.of(0, FLAG_SEQ)));
    this.expected.set(group, 0);
  }

  private configure(group: number, attributes: Uint8Array): void {
    const header = Uint8Array.of(0, 0, group >> 8, group & 0xff);
    this.socket.request(`log group ${group}`, (SUBSYSTEM_ULOG << 8) | MSG_CONFIG, 0, concat(header, attributes));
  }

  /** Hands over all messages that are there, in order. Throws `messages-lost` where one is missing. */
  drain(visit: (message: LogMessage) => void): void {
    for (;;) {
      const { view } = this.headers;
      const got = fastSystemCall(
        systemCallNumbers().recvmmsg,
        this.socket.fd,
        this.headers.address,
        SLOTS,
        MSG_DONTWAIT,
      );
      if (got === -EAGAIN) return;
      if (got === -ENOBUFS) throw new RuntimeError('messages-lost', 'log messages did not fit into the socket buffer');
      if (got < 0) throw new SystemCallError('recvmmsg', -got);
      for (let i = 0; i < got; i++) {
        const at = i * MMSGHDR.bytes;
        if ((view.getUint32(at + MMSGHDR.flags, true) & MSG_TRUNC) !== 0) {
          throw new RuntimeError('messages-lost', `a log message is longer than ${SLOT_BYTES} bytes`);
        }
        this.decode(i * SLOT_BYTES, view.getUint32(at + MMSGHDR.length, true), visit);
      }
      if (got < SLOTS) return;
    }
  }

  /** One datagram: netlink messages, each with attributes. */
  private decode(start: number, length: number, visit: (message: LogMessage) => void): void {
    const { view } = this.slots;
    for (let at = start; at + NLMSG_HEADER <= start + length;) {
      const bytes = view.getUint32(at, true);
      if (bytes < NLMSG_HEADER) return;
      if (view.getUint16(at + 4, true) === ((SUBSYSTEM_ULOG << 8) | MSG_PACKET)) visit(this.message(at, at + bytes));
      at += (bytes + 3) & ~3;
    }
  }

  private message(at: number, end: number): LogMessage {
    const { view, bytes } = this.slots;
    const group = view.getUint16(at + NLMSG_HEADER + 2);
    let prefix = 0;
    let payload: Uint8Array = NOTHING;
    let mark = 0;
    for (let a = at + NLMSG_HEADER + GENERIC_HEADER; a + 4 <= end;) {
      const length = view.getUint16(a, true);
      const type = view.getUint16(a + 2, true) & 0x3fff;
      if (type === ATTR_PREFIX) prefix = this.number(a + 4, a + length);
      else if (type === ATTR_PAYLOAD) payload = bytes.subarray(a + 4, a + length);
      else if (type === ATTR_MARK) mark = view.getUint32(a + 4);
      else if (type === ATTR_SEQ) this.count(group, view.getUint32(a + 4));
      a += (length + 3) & ~3;
    }
    return { group, prefix, payload, mark };
  }

  /** Decimal digits up to a NUL. */
  private number(from: number, to: number): number {
    let value = 0;
    for (let i = from; i < to && this.slots.bytes[i] !== 0; i++) value = value * 10 + this.slots.bytes[i] - 0x30;
    return value;
  }

  private count(group: number, sequence: number): void {
    const expected = this.expected.get(group) ?? 0;
    if (sequence !== expected) {
      throw new RuntimeError('messages-lost', `log message ${expected} of group ${group} is missing`);
    }
    this.expected.set(group, (sequence + 1) >>> 0);
  }

  close(): void {
    this.socket.close();
  }
}
