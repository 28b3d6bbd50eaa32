import { describe, expect, it } from 'vitest';
import { reaches, type Reach, type ReachSettings } from '../../../src/evaluate/index.js';
import { packetOf } from './helpers.js';

type Settings = Partial<Omit<ReachSettings, 'family'>>;

function reach(text: string, settings: Settings = {}): string {
  const { packet, family } = packetOf(text);
  return short(reaches(packet, { family, hook: 'INPUT', route: 'local', ...settings }));
}

function short(result: Reach): string {
  if (result.kind === 'reaches') return result.fragment ? 'reaches in pieces' : 'reaches';
  return result.kind === 'never' ? result.code : `depends on ${result.code}`;
}

interface Row {
  readonly name: string;
  readonly packet: string;
  readonly settings?: Settings;
  readonly want: string;
}

function rows(title: string, table: readonly Row[]): void {
  describe(title, () => {
    it.each(table)('$name', ({ packet, settings, want }) => {
      expect(reach(packet, settings)).toBe(want);
    });
  });
}

const TCP = 'tcp 198.51.100.7:4000 > 192.0.2.1:22';
const TCP6 = 'tcp [2001:db8::7]:4000 > [2001:db8::1]:22';
const PREROUTING: Settings = { hook: 'PREROUTING' };
const FORWARD: Settings = { hook: 'FORWARD', route: 'forward' };
const OUTPUT: Settings = { hook: 'OUTPUT' };

rows('link', [
  { name: 'an ordinary packet', packet: TCP, want: 'reaches' },
  { name: 'VLAN 0 only carries a priority', packet: `${TCP} vlan 0`, want: 'reaches' },
  { name: 'even twice', packet: `${TCP} vlan 0 vlan 0`, want: 'reaches' },
  { name: 'another VLAN', packet: `${TCP} vlan 5`, want: 'other-vlan' },
  { name: 'another VLAN inside of VLAN 0', packet: `${TCP} vlan 0 vlan 5`, want: 'other-vlan' },
  {
    name: 'a frame to another host',
    packet: `${TCP} dmac 02:00:00:00:00:09`,
    settings: { deviceMac: 0x020000000002n },
    want: 'other-host',
  },
  { name: 'a frame to this host', packet: TCP, settings: { deviceMac: 0x020000000002n }, want: 'reaches' },
  {
    name: 'a broadcast frame',
    packet: `${TCP} dmac ff:ff:ff:ff:ff:ff`,
    settings: { deviceMac: 0x020000000002n },
    want: 'reaches',
  },
  {
    name: 'a broadcast frame where that is forbidden',
    packet: `${TCP} dmac ff:ff:ff:ff:ff:ff`,
    settings: { dropUnicastInGroupFrames: true },
    want: 'link-group',
  },
  {
    name: 'a group may come in any frame',
    packet: `udp 198.51.100.7:1 > 224.0.0.1:2 dmac 01:00:5e:00:00:01`,
    settings: { dropUnicastInGroupFrames: true },
    want: 'reaches',
  },
  { name: 'a short frame', packet: 'frame 0200000000020200000000010800', want: 'short-header' },
  { name: 'a shorter one', packet: 'frame 02000000000202000000000108', want: 'not-ethernet' },
  { name: 'a tag without what follows', packet: 'frame 020000000002020000000001810000000800', want: 'not-ethernet' },
  { name: 'ARP', packet: 'frame 02000000000202000000000108060001', want: 'other-protocol' },
]);

describe('family', () => {
  it('IPv6 is no IPv4 packet', () => {
    const { packet } = packetOf(TCP6);
    expect(reaches(packet, { family: 'v4', hook: 'INPUT', route: 'local' })).toMatchObject({ code: 'other-protocol' });
  });
});

