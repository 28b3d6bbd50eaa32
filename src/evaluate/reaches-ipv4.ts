import { checksumHolds } from '../packet/checksum.js';
import { u16, u32 } from '../packet/bytes.js';
import { PROTOCOL } from '../packet/numbers.js';
import { readIpOptions } from './ip-options.js';
import { depends, frameKind, isIngress, never, type Arrival, type Reach } from './arrival.js';

const DONT_FRAGMENT = 0x4000;
const MORE_OR_OFFSET = 0x3fff;

const isMulticast = (address: number): boolean => address >>> 28 === 0xe;
const isLocalMulticast = (address: number): boolean => address >>> 8 === 0xe00000;
const isLimitedBroadcast = (address: number): boolean => address === 0xffffffff;
const isLoopback = (address: number): boolean => address >>> 24 === 127;
/** ipv4_is_zeronet since Linux 5.3; the rest of 0.0.0.0/8 is routed as any address. */
const isZero = (address: number): boolean => address === 0;

export function reachesIpv4(arrival: Arrival): Reach {
  const { bytes, settings } = arrival;
  const header = receive(arrival);
  if (header !== undefined) return header;
  const fragment = (u16(bytes, 6) & MORE_OR_OFFSET) !== 0;
  const there: Reach = { kind: 'reaches', fragment };
  if (settings.hook !== 'INPUT' && settings.hook !== 'FORWARD') return there;
  const routed = arrival.loopback ? undefined : route(arrival);
  if (routed !== undefined) return routed;
  const options = receiveOptions(arrival);
  if (options !== undefined) return options;
  return (settings.hook === 'FORWARD' ? forward(arrival) : unicastInGroupFrame(arrival)) ?? there;
}

/** ip_rcv_core (net/ipv4/ip_input.c), in its order. */
function receive({ bytes, settings }: Arrival): Reach | undefined {
  if (bytes.length < 20) return never('short-header', `${bytes.length} bytes of IP header`);
  const headerLength = (bytes[0] & 0x0f) * 4;
  if (headerLength < 20) return never('bad-header-length', `a header length of ${headerLength} bytes`);
  if (bytes[0] >> 4 !== 4) return never('bad-version', `IP version ${bytes[0] >> 4}`);
  if (bytes.length < headerLength)
    return never('short-header', `${bytes.length} of ${headerLength} bytes of IP header`);
  // What this host sends has its checksum filled in behind the chain.
  if (isIngress(settings.hook) && !checksumHolds(bytes.subarray(0, headerLength))) {
    return never('bad-checksum', 'the checksum of the IP header is wrong');
  }
  const total = u16(bytes, 2);
  if (total > bytes.length) return never('truncated', `${bytes.length} of ${total} bytes are there`);
  if (total < headerLength) return never('bad-total-length', `a total length of ${total} bytes`);
  return undefined;
}

/** ip_route_input_rcu, ip_mc_validate_source and ip_route_input_slow (net/ipv4/route.c). */
function route({ bytes, settings }: Arrival): Reach | undefined {
  const source = u32(bytes, 12);
  const destination = u32(bytes, 16);
  const localnet = settings.routeLocalnet === true;
  if (isMulticast(source) || isLimitedBroadcast(source)) {
    return never('martian-source', 'the source is a multicast or broadcast address');
  }
  if (isMulticast(destination)) {
    if (isLoopback(source) && !localnet) return never('loopback-address', 'a loopback source on another device');
    if (isZero(source) && !isLocalMulticast(destination) && bytes[9] !== PROTOCOL.IGMP) {
      return never('martian-source', 'no source, and neither a link-local group nor IGMP');
    }
    return arriveAt('local', settings.route === 'local' ? 'local' : 'none', settings.hook);
  }
  if (isLimitedBroadcast(destination) || (isZero(source) && isZero(destination))) {
    return arriveAt('local', 'local', settings.hook);
  }
  if (isZero(source)) return never('martian-source', 'the source is 0.0.0.0');
  if (isZero(destination)) return never('martian-destination', 'the destination is 0.0.0.0');
  if ((isLoopback(destination) || isLoopback(source)) && !localnet) {
    return never('loopback-address', 'a loopback address on another device');
  }
  return arriveAt(settings.route, settings.route, settings.hook);
}

/** Where a packet goes that the routes take; `undefined`: to the hook. */
function arriveAt(to: 'local' | 'forward' | 'none', route: string, hook: string): Reach | undefined {
  if (to === 'none' || route === 'none') return never('no-route', 'the routes do not take it');
  const chain = to === 'local' ? 'INPUT' : 'FORWARD';
  return chain === hook ? undefined : never('other-chain', `it goes to ${chain}`);
}

/** ip_rcv_options (net/ipv4/ip_input.c) and ip_options_rcv_srr (net/ipv4/ip_options.c). */
function receiveOptions(arrival: Arrival): Reach | undefined {
  const { bytes, settings } = arrival;
  const reading = readIpOptions(bytes.subarray(20, (bytes[0] & 0x0f) * 4));
  if (reading.kind === 'bad') return never('bad-options', reading.why);
  if (reading.kind === 'label') return depends('security-label', 'the host knows its CIPSO label, or drops it');
  const { sourceRoute } = reading;
  if (sourceRoute === undefined) return undefined;
  if (settings.acceptSourceRoute !== true) return never('source-route', 'source routes are not accepted');
  if (frameKind(arrival.link) !== 'unicast') return never('source-route', 'a source route in a group frame');
  if (settings.hook === 'FORWARD') {
    return sourceRoute.strict
      ? never('source-route', 'its strict source route does not lead over this host')
      : undefined;
  }
  if (isMulticast(u32(bytes, 16)) || isLimitedBroadcast(u32(bytes, 16))) {
    return never('source-route', 'a source route to a group');
  }
  return sourceRoute.pending ? depends('source-route', 'the next address of its source route decides') : undefined;
}

/** ip_rcv_finish_core. */
function unicastInGroupFrame({ link, bytes, settings }: Arrival): Reach | undefined {
  if (settings.dropUnicastInGroupFrames !== true || frameKind(link) === 'unicast') return undefined;
  const destination = u32(bytes, 16);
  if (isMulticast(destination) || isLimitedBroadcast(destination)) return undefined;
  return never('link-group', 'a unicast packet in a group frame');
}

/** ip_forward (net/ipv4/ip_forward.c). */
function forward(arrival: Arrival): Reach | undefined {
  const { link, bytes, settings } = arrival;
  if (frameKind(link) !== 'unicast') return never('link-group', 'frames to a group are not forwarded');
  if (bytes[8] <= 1) return never('ttl-exceeded', `its TTL is ${bytes[8]}`);
  const fragmentable = (u16(bytes, 6) & DONT_FRAGMENT) === 0;
  if (settings.mtu !== undefined && u16(bytes, 2) > settings.mtu && !fragmentable) {
    return never('too-big', `${u16(bytes, 2)} bytes, not to be fragmented, for an MTU of ${settings.mtu}`);
  }
  return undefined;
}
