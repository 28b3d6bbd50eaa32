import type { Packet } from '../../grammar/model/packet.js';
import { readLink, type Link } from '../packet/link.js';
import { ETHERTYPE } from '../packet/numbers.js';
import { frameKind, isIngress, never, type Arrival, type Reach, type ReachSettings } from './arrival.js';
import { DEFAULT_HOP_BY_HOP_LIMITS } from './hop-by-hop.js';
import { reachesIpv4 } from './reaches-ipv4.js';
import { reachesIpv6 } from './reaches-ipv6.js';

/**
 * Whether a frame comes to a chain, and why not: __netif_receive_skb_core, then the receive path of the family down to
 * the hook. At OUTPUT and POSTROUTING the packet is this host's own, and only has to be one.
 */
export function reaches(packet: Packet, settings: ReachSettings): Reach {
  const link = readLink(packet.frame);
  if (link === undefined) return never('not-ethernet', 'the frame ends within its link header');
  const vlan = link.vlans.find((id) => id !== 0);
  if (vlan !== undefined) {
    return never('other-vlan', `VLAN ${vlan} belongs to a device of its own, or to nobody`);
  }
  const wanted = settings.family === 'v4' ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6;
  if (link.etherType !== wanted) {
    const name = settings.family === 'v4' ? 'IPv4' : 'IPv6';
    return never('other-protocol', `EtherType 0x${link.etherType.toString(16).padStart(4, '0')} is not ${name}`);
  }
  if (isIngress(settings.hook)) {
    const foreign = frameKind(link) === 'unicast' && !isOurs(link, settings);
    if (foreign) return never('other-host', 'the frame is addressed to another host');
  }
  const arrival: Arrival = {
    link,
    bytes: packet.frame.subarray(link.network),
    packet,
    loopback: packet.inInterface === 'lo',
    settings: { hopByHop: DEFAULT_HOP_BY_HOP_LIMITS, ...settings },
  };
  const reach = settings.family === 'v4' ? reachesIpv4(arrival) : reachesIpv6(arrival);
  // What comes back from the loopback device has its route to this host already (ip_rcv_finish_core).
  return arrival.loopback && settings.hook === 'FORWARD' && reach.kind === 'reaches'
    ? never('other-chain', 'it comes from the loopback device')
    : reach;
}

function isOurs(link: Link, settings: ReachSettings): boolean {
  return settings.deviceMac === undefined || settings.deviceMac === link.destination;
}
