import { isLeaving } from '../../grammar/model/family.js';
import { u16, unsigned } from '../packet/bytes.js';
import { PROTOCOL } from '../packet/numbers.js';
import { IPV6_HEADER } from './find-header.js';
import { DEFAULT_HOP_BY_HOP_LIMITS, readHopByHop } from './hop-by-hop.js';
import { depends, frameKind, isIngress, never, type Arrival, type Reach } from './arrival.js';

/** A link of IPv6 carries at least this many bytes (RFC 8200 section 5). */
const MINIMUM_MTU = 1280;

const LOOPBACK = 1n;
const isMulticast = (address: bigint): boolean => address >> 120n === 0xffn;
const multicastScope = (address: bigint): bigint => (address >> 112n) & 0xfn;
const isLinkLocal = (address: bigint): boolean => address >> 118n === 0x3fan;

export function reachesIpv6(arrival: Arrival): Reach {
  const { bytes, settings } = arrival;
  const received = receive(arrival);
  if (received !== undefined) return received;
  const there: Reach = { kind: 'reaches', fragment: false };
  if (settings.hook !== 'INPUT' && settings.hook !== 'FORWARD') return there;
  const multicast = isMulticast(unsigned(bytes, 24, 16));
  // A group is local or nobody's here: multicast routing is not looked at.
  if (settings.route === 'none' || (multicast && settings.route === 'forward')) {
    return never('no-route', 'the routes do not take it');
  }
  const chain = settings.route === 'local' ? 'INPUT' : 'FORWARD';
  if (chain !== settings.hook) return never('other-chain', `it goes to ${chain}`);
  return (settings.hook === 'FORWARD' ? forward(arrival) : undefined) ?? there;
}

/** ip6_rcv_core (net/ipv6/ip6_input.c), in its order. */
function receive(arrival: Arrival): Reach | undefined {
  const { bytes, settings } = arrival;
  if (bytes.length < IPV6_HEADER) return never('short-header', `${bytes.length} bytes of IP header`);
  if (bytes[0] >> 4 !== 6) return never('bad-version', `IP version ${bytes[0] >> 4}`);
  if (isIngress(settings.hook)) {
    const refused = receiveAddresses(arrival);
    if (refused !== undefined) return refused;
  }
  // A raw socket may send any payload length, and nothing is trimmed to it.
  if (isLeaving(settings.hook)) return undefined;
  const payload = u16(bytes, 4);
  const hopByHop = bytes[6] === PROTOCOL.HOPOPTS;
  const total = payload === 0 && hopByHop ? bytes.length : IPV6_HEADER + payload;
  if (total > bytes.length) return never('truncated', `${bytes.length} of ${total} bytes are there`);
  if (!hopByHop || !isIngress(settings.hook)) return undefined;
  const reading = readHopByHop(bytes.subarray(0, total), settings.hopByHop ?? DEFAULT_HOP_BY_HOP_LIMITS);
  if (reading.kind === 'bad') return never('bad-hop-by-hop', reading.why);
  return reading.kind === 'label'
    ? depends('security-label', 'the host knows its CALIPSO label, or drops it')
    : undefined;
}

/** Addresses that ip6_rcv_core does not take. */
function receiveAddresses({ link, bytes, loopback, settings }: Arrival): Reach | undefined {
  const source = unsigned(bytes, 8, 16);
  const destination = unsigned(bytes, 24, 16);
  const group = isMulticast(destination);
  if (!loopback && (source === LOOPBACK || destination === LOOPBACK)) {
    return never('loopback-address', 'the loopback address on another device');
  }
  if (!loopback && group && multicastScope(destination) === 1n) {
    return never('reserved-scope', 'a group of interface-local scope on another device');
  }
  if (settings.dropUnicastInGroupFrames === true && !group && frameKind(link) !== 'unicast') {
    return never('link-group', 'a unicast packet in a group frame');
  }
  if (group && multicastScope(destination) === 0n) return never('reserved-scope', 'a group of the reserved scope 0');
  if (isMulticast(source)) return never('multicast-source', 'the source is a multicast address');
  return undefined;
}

/** ip6_forward (net/ipv6/ip6_output.c). */
function forward({ link, bytes, packet, settings }: Arrival): Reach | undefined {
  if (frameKind(link) !== 'unicast') return never('link-group', 'frames to a group are not forwarded');
  if (bytes[7] <= 1) return never('ttl-exceeded', `its hop limit is ${bytes[7]}`);
  const source = unsigned(bytes, 8, 16);
  // Back out of the device that it came from, the source is not looked at.
  if (packet.inInterface !== packet.outInterface && (source <= LOOPBACK || isLinkLocal(source))) {
    return never('unforwardable-source', 'a source that is unspecified, loopback or link-local');
  }
  const length = u16(bytes, 4) === 0 ? bytes.length : IPV6_HEADER + u16(bytes, 4);
  if (settings.mtu !== undefined && length > Math.max(settings.mtu, MINIMUM_MTU)) {
    return never('too-big', `${length} bytes for an MTU of ${settings.mtu}`);
  }
  return undefined;
}
