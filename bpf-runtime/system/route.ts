import type { Family } from '../../grammar/model/family.js';
import { attribute, concat, NETLINK_ROUTE, NetlinkSocket, NLM_F_CREATE, NLM_F_REPLACE, u32 } from './netlink.js';
import { AF_INET, AF_INET6 } from './socket.js';

/** include/uapi/linux/rtnetlink.h */
const RTM_NEWROUTE = 24;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;
const RTN_UNICAST = 1;
const RTN_LOCAL = 2;
const METRIC = 100;

/** One routing table (number below 256), changed between packets. */
export class RoutingTable {
  private readonly socket = new NetlinkSocket(NETLINK_ROUTE);

  /** Of the network namespace that the calling thread is in now, also when it has left it. */
  constructor(
    private readonly family: Family,
    private readonly table: number,
  ) {}

  /** Packets that the table routes leave by this interface, without a gateway. */
  setDefault(interfaceIndex: number): void {
    this.replace(new Uint8Array(0), interfaceIndex, RTN_UNICAST, RT_SCOPE_LINK);
  }

  /** Packets that the table routes are for this host, whatever their destination. */
  setLocalDefault(loopbackIndex: number): void {
    this.replace(new Uint8Array(0), loopbackIndex, RTN_LOCAL, RT_SCOPE_HOST);
  }

  /** Packets to an address (4 or 16 bytes) are for this host. */
  addLocal(address: Uint8Array, interfaceIndex: number): void {
    this.replace(address, interfaceIndex, RTN_LOCAL, RT_SCOPE_HOST);
  }

  private replace(destination: Uint8Array, interfaceIndex: number, type: number, scope: number): void {
    const v4 = this.family === 'v4';
    // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
    const message = Uint8Array.of(
      ...[v4 ? AF_INET : AF_INET6, destination.length * 8, 0, 0],
      ...[this.table, RTPROT_STATIC, v4 ? scope : RT_SCOPE_UNIVERSE, type],
      ...[0, 0, 0, 0],
    );
    const attributes = [attribute(RTA_OIF, u32(interfaceIndex)), attribute(RTA_PRIORITY, u32(METRIC))];
    if (destination.length > 0) attributes.push(attribute(RTA_DST, destination));
    const flags = NLM_F_CREATE | NLM_F_REPLACE;
    this.socket.request('replace a route', RTM_NEWROUTE, flags, concat(message, ...attributes));
  }

  close(): void {
    this.socket.close();
  }
}
