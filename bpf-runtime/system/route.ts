import type { Family } from '../../grammar/model/family.js';
import { attribute, concat, NETLINK_ROUTE, NetlinkSocket, NLM_F_CREATE, NLM_F_REPLACE, u32 } from './netlink.js';
import { AF_INET, AF_INET6 } from './socket.js';

/** include/uapi/linux/rtnetlink.h */
const RTM_NEWROUTE = 24;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const METRIC = 100;

/** The default route of one routing table (number below 256), changed between packets. */
export class DefaultRoute {
  private readonly socket = new NetlinkSocket(NETLINK_ROUTE);

  /** Of the network namespace that the calling thread is in now, also when it has left it. */
  constructor(
    private readonly family: Family,
    private readonly table: number,
  ) {}

  /** Packets that the table routes leave by this interface, without a gateway. */
  set(interfaceIndex: number): void {
    const v4 = this.family === 'v4';
    // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
    const message = Uint8Array.of(
      ...[v4 ? AF_INET : AF_INET6, 0, 0, 0],
      ...[this.table, RTPROT_STATIC, v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, RTN_UNICAST],
      ...[0, 0, 0, 0],
    );
    const body = concat(message, attribute(RTA_OIF, u32(interfaceIndex)), attribute(RTA_PRIORITY, u32(METRIC)));
    this.socket.request('replace the default route', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body);
  }

  close(): void {
    this.socket.close();
  }
}