rows('IPv4 header', [
  { name: 'a version', packet: `${TCP} version 5`, want: 'bad-version' },
  { name: 'a header of 16 bytes', packet: `${TCP} ihl 4`, want: 'bad-header-length' },
  { name: 'a header beyond the frame', packet: `59 198.51.100.7 > 192.0.2.1 ihl 15`, want: 'short-header' },
  { name: 'a checksum', packet: `${TCP} ipsum 0x1234`, want: 'bad-checksum' },
  { name: 'a checksum before PREROUTING', packet: `${TCP} ipsum 0x1234`, settings: PREROUTING, want: 'bad-checksum' },
  { name: 'no checksum yet in OUTPUT', packet: `${TCP} ipsum 0`, settings: OUTPUT, want: 'reaches' },
  { name: 'a transport checksum is not looked at', packet: `${TCP} sum 0x1234`, want: 'reaches' },
  { name: 'a total length beyond the frame', packet: `${TCP} totlen 41`, want: 'truncated' },
  { name: 'a total length within the header', packet: `${TCP} totlen 19`, want: 'bad-total-length' },
  { name: 'a total length of the header', packet: `${TCP} totlen 20`, want: 'reaches' },
  { name: 'a header of 60 bytes', packet: `${TCP} ipopt ${'01'.repeat(40)}`, want: 'reaches' },
  { name: 'a first fragment', packet: `${TCP} mf`, want: 'reaches in pieces' },
  { name: 'a later fragment', packet: `${TCP} frag 8`, want: 'reaches in pieces' },
]);

const from = (source: string, destination = '192.0.2.1'): string => `udp ${source}:1 > ${destination}:2`;

rows('IPv4 routes', [
  { name: 'a multicast source', packet: from('224.0.0.1'), want: 'martian-source' },
  { name: 'a broadcast source', packet: from('255.255.255.255'), want: 'martian-source' },
  { name: 'but PREROUTING sees it', packet: from('255.255.255.255'), settings: PREROUTING, want: 'reaches' },
  { name: 'no source', packet: from('0.0.0.0'), want: 'martian-source' },
  { name: 'no source to all', packet: from('0.0.0.0', '255.255.255.255'), want: 'reaches' },
  { name: 'no source, no destination', packet: from('0.0.0.0', '0.0.0.0'), want: 'reaches' },
  { name: 'no source to a link-local group', packet: from('0.0.0.0', '224.0.0.251'), want: 'reaches' },
  { name: 'no source to another group', packet: from('0.0.0.0', '239.1.1.1'), want: 'martian-source' },
  { name: 'IGMP without source', packet: '2 0.0.0.0 > 239.1.1.1 payload 1600000000000000', want: 'reaches' },
  { name: 'the rest of 0.0.0.0/8 is routed', packet: from('0.1.2.3'), want: 'reaches' },
  { name: 'no destination', packet: from('198.51.100.7', '0.0.0.0'), want: 'martian-destination' },
  { name: 'a loopback source', packet: from('127.0.0.1'), want: 'loopback-address' },
  { name: 'a loopback destination', packet: from('198.51.100.7', '127.0.0.1'), want: 'loopback-address' },
  {
    name: 'with route_localnet',
    packet: from('127.0.0.1', '127.0.0.2'),
    settings: { routeLocalnet: true },
    want: 'reaches',
  },
  { name: 'on the loopback device', packet: `${from('127.0.0.1', '127.0.0.1')} in lo`, want: 'reaches' },
  {
    name: 'a broadcast is local whatever the routes say',
    packet: from('198.51.100.7', '255.255.255.255'),
    settings: { route: 'forward' },
    want: 'reaches',
  },
  {
    name: 'a broadcast is not forwarded',
    packet: from('198.51.100.7', '255.255.255.255'),
    settings: FORWARD,
    want: 'other-chain',
  },
  {
    name: 'a group that nobody joined',
    packet: from('198.51.100.7', '239.1.1.1'),
    settings: { route: 'none' },
    want: 'no-route',
  },
  { name: 'a group is not forwarded', packet: from('198.51.100.7', '239.1.1.1'), settings: FORWARD, want: 'no-route' },
  { name: 'no route', packet: TCP, settings: { route: 'none' }, want: 'no-route' },
  { name: 'to be forwarded', packet: TCP, settings: { route: 'forward' }, want: 'other-chain' },
  { name: 'a local one in FORWARD', packet: TCP, settings: { ...FORWARD, route: 'local' }, want: 'other-chain' },
]);

