import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { evaluate, surroundingsOracle } from '../../../src/evaluate/index.js';
import { parsePacketText } from '../../../src/packet/index.js';

const SETS = `
create ip hash:ip
add ip 10.0.0.1
create net hash:net
add net 10.0.0.0/8
add net 10.1.0.0/16 nomatch
add net 10.1.2.0/24
create ports hash:ip,port
add ports 10.0.0.1,tcp:80
add ports 10.0.0.1,icmp:8/0
add ports 10.0.0.1,gre:0
create pair hash:ip,port,ip
add pair 10.0.0.1,tcp:80,192.0.2.1
create low bitmap:port range 0-1023
add low 53
create mac bitmap:ip,mac range 10.0.0.0/24
add mac 10.0.0.9,00:11:22:33:44:55
create learns bitmap:ip,mac range 10.0.0.0/24
add learns 10.0.0.9
create six hash:ip family inet6
add six 2001:db8::1
create both list:set
add both six
add both net
create strange hash:mac
create filled hash:ip
create counts hash:ip counters
add counts 10.0.0.1 packets 2
`;

/** Whether a packet passes the test; undefined where it hangs on what is not known. */
function ask(test: string, packet: string, family: Family = 'v4', more = ''): boolean | undefined {
  const text = `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set ${test} -j DROP\n${more}COMMIT\n`;
  const { ruleset, diagnostics } = parseDump(text, { family });
  const read = parsePacketText(packet);
  if (!read.ok) throw new Error(read.diagnostics[0].message);
  expect(diagnostics).toEqual([]);
  const oracle = surroundingsOracle({}, read.text.packet, family);
  const bound = bindSets(ruleset, parseSets(SETS).sets);
  const result = evaluate({ ruleset: bound, table: 'filter', chain: 'INPUT', packet: read.text.packet, oracle });
  return result.kind === 'unknown' ? undefined : result.verdict === 'drop';
}

const TCP = 'tcp 10.0.0.1:4000 > 192.0.2.1:80 SYN in eth0';

describe('a packet and an IP set', () => {
  it.each([
    { test: '--match-set ip src', packet: TCP, want: true },
    { test: '! --match-set ip src', packet: TCP, want: false },
    { test: '--match-set ip dst', packet: TCP, want: false },
    { test: '--match-set net src', packet: 'udp 10.2.0.1:1 > 192.0.2.1:2 in eth0', want: true },
    { test: '--match-set net src', packet: 'udp 10.1.0.1:1 > 192.0.2.1:2 in eth0', want: false },
    { test: '--match-set net src', packet: 'udp 10.1.2.1:1 > 192.0.2.1:2 in eth0', want: true },
    { test: '--match-set net src --return-nomatch', packet: 'udp 10.1.0.1:1 > 192.0.2.1:2 in eth0', want: true },
    { test: '--match-set net src --return-nomatch', packet: 'udp 10.2.0.1:1 > 192.0.2.1:2 in eth0', want: false },
    { test: '--match-set ip src --return-nomatch', packet: TCP, want: true },
    { test: '--match-set ports src,dst', packet: TCP, want: true },
    { test: '--match-set ports src,src', packet: TCP, want: false },
    { test: '--match-set ports src', packet: TCP, want: false },
    { test: '! --match-set ports src', packet: TCP, want: true },
    { test: '--match-set ports src,dst', packet: 'icmp 10.0.0.1 > 192.0.2.1 echo-request in eth0', want: true },
    { test: '--match-set ports src,dst', packet: 'icmp 10.0.0.1 > 192.0.2.1 echo-reply in eth0', want: false },
    { test: '--match-set pair src,dst,dst', packet: TCP, want: true },
    { test: '--match-set pair src,dst,src', packet: TCP, want: false },
    { test: '--match-set low dst', packet: 'udp 10.0.0.1:9 > 192.0.2.1:53 in eth0', want: true },
    { test: '--match-set low dst', packet: 'icmp 10.0.0.1 > 192.0.2.1 type 0 code 53 in eth0', want: false },
    {
      test: '--match-set mac src,src',
      packet: 'tcp 10.0.0.9:1 > 192.0.2.1:2 mac 00:11:22:33:44:55 in eth0',
      want: true,
    },
    {
      test: '--match-set mac src,src',
      packet: 'tcp 10.0.0.9:1 > 192.0.2.1:2 mac 00:11:22:33:44:56 in eth0',
      want: false,
    },
    { test: '--match-set mac src,dst', packet: TCP, want: undefined },
    { test: '--match-set learns src,src', packet: TCP, want: undefined },
    { test: '--match-set six src', packet: TCP, want: false },
    { test: '! --match-set six src', packet: TCP, want: true },
    { test: '--match-set both src', packet: TCP, want: true },
    { test: '--match-set strange src', packet: TCP, want: undefined },
    { test: '--match-set absent src', packet: TCP, want: undefined },
    // A set without counters has nothing to compare.
    { test: '--match-set ip src --packets-gt 5', packet: TCP, want: true },
    { test: '--match-set counts src --packets-gt 5', packet: TCP, want: undefined },
    { test: '--match-set counts src', packet: TCP, want: true },
    { test: '--match-set ip src ! --update-counters', packet: TCP, want: true },
    {
      test: '--match-set both src',
      packet: 'tcp [2001:db8::1]:1 > [2001:db8::2]:2 in eth0',
      family: 'v6' as const,
      want: true,
    },
  ])('$test: $packet: $want', ({ test, packet, family, want }) => {
    expect(ask(test, packet, family)).toBe(want);
  });

  it('is not answered where a rule changes the set', () => {
    const change = '-A INPUT -j SET --add-set filled src\n';
    expect(ask('--match-set filled src', TCP, 'v4', change)).toBe(undefined);
    expect(ask('--match-set ip src', TCP, 'v4', change)).toBe(true);
    expect(ask('--match-set net src', TCP, 'v4', '-A INPUT -j SET --del-set both src\n')).toBe(undefined);
  });
});
