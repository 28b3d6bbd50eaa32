import { describe, expect, it } from 'vitest';
import { opaqueTests } from '../../../../grammar/model/condition-parts.js';
import type { Opaque } from '../../../../grammar/model/condition.js';
import { addrtype } from '../../../../grammar/modules/match/addrtype.js';
import { iprange } from '../../../../grammar/modules/match/iprange.js';
import { mac } from '../../../../grammar/modules/match/mac.js';
import { parseIPv6, parseDottedIPv4 } from '../../../../grammar/modules/value/address.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN, PLAIN_V6, type Answer } from '../support.js';

const v4 = (text: string): bigint => parseDottedIPv4(text) ?? -1n;
const v6 = (text: string): bigint => parseIPv6(text) ?? -1n;

testRows(iprange, [
  ...rows(
    PLAIN,
    ['--src-range 1.1.1.1-1.1.1.10', '--src-range 1.1.1.1-1.1.1.10'],
    ['! --dst-range 1.1.1.1 --src-range 2.2.2.2', '--src-range 2.2.2.2-2.2.2.2 ! --dst-range 1.1.1.1-1.1.1.1'],
    ['--src-range 10.5-10.6', '--src-range 10.5.0.0-10.6.0.0'],
    ['--src-range 10.0.0.5-10.0.0.1', '--src-range 10.0.0.5-10.0.0.1'],
    ['--src-range 010.0.0.1', '--src-range 8.0.0.1-8.0.0.1'],
    ['--src-range 1.1.1.1-'],
    ['--src-range 1.1.1.1/24'],
    ['--src-range ::1-::2'],
    [''],
  ),
  ...rows(
    PLAIN_V6,
    ['! --src-range 2001:DB8::1-2001:db8:0:0::10', '! --src-range 2001:db8::1-2001:db8::10'],
    ['--src-range ::ffff:1.2.3.4', '--src-range ::ffff:1.2.3.4-::ffff:1.2.3.4'],
    ['--src-range 1.1.1.1'],
  ),
]);

testRows(
  mac,
  rows(
    PLAIN,
    ['--mac-source 00:0A:bc:1:2:3', '--mac-source 00:0a:bc:01:02:03'],
    ['! --mac-source 42:01:02:03:04:05', '! --mac-source 42:01:02:03:04:05'],
    ['--mac-source +a:-f:::1:1', '--mac-source 0a:f1:00:00:01:01'],
    ['--mac-source -:1:1:1:1:1'],
    ['--mac-source 42:01:02:03:04'],
    ['--mac-source 42:01:02:03:04:005'],
    ['--mac-source 42-01-02-03-04-05'],
    [''],
  ),
);

testRows(addrtype, [
  ...rows(
    PLAIN,
    ['--dst-type LOCAL', '--dst-type LOCAL'],
    ['! --src-type multicast,BROAD', '! --src-type BROADCAST,MULTICAST'],
    ['--dst-type XRESOLVE,un', '--dst-type UNSPEC,XRESOLVE'],
    ['--dst-type LOCAL --src-type LOCAL --limit-iface-in', '--src-type LOCAL --dst-type LOCAL --limit-iface-in'],
    ['--dst-type LOCAL --limit-iface-out'],
    ['--dst-type LOCAL --limit-iface-out --limit-iface-in'],
    ['--limit-iface-in'],
    ['--dst-type LOCAL,'],
    ['--dst-type HOST'],
    [''],
  ),
  ...rows(
    { ...PLAIN, chain: 'OUTPUT' },
    ['--src-type LOCAL --limit-iface-out', '--src-type LOCAL --limit-iface-out'],
    ['--src-type LOCAL --limit-iface-in'],
  ),
  ...rows(
    PLAIN_V6,
    ['--dst-type MULTICAST', '--dst-type MULTICAST'],
    ['--dst-type LOCAL,ANYCAST,UNREACHABLE,UNICAST,UNSPEC', '--dst-type UNSPEC,UNICAST,LOCAL,ANYCAST,UNREACHABLE'],
    ['--dst-type BROADCAST'],
    ['--dst-type BLACKHOLE'],
    ['--dst-type PROHIBIT'],
    ['--src-type NAT'],
  ),
]);

describe('condition of iprange', () => {
  it.each<{ words: string; saddr: string; want: Answer }>([
    { words: '--src-range 10.0.0.1-10.0.0.3', saddr: '10.0.0.3', want: 'yes' },
    { words: '--src-range 10.0.0.1-10.0.0.3', saddr: '10.0.0.4', want: 'no' },
    { words: '! --src-range 10.0.0.1-10.0.0.3', saddr: '10.0.0.0', want: 'yes' },
    { words: '--src-range 10.0.0.3-10.0.0.1', saddr: '10.0.0.2', want: 'no' },
    { words: '! --src-range 10.0.0.3-10.0.0.1', saddr: '10.0.0.2', want: 'yes' },
  ])('$words on $saddr: $want', ({ words, saddr, want }) => {
    expect(evaluate(conditionOf(iprange, words, PLAIN), { saddr: v4(saddr) })).toBe(want);
  });
});