rows('IPv4 options', [
  { name: 'record route', packet: `${TCP} ipopt 07:07:04:00:00:00:00`, want: 'reaches' },
  { name: 'a full record route', packet: `${TCP} ipopt 07:07:08:00:00:00:00`, want: 'reaches' },
  { name: 'a record route with a cut address', packet: `${TCP} ipopt 07:06:04:00:00:00`, want: 'bad-options' },
  { name: 'a record route pointer of 3', packet: `${TCP} ipopt 07:07:03:00:00:00:00`, want: 'bad-options' },
  { name: 'two record routes', packet: `${TCP} ipopt 07:07:04:00:00:00:00:07:07:04:00:00:00:00`, want: 'bad-options' },
  { name: 'a length of 1', packet: `${TCP} ipopt 44:01:00:00`, want: 'bad-options' },
  { name: 'a length beyond the header', packet: `${TCP} ipopt 44:05:00:00`, want: 'bad-options' },
  { name: 'garbage behind the end', packet: `${TCP} ipopt 00:44:01:00`, want: 'reaches' },
  { name: 'PREROUTING does not look', packet: `${TCP} ipopt 44:01:00:00`, settings: PREROUTING, want: 'reaches' },
  { name: 'a timestamp', packet: `${TCP} ipopt 44:08:05:00:00:00:00:00`, want: 'reaches' },
  { name: 'a full timestamp that overflows', packet: `${TCP} ipopt 44:08:09:f0:00:00:00:00`, want: 'bad-options' },
  { name: 'a router alert', packet: `${TCP} ipopt 94:04:00:00`, want: 'reaches' },
  { name: 'a router alert of 3 bytes', packet: `${TCP} ipopt 94:03:00:00`, want: 'bad-options' },
  { name: 'an unknown option', packet: `${TCP} ipopt de:04:00:00`, want: 'reaches' },
  { name: 'a source route', packet: `${TCP} ipopt 83:07:04:c0:00:02:09`, want: 'source-route' },
  {
    name: 'a source route that is over',
    packet: `${TCP} ipopt 83:07:08:c0:00:02:09`,
    settings: { acceptSourceRoute: true },
    want: 'reaches',
  },
  {
    name: 'a source route that goes on',
    packet: `${TCP} ipopt 83:07:04:c0:00:02:09`,
    settings: { acceptSourceRoute: true },
    want: 'depends on source-route',
  },
  {
    name: 'a loose source route through',
    packet: `${TCP} ipopt 83:07:04:c0:00:02:09`,
    settings: { ...FORWARD, acceptSourceRoute: true },
    want: 'reaches',
  },
  {
    name: 'a strict one',
    packet: `${TCP} ipopt 89:07:04:c0:00:02:09`,
    settings: { ...FORWARD, acceptSourceRoute: true },
    want: 'source-route',
  },
  { name: 'a CIPSO label', packet: `${TCP} ipopt 86:06:00:00:00:01`, want: 'depends on security-label' },
]);

