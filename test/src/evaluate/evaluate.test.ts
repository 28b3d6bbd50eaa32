import { describe, expect, it } from 'vitest';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import { evaluate, surroundingsOracle } from '../../../src/evaluate/index.js';
import { filterTable, packetOf, rulesetOf, short } from './helpers.js';

interface Row {
  readonly name: string;
  readonly rules: readonly string[];
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly chain?: BuiltinChain;
  readonly packet: string;
  readonly want: string;
}

function run({ rules, policy, chain = 'INPUT', packet }: Row): string {
  const { packet: frame, family, surroundings } = packetOf(packet);
  const ruleset = filterTable(family, rules, policy);
  const oracle = surroundingsOracle(surroundings, frame, family);
  return short(evaluate({ ruleset, table: 'filter', chain, packet: frame, oracle }));
}

function rows(title: string, table: readonly Row[]): void {
  describe(title, () => {
    it.each(table)('$name', (row) => {
      expect(run(row)).toBe(row.want);
    });
  });
}

const TCP = 'tcp 198.51.100.7:4000 > 192.0.2.1:22';
const UDP = 'udp 198.51.100.7:4000 > 192.0.2.1:53';
const PING = 'icmp 198.51.100.7 > 192.0.2.1';
const TCP6 = 'tcp [2001:db8::7]:4000 > [2001:db8::1]:22';
const SSH = '-A INPUT -p tcp --dport 22 -j ACCEPT';

