import { NETLINK_ROUTE, NetlinkSocket, readAttributes } from '../system/netlink.js';

/** rtnetlink (include/uapi/linux/rtnetlink.h, if_link.h): devices, and what they say of XDP. */
const RTM_GETLINK = 18;
const IFINFO_BYTES = 16;
const IFINFO_INDEX = 4;
const IFLA_XDP = 43;
const IFLA_XDP_ATTACHED = 2;
const XDP_ATTACHED_NONE = 0;

/**
 * Whether an XDP program is at a device of the calling thread's network namespace: in any mode, for with one in another
 * mode the kernel refuses a link, too (net/core/dev.c, dev_xdp_attach). Throws `netlink-refused`.
 */
export function hasXdpProgram(interfaceIndex: number): boolean {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    return socket
      .dump('devices', RTM_GETLINK, new Uint8Array(IFINFO_BYTES))
      .some((message) => indexOf(message) === interfaceIndex && attachedAt(message) !== XDP_ATTACHED_NONE);
  } finally {
    socket.close();
  }
}

const indexOf = (message: Uint8Array): number =>
  new DataView(message.buffer, message.byteOffset, message.byteLength).getInt32(IFINFO_INDEX, true);

function attachedAt(message: Uint8Array): number {
  const xdp = readAttributes(message.subarray(IFINFO_BYTES)).get(IFLA_XDP);
  return (xdp && readAttributes(xdp).get(IFLA_XDP_ATTACHED)?.[0]) ?? XDP_ATTACHED_NONE;
}
