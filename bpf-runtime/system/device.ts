import { closeSync, constants, openSync } from 'node:fs';
import { run } from './command.js';
import { RuntimeError } from './error.js';
import { systemCall } from './libc.js';
import { systemCallNumbers } from './numbers.js';
import { AF_INET, openSocket, SOCK_RAW } from './socket.js';

const TUNSETIFF = 0x400454ca;
const TUNSETLINK = 0x400454cd;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const SIOCGIFINDEX = 0x8933;
/** sizeof(struct ifreq); the name takes its first 16 bytes. */
const IFREQ = 40;
const IFNAMSIZ = 16;

/** As net/core/dev.c dev_valid_name, and no `%`, which asks the kernel to number the name. */
export function isInterfaceName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  return new TextEncoder().encode(name).length < IFNAMSIZ && !/[\s/:%]/.test(name);
}

function interfaceRequest(name: string): Uint8Array {
  if (!isInterfaceName(name)) throw new RuntimeError('bad-interface', `'${name}' cannot be the name of an interface`);
  const request = new Uint8Array(IFREQ);
  request.set(new TextEncoder().encode(name));
  return request;
}

/**
 * Makes a TAP device in the calling thread's network namespace and returns its file descriptor, non-blocking. What is
 * written to it (one Ethernet frame a call, no header before it) arrives at the device before `write` returns; what
 * the kernel sends out of the device is read from it. The device goes when the descriptor is closed.
 */
export function openTap(name: string): number {
  const request = interfaceRequest(name);
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  try {
    new DataView(request.buffer).setUint16(IFNAMSIZ, IFF_TAP | IFF_NO_PI, true);
    systemCall(`TUNSETIFF ${name}`, systemCallNumbers().ioctl, fd, TUNSETIFF, request);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** ARP hardware type of loopback devices (include/uapi/linux/if_arp.h). */
export const ARPHRD_LOOPBACK = 772;

/** Sets the hardware type of a TAP device that is not up: matches on Ethernet addresses ask for it. */
export function setTapType(fd: number, type: number): void {
  systemCall('TUNSETLINK', systemCallNumbers().ioctl, fd, TUNSETLINK, type);
}

/** Index of an interface in the calling thread's network namespace. */
export function interfaceIndex(name: string): number {
  const request = interfaceRequest(name);
  const fd = openSocket(AF_INET, SOCK_RAW, 1);
  try {
    systemCall(`SIOCGIFINDEX ${name}`, systemCallNumbers().ioctl, fd, SIOCGIFINDEX, request);
  } finally {
    closeSync(fd);
  }
  return new DataView(request.buffer).getUint32(IFNAMSIZ, true);
}

/** `ip …` in the calling thread's network namespace. */
export function ip(...args: readonly string[]): string {
  return run('ip', args);
}

/** A pair of connected virtual Ethernet devices; removing one removes both. */
export function addVethPair(name: string, peer: string): void {
  interfaceRequest(name);
  interfaceRequest(peer);
  ip('link', 'add', 'dev', name, 'type', 'veth', 'peer', 'name', peer);
}