rows('later fragments', [
  {
    name: 'no port rule matches',
    rules: [SSH],
    packet: `${TCP} frag 16`,
    want: 'accept by policy INPUT; ',
    policy: 'ACCEPT',
  },
  {
    name: 'nor an inverted one',
    rules: ['-A INPUT -p tcp ! --dport 80 -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'UDP too',
    rules: ['-A INPUT -p udp ! --dport 80 -j DROP'],
    packet: `${UDP} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'ICMP types too',
    rules: ['-A INPUT -p icmp --icmp-type any -j DROP'],
    packet: `${PING} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'multiport too',
    rules: ['-A INPUT -p tcp -m multiport ! --dports 1,2 -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a rule on the protocol alone does',
    rules: ['-A INPUT -p tcp -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'TCP at offset 8 is dropped at once, not counted',
    rules: ['-A INPUT', SSH],
    packet: `${TCP} frag 8`,
    want: 'drop by hotdrop INPUT 2; INPUT 1',
  },
  {
    name: 'UDP at offset 8 is not',
    rules: ['-A INPUT -p udp --dport 53'],
    packet: `${UDP} frag 8`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'the first fragment is judged by its ports',
    rules: [SSH],
    policy: 'DROP',
    packet: `${TCP} frag 0 mf`,
    want: 'accept by INPUT 1; INPUT 1',
  },
  {
    name: '-f wants an offset',
    rules: ['-A INPUT -f -j DROP'],
    packet: `${TCP} frag 16`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '-f wants no first fragment',
    rules: ['-A INPUT -f -j DROP'],
    packet: `${TCP} mf`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: '! -f takes first fragments',
    rules: ['-A INPUT ! -f -j DROP'],
    packet: `${TCP} mf`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  { name: '! -f takes whole packets', rules: ['-A INPUT ! -f -j DROP'], packet: TCP, want: 'drop by INPUT 1; INPUT 1' },
  {
    name: '! -f takes no later ones',
    rules: ['-A INPUT ! -f -j DROP'],
    packet: `${TCP} frag 8`,
    want: 'accept by policy INPUT; ',
  },
]);

rows('truncated headers', [
  { name: 'TCP of 19 bytes', rules: [SSH], packet: `${TCP} cut 19`, want: 'drop by hotdrop INPUT 1; ' },
  { name: 'TCP of 20 bytes', rules: [SSH], packet: `${TCP} cut 20`, want: 'accept by INPUT 1; INPUT 1' },
  {
    name: 'UDP of 7 bytes',
    rules: ['-A INPUT -p udp --dport 53'],
    packet: `${UDP} cut 7`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'multiport of 3 bytes',
    rules: ['-A INPUT -p tcp -m multiport --dports 1'],
    packet: `${TCP} cut 3`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'multiport of 4 bytes',
    rules: ['-A INPUT -p tcp -m multiport --dports 22'],
    packet: `${TCP} cut 4`,
    want: 'accept by policy INPUT; INPUT 1',
  },
  {
    name: 'ICMP of 7 bytes',
    rules: ['-A INPUT -p icmp --icmp-type 8'],
    packet: `${PING} cut 7`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'only where a rule reaches them',
    rules: ['-A INPUT -s 10.0.0.0/8 -p tcp --dport 22', '-A INPUT -p udp --dport 22'],
    packet: `${TCP} cut 3`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'only after the match before',
    rules: ['-A INPUT -p tcp -m mark --mark 5 -m tcp --dport 22'],
    packet: `${TCP} cut 3`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'an earlier verdict comes first',
    rules: ['-A INPUT -p tcp -j ACCEPT', SSH],
    packet: `${TCP} cut 3`,
    want: 'accept by INPUT 1; INPUT 1',
  },
  {
    name: 'none without rules that ask',
    rules: ['-A INPUT -p tcp'],
    packet: `${TCP} cut 0`,
    want: 'accept by policy INPUT; INPUT 1',
  },
  { name: 'none of a later fragment', rules: [SSH], packet: `${TCP} frag 16 cut 1`, want: 'accept by policy INPUT; ' },
]);

rows('ports and flags', [
  {
    name: 'a port belongs to one protocol',
    rules: [SSH],
    packet: UDP.replace(':53', ':22'),
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a port rule lets no ICMP through',
    rules: [SSH],
    policy: 'DROP',
    packet: PING,
    want: 'drop by policy INPUT; ',
  },
  {
    name: 'an inverted port wants the protocol',
    rules: ['-A INPUT -p tcp ! --dport 80 -j DROP'],
    packet: UDP,
    want: 'accept by policy INPUT; ',
  },
  { name: '! -p icmp', rules: ['-A INPUT ! -p icmp -j DROP'], packet: TCP, want: 'drop by INPUT 1; INPUT 1' },
  { name: '! -p icmp and ICMP', rules: ['-A INPUT ! -p icmp -j DROP'], packet: PING, want: 'accept by policy INPUT; ' },
  {
    name: 'multiport negates the whole list',
    rules: ['-A INPUT -p tcp -m multiport ! --dports 22,80 -j DROP'],
    packet: TCP,
    want: 'accept by policy INPUT; ',
  },
  {
    name: '--ports takes the source',
    rules: ['-A INPUT -p tcp -m multiport --ports 4000 -j DROP'],
    packet: TCP,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '! --ports wants neither',
    rules: ['-A INPUT -p tcp -m multiport ! --ports 4000 -j DROP'],
    packet: TCP,
    want: 'accept by policy INPUT; ',
  },
  {
    name: '--syn',
    rules: ['-A INPUT -p tcp --syn -j DROP'],
    packet: `${TCP} SYN,PSH`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '--syn and ACK',
    rules: ['-A INPUT -p tcp --syn -j DROP'],
    packet: `${TCP} SYN,ACK`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: '! --syn',
    rules: ['-A INPUT -p tcp ! --syn -j DROP'],
    packet: `${TCP} ACK`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'ALL NONE is a test',
    rules: ['-A INPUT -p tcp --tcp-flags ALL NONE -j DROP'],
    packet: `${TCP} SYN`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'ALL NONE and no flag',
    rules: ['-A INPUT -p tcp --tcp-flags ALL NONE -j DROP'],
    packet: `${TCP} NONE`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'ECE is none of ALL',
    rules: ['-A INPUT -p tcp --tcp-flags ALL NONE -j DROP'],
    packet: `${TCP} ECE`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'an option that is there',
    rules: ['-A INPUT -p tcp --tcp-option 2 -j DROP'],
    packet: `${TCP} tcpopt 01:02:04:05:b4`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'an option behind the end of options',
    rules: ['-A INPUT -p tcp --tcp-option 8 -j DROP'],
    packet: `${TCP} tcpopt 00:08:02:00`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'an option of length 0 is stepped over by 1',
    rules: ['-A INPUT -p tcp --tcp-option 9 -j DROP'],
    packet: `${TCP} tcpopt 08:00:09:02`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a value inside an option is none',
    rules: ['-A INPUT -p tcp --tcp-option 5 -j DROP'],
    packet: `${TCP} tcpopt 02:04:05:b4`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'an option asked of a header that claims 16 bytes',
    rules: ['-A INPUT -p tcp --tcp-option 2'],
    packet: `${TCP} doff 4`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'an option asked of a header that is cut off',
    rules: ['-A INPUT -p tcp ! --tcp-option 2'],
    packet: `${TCP} doff 6`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'but only if the ports match',
    rules: ['-A INPUT -p tcp --dport 1 --tcp-option 2'],
    packet: `${TCP} doff 6`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'ICMP type any',
    rules: ['-A INPUT -p icmp --icmp-type any -j DROP'],
    packet: `${PING} 3/1`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'ICMP type any, inverted',
    rules: ['-A INPUT -p icmp ! --icmp-type any -j DROP'],
    packet: `${PING} 3/1`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'ICMP code',
    rules: ['-A INPUT -p icmp --icmp-type 3/4 -j DROP'],
    packet: `${PING} 3/1`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'ICMPv6 type 255 is a type',
    rules: ['-A INPUT -p icmpv6 --icmpv6-type 255 -j DROP'],
    packet: 'icmp6 fe80::1 > fe80::2 type 135',
    want: 'accept by policy INPUT; ',
  },
]);

rows('addresses and interfaces', [
  {
    name: 'a mask in network order',
    rules: ['-A INPUT -s 10.0.0.0/8 -j DROP'],
    packet: TCP,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'within the mask',
    rules: ['-A INPUT -s 10.0.0.0/8 -j DROP'],
    packet: 'tcp 10.255.0.1:1 > 192.0.2.1:22',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'addresses from 128.0.0.0 up',
    rules: ['-A INPUT -s 203.0.113.9 -j DROP'],
    packet: 'tcp 203.0.113.9:1 > 192.0.2.1:22',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a mask with holes',
    rules: ['-A INPUT -s 10.0.0.1/255.0.0.255 -j DROP'],
    packet: 'tcp 10.9.8.1:1 > 192.0.2.1:22',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'an inverted source',
    rules: ['-A INPUT ! -s 10.0.0.0/8 -j DROP'],
    packet: TCP,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'an interface',
    rules: ['-A INPUT -i eth0 -j DROP'],
    packet: `${TCP} in eth0`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a longer name',
    rules: ['-A INPUT -i eth0 -j DROP'],
    packet: `${TCP} in eth01`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a prefix',
    rules: ['-A INPUT -i eth+ -j DROP'],
    packet: `${TCP} in eth01`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a prefix is enough',
    rules: ['-A INPUT -i eth+ -j DROP'],
    packet: `${TCP} in eth`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'not the prefix',
    rules: ['-A INPUT ! -i eth+ -j DROP'],
    packet: `${TCP} in wlan0`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'no input interface in OUTPUT',
    chain: 'OUTPUT',
    rules: [':U', '-A OUTPUT -j U', '-A U -i eth0 -j DROP'],
    packet: `${TCP} out eth0`,
    want: 'accept by policy OUTPUT; OUTPUT 1',
  },
  {
    name: '! -i in OUTPUT',
    chain: 'OUTPUT',
    rules: [':U', '-A OUTPUT -j U', '-A U ! -i eth0 -j DROP'],
    packet: `${TCP} out eth0`,
    want: 'drop by U 1; OUTPUT 1, U 1',
  },
  {
    name: '-o',
    chain: 'FORWARD',
    rules: ['-A FORWARD -i eth0 -o eth1 -j DROP'],
    packet: `${TCP} in eth0 out eth1`,
    want: 'drop by FORWARD 1; FORWARD 1',
  },
  {
    name: 'IPv6 prefixes',
    rules: ['-A INPUT -s 2001:db8::/126 -j DROP'],
    packet: 'tcp [2001:db8::3]:1 > [2001:db8::9]:22',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'beyond an IPv6 prefix',
    rules: ['-A INPUT -s 2001:db8::/126 -j DROP'],
    packet: 'tcp [2001:db8::4]:1 > [2001:db8::9]:22',
    want: 'accept by policy INPUT; ',
  },
]);

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

rows('IPv6 headers', [
  {
    name: '-p tcp behind extension headers',
    rules: ['-A INPUT -p tcp --dport 22 -j DROP'],
    packet: `${TCP6} ext hop,dst,rt,ah`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '-p tcp in a first fragment',
    rules: ['-A INPUT -p tcp --dport 22 -j DROP'],
    packet: `${TCP6} mf`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'no port in a later fragment',
    rules: ['-A INPUT -p tcp ! --dport 80 -j DROP'],
    packet: `${TCP6} frag 8`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'its protocol is known',
    rules: ['-A INPUT -p tcp -j DROP'],
    packet: `${TCP6} frag 8`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'unless an extension header follows',
    rules: ['-A INPUT -p tcp -j ACCEPT'],
    packet: `${TCP6} ext frag,dst frag 8`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'an address before it decides',
    rules: ['-A INPUT -s ::1 -p tcp -j ACCEPT'],
    packet: `${TCP6} ext frag,dst frag 8`,
    want: 'accept by policy INPUT; ',
  },
  {
    name: 'a rule without -p does not look',
    rules: ['-A INPUT -j DROP'],
    packet: `${TCP6} ext frag,dst frag 8`,
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: '! -p of a header that is not found',
    rules: ['-A INPUT ! -p udp -j ACCEPT'],
    packet: `60 2001:db8::7 > 2001:db8::1 payload 3b`,
    want: 'drop by hotdrop INPUT 1; ',
  },
  {
    name: 'no next header is a protocol',
    rules: ['-A INPUT -p 59 -j DROP'],
    packet: '59 2001:db8::7 > 2001:db8::1',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'ESP is not looked into',
    rules: ['-A INPUT -p esp -j DROP'],
    packet: '50 2001:db8::7 > 2001:db8::1 payload 06000000',
    want: 'drop by INPUT 1; INPUT 1',
  },
  {
    name: 'a truncated TCP header',
    rules: ['-A INPUT -p tcp --dport 22'],
    packet: `${TCP6} cut 19`,
    want: 'drop by hotdrop INPUT 1; ',
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
