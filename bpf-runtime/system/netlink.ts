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
export const NLM_F_REPLACE = 0x100;
export const NLM_F_CREATE = 0x400;
export const NLMSG_HEADER = 16;
export const NLMSG_ERROR = 2;

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
    const header = new Uint8Array(NLMSG_HEADER);
    const view = new DataView(header.buffer);
    view.setUint32(0, NLMSG_HEADER + body.length, true);
    view.setUint16(4, type, true);
    view.setUint16(6, NLM_F_REQUEST | NLM_F_ACK | flags, true);
    view.setUint32(8, this.sequence++, true);
    const message = memoryOf(concat(header, body));
    const sent = fastSystemCall(systemCallNumbers().sendto, this.fd, lend(message), message.bytes.length);
    if (sent < 0) throw new SystemCallError(`netlink: ${what}`, -sent);
    this.acknowledge(what);
  }

  private acknowledge(what: string): void {
    const { view, address, bytes } = this.buffer;
    for (;;) {
      const got = fastSystemCall(systemCallNumbers().recvfrom, this.fd, address, bytes.length);
      if (got < 0) throw new SystemCallError(`netlink: ${what}`, -got);
      if (view.getUint16(4, true) !== NLMSG_ERROR) continue;
      const errno = -view.getInt32(NLMSG_HEADER, true);
      if (errno === 0) return;
      throw new RuntimeError('netlink-refused', new SystemCallError(`netlink: ${what}`, errno).message);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
