import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/evaluate/index.js';
import { filterTable, packetOf, rulesetOf, short } from './helpers.js';
import { rows, TCP, TCP6, UDP } from './rows.js';

rows('chains', [
  {
    name: 'RETURN in a built-in chain goes to the policy',
    rules: ['-A INPUT -j RETURN', '-A INPUT -j ACCEPT'],
    policy: 'DROP',
    packet: TCP,
    want: 'drop by policy INPUT; INPUT 1',
  },
  {
    name: 'the end of a user chain goes back',
    rules: [':U', '-A INPUT -j U', '-A INPUT -j DROP', '-A U'],
    packet: TCP,
    want: 'drop by INPUT 2; INPUT 1, U 1, INPUT 2',
  },
  {
    name: 'RETURN goes back to the rule behind',
    rules: [':U', '-A INPUT -j U', '-A INPUT -j DROP', '-A U -j RETURN', '-A U -j ACCEPT'],
    packet: TCP,
    want: 'drop by INPUT 2; INPUT 1, U 1, INPUT 2',
  },
  {
    name: 'goto from a built-in chain ends in the policy',
    rules: [':U', '-A INPUT -g U', '-A INPUT -j ACCEPT', '-A U'],
    policy: 'DROP',
    packet: TCP,
    want: 'drop by policy INPUT; INPUT 1, U 1',
  },
  {
    name: "a return from a goto goes to the caller's caller",
    rules: [':U', ':V', '-A INPUT -j U', '-A INPUT -j DROP', '-A U -g V', '-A U -j ACCEPT', '-A V -j RETURN'],
    packet: TCP,
    want: 'drop by INPUT 2; INPUT 1, U 1, V 1, INPUT 2',
  },
  {
    name: 'a jump inside of a goto comes back',
    rules: [':U', ':V', '-A INPUT -g U', '-A U -j V', '-A U -j DROP', '-A V'],
    packet: TCP,
    want: 'drop by U 2; INPUT 1, U 1, V 1, U 2',
  },
  { name: 'empty chains', rules: [':U', '-A INPUT -j U'], packet: TCP, want: 'accept by policy INPUT; INPUT 1' },
  {
    name: 'deep chains',
    rules: [':A', ':B', ':C', '-A INPUT -j A', '-A INPUT -j DROP', '-A A -j B', '-A A', '-A B -j C', '-A B', '-A C'],
    packet: TCP,
    want: 'drop by INPUT 2; INPUT 1, A 1, B 1, C 1, B 2, A 2, INPUT 2',
  },
  {
    name: 'no rule without target ends',
    rules: ['-A INPUT', '-A INPUT -j LOG', '-A INPUT -j DROP'],
    packet: TCP,
    want: 'drop by INPUT 3; INPUT 1, INPUT 2, INPUT 3',
  },
  {
    name: 'REJECT',
    rules: ['-A INPUT -p tcp -j REJECT --reject-with tcp-reset'],
    packet: TCP,
    want: 'tcp-reset by INPUT 1; INPUT 1',
  },
  {
    name: 'REJECT by default',
    rules: ['-A INPUT -j REJECT'],
    packet: TCP,
    want: 'icmp-port-unreachable by INPUT 1; INPUT 1',
  },
  {
    name: 'a hotdrop inside a chain',
    rules: [':U', '-A INPUT -j U', '-A INPUT -j ACCEPT', '-A U -p tcp --dport 1 -j ACCEPT'],
    packet: `${TCP} cut 3`,
    want: 'drop by hotdrop U 1; INPUT 1',
  },
]);

rows('marks, states and what is not known', [
  {
    name: 'a mark is read later',
    rules: ['-A INPUT -m mark --mark 0x1 -j DROP'],
    packet: `${TCP} mark 0x1`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a state',
    rules: ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    policy: 'DROP',
    packet: `${TCP} state ESTABLISHED`,
    want: 'accept by INPUT 1; INPUT 1',
  },
  {
    name: 'another state',
    rules: ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    policy: 'DROP',
    packet: `${TCP} state NEW`,
    want: 'drop by policy INPUT; ',
  },
  {
    name: 'NAT is a bit beside the state',
    rules: ['-A INPUT -m conntrack --ctstate DNAT -j ACCEPT'],
    policy: 'DROP',
    packet: `${TCP} state NEW,DNAT`,
    want: 'accept by INPUT 1; INPUT 1',
  },
  {
    name: 'no state',
    rules: ['-A INPUT -m conntrack --ctstate NEW -j ACCEPT'],
    packet: TCP,
    want: 'unknown ctstate at INPUT 1; ',
  },
  {
    name: 'a state that does not matter',
    rules: ['-A INPUT -m conntrack --ctstate NEW -p tcp --dport 80 -j ACCEPT'],
    packet: UDP,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a state behind a test that fails',
    rules: ['-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT'],
    packet: TCP,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'multicast by its address',
    rules: ['-A INPUT -m addrtype --dst-type MULTICAST -j DROP'],
    packet: 'udp 198.51.100.7:1 > 224.0.0.251:5353',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a local address is a question to the routes',
    rules: ['-A INPUT -m addrtype --dst-type LOCAL -j DROP'],
    packet: TCP,
    want: 'unknown addrtype at INPUT 1; ',
  },
  {
    name: 'an unknown match',
    rules: ['-A INPUT -m nfacct --nfacct-name traffic -j DROP'],
    packet: TCP,
    want: 'unknown module at INPUT 1; ',
  },
]);

describe('MARK', () => {
  it('is read by later rules and told at the end', () => {
    const text = [
      '*mangle',
      '-A PREROUTING -j MARK --set-xmark 0x10/0xff',
      '-A PREROUTING -m mark --mark 0x3410 -j MARK --set-xmark 0x1/0x0',
      '-A PREROUTING -m mark --mark 0x3411 -j DROP',
      'COMMIT',
    ];
    const { packet } = packetOf(`${TCP} mark 0x34ff`);
    const ruleset = rulesetOf('v4', text);
    const result = evaluate({ ruleset, table: 'mangle', chain: 'PREROUTING', packet });
    expect(short(result)).toBe('drop by PREROUTING 3; PREROUTING 1, PREROUTING 2, PREROUTING 3');
    expect(result.mark).toBe(0x3411);
  });
});

describe('counted bytes', () => {
  it.each([
    { name: 'padding does not count', packet: `${TCP} pad 6`, want: 40 },
    { name: 'IP options do', packet: `${TCP} ipopt 01010101`, want: 44 },
    { name: 'VLAN tags do not', packet: `${TCP} vlan 0`, want: 40 },
    { name: 'IPv6', packet: `${TCP6} ext hop`, want: 68 },
  ])('$name', ({ packet, want }) => {
    const { packet: frame, family } = packetOf(packet);
    const ruleset = filterTable(family, []);
    expect(evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet: frame }).length).toBe(want);
  });
});
