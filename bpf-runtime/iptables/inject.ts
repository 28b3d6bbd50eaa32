import { closeSync } from 'node:fs';
import type { Packet } from '../../grammar/model/packet.js';
import { RuntimeError } from '../system/error.js';
import { fastSystemCall, SystemCallError } from '../system/libc.js';
import { allocate } from '../system/memory.js';
import { systemCallNumbers } from '../system/numbers.js';
import { AF_INET, AF_INET6, openRawSocket, setSocketOption, SO_MARK, SOL_SOCKET } from '../system/socket.js';
import type { Testbed } from '../system/testbed.js';
import { IngressMarker } from './marker.js';

/** Brings a packet to its chain. False where it cannot be brought there unchanged. */
export interface Injector {
  send(packet: Packet): boolean;
  close(): void;
}

const ETHERNET_HEADER = 14;
const ETHERTYPES = { v4: 0x0800, v6: 0x86dd } as const;
const VLAN = new Set([0x8100, 0x88a8]);
const LARGEST_FRAME = 70_000;

const EPERM = 1;
const EIO = 5;
const EINVAL = 22;

/** INPUT, FORWARD and PREROUTING: frames written to the TAP device of the packet's input interface. */
export class IngressInjector implements Injector {
  private readonly frame = allocate(LARGEST_FRAME);
  private marker: IngressMarker | undefined;

  constructor(private readonly testbed: Testbed) {}

  send(packet: Packet): boolean {
    const device = this.testbed.device(packet.inInterface);
    if (this.testbed.chain === 'FORWARD') this.testbed.forwardTo(packet.outInterface);
    if (packet.mark !== 0 || this.marker !== undefined) {
      this.marker ??= new IngressMarker();
      const marker = this.marker;
      if (!marker.isAttached(device)) this.testbed.run(() => marker.attach(device));
      marker.set(packet.mark);
    }
    const { frame } = packet;
    if (frame.length > LARGEST_FRAME) return false;
    if (device.kind === 'loopback') this.prepareLoopback(frame);
    this.frame.bytes.set(frame);
    const written = fastSystemCall(systemCallNumbers().write, device.fd, this.frame.address, frame.length);
    if (written === frame.length) return true;
    if (written === -EINVAL) return false;
    throw new SystemCallError(`write to ${device.name}`, written === 0 ? EIO : -written);
  }

  /** Makes the destination of an IPv6 packet that comes from lo an address of this host, as it is on a real one. */
  private prepareLoopback(frame: Uint8Array): void {
    const { family, chain } = this.testbed;
    const start = networkOffset(frame, family);
    if (family !== 'v6' || chain !== 'INPUT' || start === undefined || frame.length < start + 40) return;
    const destination = frame.slice(start + 24, start + 40);
    if (destination[0] !== 0xff) this.testbed.acceptAtLoopback(destination);
  }

  close(): void {
    this.marker?.close();
  }
}

/** Offset of the IP header in a frame of the family, behind VLAN tags; undefined in other frames. */
function networkOffset(frame: Uint8Array, family: 'v4' | 'v6'): number | undefined {
  let at = ETHERNET_HEADER;
  for (;;) {
    if (frame.length < at) return undefined;
    const type = (frame[at - 2] << 8) | frame[at - 1];
    if (type === ETHERTYPES[family]) return at;
    if (!VLAN.has(type)) return undefined;
    at += 4;
  }
}

interface RawSocket {
  readonly fd: number;
  mark: number;
}

/**
 * OUTPUT: IP packets sent through a raw socket that is bound to the output interface. IPv6 goes as it is. IPv4 goes
 * through raw_send_hdrinc (net/ipv4/raw.c), which writes header checksum and total length anew, and source and
 * identification where they are 0: what it would change for a rule to see is not sent (an identification of 0 is).
 */
export class EgressInjector implements Injector {
  private readonly packet = allocate(LARGEST_FRAME);
  private readonly address = allocate(28);
  private readonly sockets = new Map<string, RawSocket>();

  constructor(private readonly testbed: Testbed) {}

  send(packet: Packet): boolean {
    const bytes = this.wholePacket(packet.frame);
    if (bytes === undefined) return false;
    const socket = this.socket(packet.outInterface);
    if (socket.mark !== packet.mark) {
      setSocketOption(socket.fd, SOL_SOCKET, SO_MARK, packet.mark);
      socket.mark = packet.mark;
    }
    this.packet.bytes.set(bytes);
    const addressBytes = this.setAddress(bytes);
    const { address } = this.packet;
    const numbers = systemCallNumbers();
    const sent = fastSystemCall(
      numbers.sendto,
      socket.fd,
      address,
      bytes.length,
      0,
      this.address.address,
      addressBytes,
    );
    // EPERM is how a chain's drop comes back.
    if (sent >= 0 || sent === -EPERM) return true;
    if (sent === -EINVAL) return false;
    throw new SystemCallError(`send out of ${packet.outInterface}`, -sent);
  }

  /** The IP packet in a frame, without what follows it; undefined where the socket would change it. */
  private wholePacket(frame: Uint8Array): Uint8Array | undefined {
    const start = networkOffset(frame, this.testbed.family);
    if (start === undefined || frame.length > LARGEST_FRAME) return undefined;
    const packet = frame.subarray(start);
    if (this.testbed.family === 'v6') {
      return packet.length < 40 || packet[0] >> 4 !== 6 ? undefined : packet;
    }
    const total = (packet[2] << 8) | packet[3];
    const headerBytes = (packet[0] & 15) * 4;
    if (packet.length < 20 || packet[0] >> 4 !== 4 || headerBytes < 20) return undefined;
    if (total > packet.length || total < headerBytes) return undefined;
    const noSource = packet.subarray(12, 16).every((byte) => byte === 0);
    return noSource ? undefined : packet.subarray(0, total);
  }

  /** sockaddr_in or sockaddr_in6 of the destination; its size. */
  private setAddress(packet: Uint8Array): number {
    const { bytes, view } = this.address;
    bytes.fill(0);
    if (this.testbed.family === 'v4') {
      view.setUint16(0, AF_INET, true);
      bytes.set(packet.subarray(16, 20), 4);
      return 16;
    }
    view.setUint16(0, AF_INET6, true);
    bytes.set(packet.subarray(24, 40), 8);
    return 28;
  }

  private socket(name: string): RawSocket {
    const known = this.sockets.get(name);
    if (known !== undefined) return known;
    if (name === '') throw new RuntimeError('bad-interface', 'a packet at OUTPUT needs an output interface');
    this.testbed.device(name);
    const socket = { fd: this.testbed.run(() => openRawSocket(this.testbed.family, name)), mark: 0 };
    this.sockets.set(name, socket);
    return socket;
  }

  close(): void {
    for (const socket of this.sockets.values()) closeSync(socket.fd);
    this.sockets.clear();
  }
}