rows('forwarding', [
  { name: 'a TTL of 2', packet: `${TCP} ttl 2`, settings: FORWARD, want: 'reaches' },
  { name: 'a TTL of 1', packet: `${TCP} ttl 1`, settings: FORWARD, want: 'ttl-exceeded' },
  { name: 'a TTL of 0', packet: `${TCP} ttl 0`, settings: FORWARD, want: 'ttl-exceeded' },
  { name: 'a TTL of 0 at INPUT', packet: `${TCP} ttl 0`, want: 'reaches' },
  { name: 'a group frame', packet: `${TCP} dmac ff:ff:ff:ff:ff:ff`, settings: FORWARD, want: 'link-group' },
  { name: 'too big with DF', packet: `${TCP} df len 1501`, settings: { ...FORWARD, mtu: 1500 }, want: 'too-big' },
  { name: 'too big without', packet: `${TCP} len 1501`, settings: { ...FORWARD, mtu: 1500 }, want: 'reaches' },
  { name: 'a hop limit of 1', packet: `${TCP6} hl 1`, settings: FORWARD, want: 'ttl-exceeded' },
  { name: 'IPv6 in a group frame', packet: `${TCP6} dmac 33:33:00:00:00:01`, settings: FORWARD, want: 'link-group' },
  { name: 'IPv6 too big', packet: `${TCP6} len 1501`, settings: { ...FORWARD, mtu: 1500 }, want: 'too-big' },
  {
    name: 'a link-local source',
    packet: 'tcp [fe80::1]:1 > [2001:db8::1]:2 in a out b',
    settings: FORWARD,
    want: 'unforwardable-source',
  },
  {
    name: 'a link-local source back out',
    packet: 'tcp [fe80::1]:1 > [2001:db8::1]:2 in a out a',
    settings: FORWARD,
    want: 'reaches',
  },
  {
    name: 'no source',
    packet: 'tcp [::]:1 > [2001:db8::1]:2 in a out b',
    settings: FORWARD,
    want: 'unforwardable-source',
  },
]);

const from6 = (source: string, destination = '2001:db8::1'): string => `udp [${source}]:1 > [${destination}]:2`;

rows('IPv6 header', [
  { name: 'an ordinary packet', packet: TCP6, want: 'reaches' },
  { name: 'a version', packet: `${TCP6} version 4`, want: 'bad-version' },
  { name: 'a payload length beyond the frame', packet: `${TCP6} plen 21`, want: 'truncated' },
  { name: 'a payload length of 0', packet: `${TCP6} plen 0`, want: 'reaches' },
  { name: 'a multicast source', packet: from6('ff02::1'), want: 'multicast-source' },
  {
    name: 'a multicast source before PREROUTING',
    packet: from6('ff02::1'),
    settings: PREROUTING,
    want: 'multicast-source',
  },
  { name: 'a loopback source', packet: from6('::1'), want: 'loopback-address' },
  { name: 'a loopback destination', packet: from6('2001:db8::7', '::1'), want: 'loopback-address' },
  { name: 'on the loopback device', packet: `${from6('::1', '::1')} in lo`, want: 'reaches' },
  { name: 'a group of scope 0', packet: from6('2001:db8::7', 'ff00::1'), want: 'reserved-scope' },
  {
    name: 'a group of scope 0 on the loopback device',
    packet: `${from6('2001:db8::7', 'ff00::1')} in lo`,
    want: 'reserved-scope',
  },
  { name: 'a group of scope 1', packet: from6('2001:db8::7', 'ff01::1'), want: 'reserved-scope' },
  {
    name: 'a group of scope 1 on the loopback device',
    packet: `${from6('2001:db8::7', 'ff01::1')} in lo`,
    want: 'reaches',
  },
  { name: 'a group of scope 2', packet: from6('2001:db8::7', 'ff02::1'), want: 'reaches' },
  {
    name: 'a group that nobody joined',
    packet: from6('2001:db8::7', 'ff02::99'),
    settings: { route: 'none' },
    want: 'no-route',
  },
  { name: 'no source', packet: from6('::'), want: 'reaches' },
  { name: 'a mapped source', packet: from6('::ffff:1.2.3.4'), want: 'reaches' },
  {
    name: 'a unicast packet in a group frame',
    packet: `${TCP6} dmac 33:33:00:00:00:01`,
    settings: { dropUnicastInGroupFrames: true },
    want: 'link-group',
  },
]);

/** A hop-by-hop header of `eights` * 8 bytes in front of nothing, with these options and zeros (Pad1) behind them. */
function hop(eights: number, options: string): string {
  const header = `3b${(eights - 1).toString(16).padStart(2, '0')}`;
  return `0 2001:db8::7 > 2001:db8::1 payload ${(header + options).padEnd(eights * 16, '0')}`;
}

