import { closeSync } from 'node:fs';
import { RuntimeError } from './error.js';
import { fastSystemCall, systemCall, SystemCallError } from './libc.js';
import { allocate, lend, memoryOf } from './memory.js';
import { systemCallNumbers } from './numbers.js';
import { AF_NETLINK, openSocket, setSocketOption, SO_RCVBUFFORCE, SOCK_RAW, SOL_SOCKET } from './socket.js';

/** Protocols and message flags (include/uapi/linux/netlink.h). Netlink integers are in the machine's order. */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCLUSIVE = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLMSG_HEADER = 16;
/** Without the flags of an attribute's type. */
const NLA_TYPE_MASK = 0x3fff;
export const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

function pad4(length: number): number {
  return (length + 3) & ~3;
}

/** Bytes of an attribute (struct nlattr and value, padded). */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(pad4(4 + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** Attributes by their types, of bytes that hold nothing else; of several of one type the last. */
export function readAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    found.set(view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += pad4(length);
  }
  return found;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A netlink socket of the network namespace that the thread was in when it was made. */
export class NetlinkSocket {
  readonly fd: number;
  private sequence = 1;
  private readonly buffer = allocate(16 * 1024);

  /** `receiveBytes`: what the kernel may queue for us (SO_RCVBUFFORCE). */
  constructor(protocol: number, receiveBytes = 1024 * 1024) {
    this.fd = openSocket(AF_NETLINK, SOCK_RAW, protocol);
    try {
      setSocketOption(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes);
      const address = new Uint8Array(12);
      new DataView(address.buffer).setUint16(0, AF_NETLINK, true);
      systemCall('bind', systemCallNumbers().bind, this.fd, address, address.length);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** Sends a request and waits for its acknowledgement; throws `netlink-refused` with the kernel's error. */
  request(what: string, type: number, flags: number, body: Uint8Array): void {
    const errno = this.tryRequest(what, type, flags, body);
    if (errno !== 0) throw new RuntimeError('netlink-refused', new SystemCallError(`netlink: ${what}`, errno).message);
  }

  /** As {@link request}; returns the kernel's error as a number of errno, or 0. */
  tryRequest(what: string, type: number, flags: number, body: Uint8Array): number {
    this.send(what, type, NLM_F_ACK | flags, body);
    for (;;) {
      const { view, bytes } = this.buffer;
      this.receive(what, bytes.length);
      if (view.getUint16(4, true) === NLMSG_ERROR) return -view.getInt32(NLMSG_HEADER, true);
    }
  }

  /** The bodies of all messages that answer a request for many. Throws `netlink-refused`. */
  dump(what: string, type: number, body: Uint8Array): readonly Uint8Array[] {
    this.send(what, type, NLM_F_DUMP, body);
    const { view, bytes } = this.buffer;
    const messages: Uint8Array[] = [];
    for (;;) {
      const got = this.receive(what, bytes.length);
      for (let at = 0; at + NLMSG_HEADER <= got; at += pad4(view.getUint32(at, true))) {
        const kind = view.getUint16(at + 4, true);
        if (kind === NLMSG_DONE) return messages;
        const errno = kind === NLMSG_ERROR ? -view.getInt32(at + NLMSG_HEADER, true) : 0;
        if (errno !== 0)
          throw new RuntimeError('netlink-refused', new SystemCallError(`netlink: ${what}`, errno).message);
        messages.push(bytes.slice(at + NLMSG_HEADER, at + view.getUint32(at, true)));
      }
    }
  }

  private send(what: string, type: number, flags: number, body: Uint8Array): void {
    const header = new Uint8Array(NLMSG_HEADER);
    const view = new DataView(header.buffer);
    view.setUint32(0, NLMSG_HEADER + body.length, true);
    view.setUint16(4, type, true);
    view.setUint16(6, NLM_F_REQUEST | flags, true);
    view.setUint32(8, this.sequence++, true);
    const message = memoryOf(concat(header, body));
    const sent = fastSystemCall(systemCallNumbers().sendto, this.fd, lend(message), message.bytes.length);
    if (sent < 0) throw new SystemCallError(`netlink: ${what}`, -sent);
  }

  /** Bytes of the messages that are in the buffer now. */
  private receive(what: string, most: number): number {
    const got = fastSystemCall(systemCallNumbers().recvfrom, this.fd, this.buffer.address, most);
    if (got < 0) throw new SystemCallError(`netlink: ${what}`, -got);
    return got;
  }

  close(): void {
    closeSync(this.fd);
  }
}
