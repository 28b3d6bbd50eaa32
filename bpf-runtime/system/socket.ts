import { closeSync } from 'node:fs';
import { systemCall } from './libc.js';
import { cString } from './memory.js';
import { systemCallNumbers } from './numbers.js';

/** Address families and socket types (include/linux/socket.h, include/linux/net.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
const AF_PACKET = 17;
export const SOCK_RAW = 3;
export const IPPROTO_RAW = 255;
const SOCK_CLOEXEC = 0o2000000;

/** Socket options (include/uapi/asm-generic/socket.h, linux/in.h, linux/in6.h). */
export const SOL_SOCKET = 1;
export const SO_BROADCAST = 6;
export const SO_BINDTODEVICE = 25;
export const SO_RCVBUFFORCE = 33;
export const SO_SNDBUFFORCE = 32;
export const SO_MARK = 36;
export const IPPROTO_IP = 0;
export const IP_MULTICAST_LOOP = 34;
export const IPPROTO_IPV6 = 41;
export const IPV6_MULTICAST_LOOP = 19;
const IPV6_FREEBIND = 78;

export const MSG_DONTWAIT = 0x40;

/** `socket(2)` in the calling thread's network namespace; a file descriptor. */
export function openSocket(family: number, type: number, protocol: number): number {
  return systemCall('socket', systemCallNumbers().socket, family, type | SOCK_CLOEXEC, protocol);
}

export function setSocketOption(fd: number, level: number, option: number, value: number | Uint8Array): void {
  const bytes = typeof value === 'number' ? new Uint8Array(Int32Array.of(value | 0).buffer) : value;
  systemCall('setsockopt', systemCallNumbers().setsockopt, fd, level, option, bytes, bytes.length);
}

/**
 * A raw socket that takes whole IP packets (IP_HDRINCL is implied by IPPROTO_RAW in both families) and sends them out
 * of one device.
 */
export function openRawSocket(family: 'v4' | 'v6', device: string): number {
  const fd = openSocket(family === 'v4' ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW);
  try {
    setSocketOption(fd, SOL_SOCKET, SO_BINDTODEVICE, cString(device));
    setSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, 16 * 1024 * 1024);
    setSocketOption(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (family === 'v4') setSocketOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    else bindAnywhere6(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** sizeof(struct sockaddr_in6) and the offset of the address. */
const SOCKADDR_IN6 = { bytes: 28, address: 8 } as const;
/** 2001:db8::1, of the documentation prefix (RFC 3849). */
const SOME_SOURCE = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/**
 * Gives the socket a source address that nobody has, for the look-up of the route alone: without one the kernel would
 * want an address of this host to begin with (net/ipv6/raw.c). The packet keeps its own source.
 */
function bindAnywhere6(fd: number): void {
  setSocketOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
  setSocketOption(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
  const address = new Uint8Array(SOCKADDR_IN6.bytes);
  new DataView(address.buffer).setUint16(0, AF_INET6, true);
  address.set(SOME_SOURCE, SOCKADDR_IN6.address);
  systemCall('bind', systemCallNumbers().bind, fd, address, address.length);
}

/** sizeof(struct sockaddr_ll) and the offset of its interface index. */
const SOCKADDR_LL = { bytes: 20, ifindex: 4 } as const;

/**
 * A packet socket that sends whole frames out of one device, which a `write` is enough for, and receives nothing. What
 * goes out of the loopback device has come in again before `write` returns, unless the softirq was put off.
 */
export function openPacketSocket(interfaceIndex: number): number {
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0);
  try {
    const address = new Uint8Array(SOCKADDR_LL.bytes);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setInt32(SOCKADDR_LL.ifindex, interfaceIndex, true);
    systemCall('bind', systemCallNumbers().bind, fd, address, address.length);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}