describe('condition of mac', () => {
  const words = '--mac-source 02:00:00:00:00:01';
  it.each<{ words: string; ether: number; source: bigint; want: Answer }>([
    { words, ether: 1, source: 0x020000000001n, want: 'yes' },
    { words, ether: 1, source: 0x020000000002n, want: 'no' },
    { words, ether: 0, source: 0n, want: 'no' },
    { words: `! ${words}`, ether: 1, source: 0x020000000002n, want: 'yes' },
    { words: `! ${words}`, ether: 0, source: 0n, want: 'no' },
  ])('$words, Ethernet $ether, $source: $want', (row) => {
    const fields = { 'mac.ether': row.ether, 'mac.src': row.source };
    expect(evaluate(conditionOf(mac, row.words, PLAIN), fields)).toBe(row.want);
  });
});

describe('condition of addrtype', () => {
  const never = (): boolean => false;
  const always = (): boolean => true;

  it.each<{ words: string; daddr: string; ask: (test: Opaque) => boolean; want: Answer }>([
    { words: '--dst-type MULTICAST', daddr: '224.0.0.1', ask: never, want: 'yes' },
    { words: '--dst-type MULTICAST', daddr: '255.255.255.255', ask: always, want: 'no' },
    { words: '--dst-type BROADCAST', daddr: '255.255.255.255', ask: never, want: 'yes' },
    { words: '--dst-type BROADCAST', daddr: '0.0.0.0', ask: never, want: 'yes' },
    { words: '--dst-type BROADCAST', daddr: '239.255.255.255', ask: always, want: 'no' },
    { words: '--dst-type BROADCAST', daddr: '10.255.255.255', ask: always, want: 'yes' },
    { words: '--dst-type LOCAL', daddr: '240.0.0.0', ask: always, want: 'yes' },
    { words: '--dst-type LOCAL', daddr: '224.0.0.1', ask: always, want: 'no' },
    { words: '! --dst-type LOCAL', daddr: '224.0.0.1', ask: always, want: 'yes' },
    { words: '! --dst-type LOCAL', daddr: '10.0.0.1', ask: always, want: 'no' },
  ])('IPv4 $words on $daddr: $want', ({ words, daddr, ask, want }) => {
    expect(evaluate(conditionOf(addrtype, words, PLAIN), { daddr: v4(daddr) }, ask)).toBe(want);
  });

  it.each<{ words: string; daddr: string; ask: (test: Opaque) => boolean; want: Answer }>([
    { words: '--dst-type MULTICAST', daddr: 'ff02::1', ask: never, want: 'yes' },
    { words: '--dst-type MULTICAST', daddr: 'fe80::1', ask: never, want: 'no' },
    { words: '--dst-type UNICAST', daddr: 'fe80::1', ask: never, want: 'yes' },
    { words: '--dst-type UNICAST', daddr: '::1', ask: never, want: 'yes' },
    { words: '--dst-type UNICAST', daddr: '::1.2.3.4', ask: never, want: 'yes' },
    { words: '--dst-type UNICAST', daddr: '::ffff:1.2.3.4', ask: never, want: 'no' },
    { words: '--dst-type UNICAST', daddr: '::', ask: never, want: 'no' },
    { words: '--dst-type UNICAST', daddr: 'ff02::1', ask: never, want: 'no' },
    { words: '--dst-type UNSPEC', daddr: '::', ask: never, want: 'yes' },
    // All of the address's own types must hold, so these two never do.
    { words: '--dst-type UNICAST,MULTICAST', daddr: 'fe80::1', ask: never, want: 'no' },
    { words: '! --dst-type UNICAST,MULTICAST', daddr: 'fe80::1', ask: never, want: 'yes' },
    { words: '--dst-type LOCAL,UNICAST', daddr: 'fe80::1', ask: always, want: 'yes' },
    { words: '--dst-type LOCAL,UNICAST', daddr: 'ff02::1', ask: always, want: 'no' },
    { words: '--dst-type LOCAL', daddr: 'ff02::1', ask: always, want: 'yes' },
  ])('IPv6 $words on $daddr: $want', ({ words, daddr, ask, want }) => {
    expect(evaluate(conditionOf(addrtype, words, PLAIN_V6), { daddr: v6(daddr) }, ask)).toBe(want);
  });

  it('asks the tables for the rest, at the interface if so limited', () => {
    const tests = opaqueTests(conditionOf(addrtype, '--src-type LOCAL,UNICAST --limit-iface-in', PLAIN));
    expect(tests).toEqual([{ name: 'addrtype', which: 'src', types: ['UNICAST', 'LOCAL'], limitInterface: 'in' }]);
  });
});
