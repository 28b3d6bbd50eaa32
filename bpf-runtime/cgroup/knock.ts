import { closeSync } from 'node:fs';
import type { Family } from '../../grammar/model/family.js';
import { systemCall } from '../system/libc.js';
import { systemCallNumbers } from '../system/numbers.js';
import { AF_INET, AF_INET6, IPPROTO_IPV6, openSocket, setSocketOption } from '../system/socket.js';

/** A port whose packets are to come to the rules though no application waits there. */
export interface KnockPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPV6_V6ONLY = 26;
const BACKLOG = 1;
/** sizeof(struct sockaddr_in) and of sockaddr_in6; both have the port at offset 2. */
const SOCKADDR_BYTES = { v4: 16, v6: 28 } as const;

/**
 * Opens a socket on all addresses that nobody reads. Rules that accept a packet to it let it in, where it stays; knocks
 * are to be dropped by the rule that remembers them. Returns its file descriptor.
 */
export function openKnockSocket({ protocol, port }: KnockPort, family: Family): number {
  const domain = family === 'v4' ? AF_INET : AF_INET6;
  const fd = openSocket(domain, protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0);
  try {
    if (family === 'v6') setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    const address = new Uint8Array(SOCKADDR_BYTES[family]);
    const view = new DataView(address.buffer);
    view.setUint16(0, domain, true);
    view.setUint16(2, port);
    const numbers = systemCallNumbers();
    systemCall(`bind to ${protocol} port ${port}`, numbers.bind, fd, address, address.length);
    if (protocol === 'tcp') systemCall('listen', numbers.listen, fd, BACKLOG);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}
