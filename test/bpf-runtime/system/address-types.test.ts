import { describe, expect, it } from 'vitest';
import { AddressTypes, parseAddress } from '../../../bpf-runtime/system/address-types.js';
import { Testbed } from '../../../bpf-runtime/system/testbed.js';
import { skipReason } from '../../support/machine.js';

const why = skipReason(['root', 'ip']);

const TABLE4 = `local 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1
local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1
broadcast 127.255.255.255 dev lo proto kernel scope link src 127.0.0.1
local 192.0.2.1 dev eth0 proto kernel scope host src 192.0.2.1
broadcast 192.0.2.255 dev eth0 proto kernel scope link src 192.0.2.1
`;
const TABLE6 = `local ::1 dev lo proto kernel metric 0 pref medium
anycast 2001:db8:: dev eth0 proto kernel metric 0 pref medium
local 2001:db8::1 dev eth0 proto kernel metric 0 pref medium
multicast ff00::/8 dev eth0 proto kernel metric 256 pref medium
`;

describe('types of addresses', () => {
  it.each([
    ['0.0.0.0', undefined, 'BROADCAST'],
    ['255.255.255.255', undefined, 'BROADCAST'],
    ['224.0.0.1', undefined, 'MULTICAST'],
    ['239.255.255.255', 'eth0', 'MULTICAST'],
    ['240.0.0.1', undefined, 'UNICAST'],
    ['127.3.2.1', undefined, 'LOCAL'],
    ['127.255.255.255', undefined, 'BROADCAST'],
    ['192.0.2.1', undefined, 'LOCAL'],
    ['192.0.2.1', 'eth0', 'LOCAL'],
    ['192.0.2.1', 'eth1', 'UNICAST'],
    ['192.0.2.255', undefined, 'BROADCAST'],
    ['192.0.2.7', undefined, 'UNICAST'],
  ])('IPv4 %s at %s is %s', (address, device, want) => {
    expect(new AddressTypes('v4', TABLE4).typeOf(parseAddress(address), device)).toBe(want);
  });

  it.each([
    ['::', 'UNSPEC'],
    ['::1', 'LOCAL'],
    ['2001:db8::', 'ANYCAST'],
    ['2001:db8::1', 'LOCAL'],
    ['ff02::1', 'MULTICAST'],
    ['2001:db8::2', 'UNICAST'],
  ])('IPv6 %s is %s', (address, want) => {
    expect(new AddressTypes('v6', TABLE6).typeOf(parseAddress(address))).toBe(want);
  });
});

describe.skipIf(why !== '')(`surroundings of a testbed${why}`, () => {
  it('knows the addresses it was given', () => {
    const options = { family: 'v4', chain: 'INPUT', addresses: { eth0: ['192.0.2.1/24'] }, local: ['198.51.100.0/24'] };
    const testbed = Testbed.create({ ...options, family: 'v4', chain: 'INPUT', interfaces: ['eth0'] });
    const { addressType } = testbed.surroundings();
    const of = (address: string): string | undefined => addressType?.('v4', parseAddress(address), undefined);
    expect(['192.0.2.1', '192.0.2.255', '198.51.100.77', '203.0.113.1', '127.0.0.1'].map(of)).toEqual([
      'LOCAL',
      'BROADCAST',
      'LOCAL',
      'UNICAST',
      'LOCAL',
    ]);
    testbed.close();
  });
});