rows('hop-by-hop options', [
  { name: 'padding', packet: `${TCP6} ext hop`, want: 'reaches' },
  { name: 'a cut header', packet: '0 2001:db8::7 > 2001:db8::1 payload 3b000104000000', want: 'bad-hop-by-hop' },
  {
    name: 'a header longer than the packet',
    packet: '0 2001:db8::7 > 2001:db8::1 payload 3b01010400000000',
    want: 'bad-hop-by-hop',
  },
  {
    name: 'OUTPUT does not look',
    packet: '0 2001:db8::7 > 2001:db8::1 payload 3b01010400000000',
    settings: OUTPUT,
    want: 'reaches',
  },
  { name: 'PREROUTING does', packet: hop(1, '7e04'), settings: PREROUTING, want: 'bad-hop-by-hop' },
  { name: 'a router alert', packet: hop(1, '050200000100'), want: 'reaches' },
  { name: 'a router alert of the wrong length', packet: hop(1, '050300000000'), want: 'bad-hop-by-hop' },
  { name: 'an option to skip', packet: hop(1, '3e04'), want: 'reaches' },
  { name: 'an option to drop', packet: hop(1, '7e04'), want: 'bad-hop-by-hop' },
  { name: 'an option to answer', packet: hop(1, 'be04'), want: 'bad-hop-by-hop' },
  { name: 'an option to answer unless multicast', packet: hop(1, 'fe04'), want: 'bad-hop-by-hop' },
  {
    name: 'an option to skip where unknown ones are dropped',
    packet: hop(1, '3e04'),
    settings: { hopByHop: { options: -8 } },
    want: 'bad-hop-by-hop',
  },
  { name: 'an option beyond the header', packet: hop(1, '3e05'), want: 'bad-hop-by-hop' },
  { name: 'an option without length', packet: hop(1, '3e030000003e'), want: 'bad-hop-by-hop' },
  { name: 'padding that is not zero', packet: hop(1, '010400000001'), want: 'bad-hop-by-hop' },
  { name: 'six Pad1', packet: hop(1, ''), want: 'reaches' },
  { name: 'eight bytes of padding', packet: hop(2, '3e04000000000106'), want: 'bad-hop-by-hop' },
  { name: 'an option ends a run of padding', packet: hop(2, '0103000000003e0100'), want: 'reaches' },
  { name: 'eight options', packet: hop(3, '3e00'.repeat(7) + '3e06'), want: 'reaches' },
  { name: 'nine options', packet: hop(3, '3e00'.repeat(8) + '3e04'), want: 'bad-hop-by-hop' },
  {
    name: 'nine options where ten may be',
    packet: hop(3, '3e00'.repeat(8) + '3e04'),
    settings: { hopByHop: { options: 10 } },
    want: 'reaches',
  },
  {
    name: 'a long header where it must be short',
    packet: hop(2, '3e0c'),
    settings: { hopByHop: { options: 8, bytes: 8 } },
    want: 'bad-hop-by-hop',
  },
  { name: 'an IOAM option at 44', packet: hop(2, '0100' + '310a'), want: 'reaches' },
  { name: 'an IOAM option at 42', packet: hop(2, '310c'), want: 'bad-hop-by-hop' },
  { name: 'a jumbo option in a small packet', packet: hop(1, 'c20400001000'), want: 'bad-hop-by-hop' },
  { name: 'a jumbo option beside a payload length', packet: hop(1, 'c20400020000'), want: 'bad-hop-by-hop' },
  { name: 'a jumbo packet that is not there', packet: `${hop(1, 'c20400020000')} plen 0`, want: 'bad-hop-by-hop' },
  { name: 'a payload length of 0 without jumbo option', packet: `${TCP6} ext hop plen 0`, want: 'reaches' },
  { name: 'a CALIPSO label', packet: hop(2, '070c00000001000000000000'), want: 'depends on security-label' },
]);
