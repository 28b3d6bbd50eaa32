/** EtherTypes (IEEE 802 numbers). */
export const ETHERTYPE = { IPV4: 0x0800, IPV6: 0x86dd, VLAN: 0x8100, QINQ: 0x88a8 } as const;

export function isVlanTag(etherType: number): boolean {
  return etherType === ETHERTYPE.VLAN || etherType === ETHERTYPE.QINQ;
}

/** IP protocol numbers that the tool builds or reads. */
export const PROTOCOL = {
  HOPOPTS: 0,
  ICMP: 1,
  IGMP: 2,
  TCP: 6,
  UDP: 17,
  ROUTING: 43,
  FRAGMENT: 44,
  AUTH: 51,
  ICMPV6: 58,
  NONE: 59,
  DSTOPTS: 60,
  UDPLITE: 136,
} as const;

/** Bits of byte 13 of the TCP header. */
export const TCP_FLAG = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;
