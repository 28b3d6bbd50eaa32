import { DEFAULT_DESTINATION_MAC, DEFAULT_SOURCE_MAC } from './build.js';
import { concat, networkBytes, u16, unsigned } from './bytes.js';
import { ETHERTYPE } from './numbers.js';

/** LINKTYPE_* numbers (tcpdump.org/linktypes.html), with the DLT_ values of some systems for raw IP. */
export const LINKTYPE = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

export interface EthernetFrame {
  readonly frame: Uint8Array;
  readonly outgoing?: boolean;
}

/** A record's bytes as an Ethernet frame; a string says why there is none. */
export function toEthernet(linkType: number, bytes: Uint8Array): EthernetFrame | string {
  switch (linkType) {
    case LINKTYPE.ETHERNET:
      return { frame: bytes };
    case LINKTYPE.RAW:
    case LINKTYPE.RAW_BSD:
    case LINKTYPE.RAW_OPENBSD:
      return fromRawIp(bytes);
    case LINKTYPE.IPV4:
      return { frame: withHeader(DEFAULT_DESTINATION_MAC, DEFAULT_SOURCE_MAC, ETHERTYPE.IPV4, bytes) };
    case LINKTYPE.IPV6:
      return { frame: withHeader(DEFAULT_DESTINATION_MAC, DEFAULT_SOURCE_MAC, ETHERTYPE.IPV6, bytes) };
    case LINKTYPE.LINUX_SLL:
      return fromCooked(bytes, { header: 16, protocol: 14, type: 1, addressLength: 5, address: 6 });
    case LINKTYPE.LINUX_SLL2:
      return fromCooked(bytes, { header: 20, protocol: 0, type: 10, addressLength: 11, address: 12 });
    default:
      return `link type ${linkType} is not known`;
  }
}

function withHeader(destination: bigint, source: bigint, etherType: number, bytes: Uint8Array): Uint8Array {
  return concat(networkBytes(destination, 6), networkBytes(source, 6), networkBytes(BigInt(etherType), 2), bytes);
}

function fromRawIp(bytes: Uint8Array): EthernetFrame | string {
  if (bytes.length === 0) return 'an empty packet';
  const version = bytes[0] >> 4;
  if (version !== 4 && version !== 6) return `IP version ${version}`;
  const etherType = version === 4 ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6;
  return { frame: withHeader(DEFAULT_DESTINATION_MAC, DEFAULT_SOURCE_MAC, etherType, bytes) };
}

/** Offsets in a cooked header; `type` is the last byte of the packet type in v1, the byte itself in v2. */
interface CookedLayout {
  readonly header: number;
  readonly protocol: number;
  readonly type: number;
  /** Last byte of the address length. */
  readonly addressLength: number;
  readonly address: number;
}

/** Packet types of cooked captures (PACKET_* of include/uapi/linux/if_packet.h). */
const COOKED = { BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3, OUTGOING: 4 } as const;
/** What stands for a destination that the capture does not hold. */
const SOME_GROUP = 0x01005e000001n;
const SOME_OTHER_HOST = 0x0200000000ffn;
const BROADCAST = 0xffffffffffffn;

function fromCooked(bytes: Uint8Array, layout: CookedLayout): EthernetFrame | string {
  if (bytes.length < layout.header) return 'the cooked header is cut off';
  const type = bytes[layout.type];
  const hasMac = bytes[layout.addressLength] === 6;
  const source = hasMac ? unsigned(bytes, layout.address, 6) : DEFAULT_SOURCE_MAC;
  const frame = withHeader(cookedDestination(type), source, u16(bytes, layout.protocol), bytes.subarray(layout.header));
  return { frame, outgoing: type === COOKED.OUTGOING };
}

function cookedDestination(type: number): bigint {
  switch (type) {
    case COOKED.BROADCAST:
      return BROADCAST;
    case COOKED.MULTICAST:
      return SOME_GROUP;
    case COOKED.OTHERHOST:
      return SOME_OTHER_HOST;
    default:
      return DEFAULT_DESTINATION_MAC;
  }
}
