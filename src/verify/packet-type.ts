/** skb->pkt_type by a frame's destination, as eth_type_trans (net/ethernet/eth.c) sets it. */
export const PACKET = { HOST: 0, BROADCAST: 1, MULTICAST: 2 } as const;

export function packetType(frame: Uint8Array): number {
  if ((frame[0] & 1) === 0) return PACKET.HOST;
  return frame.subarray(0, 6).every((byte) => byte === 0xff) ? PACKET.BROADCAST : PACKET.MULTICAST;
}
