import type { Parsed } from '../define.js';
import { wholeNumber, UINT8 } from './number.js';
import { unknownName } from './suggest.js';

/** Protocol names that iptables knows without asking the system, in its order (libxtables `xtables_chain_protos`). */
export const CHAIN_PROTOCOLS: readonly (readonly [name: string, number: number])[] = [
  ['tcp', 6],
  ['sctp', 132],
  ['udp', 17],
  ['udplite', 136],
  ['icmp', 1],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['esp', 50],
  ['ah', 51],
  ['mobility-header', 135],
  ['ipv6-mh', 135],
  ['mh', 135],
  ['dccp', 33],
  ['ipcomp', 108],
  ['all', 0],
];

/** `number name alias…` (IANA protocol numbers as Linux distributions ship them in /etc/protocols). */
const PROTOCOLS = `
0 ip IP
0 hopopt HOPOPT
1 icmp ICMP
2 igmp IGMP
3 ggp GGP
4 ipencap IP-ENCAP
5 st ST
6 tcp TCP
8 egp EGP
9 igp IGP
12 pup PUP
17 udp UDP
20 hmp HMP
22 xns-idp XNS-IDP
27 rdp RDP
29 iso-tp4 ISO-TP4
33 dccp DCCP
36 xtp XTP
37 ddp DDP
38 idpr-cmtp IDPR-CMTP
41 ipv6 IPv6
43 ipv6-route IPv6-Route
44 ipv6-frag IPv6-Frag
45 idrp IDRP
46 rsvp RSVP
47 gre GRE
50 esp IPSEC-ESP
51 ah IPSEC-AH
57 skip SKIP
58 ipv6-icmp IPv6-ICMP
59 ipv6-nonxt IPv6-NoNxt
60 ipv6-opts IPv6-Opts
73 rspf RSPF CPHB
81 vmtp VMTP
88 eigrp EIGRP
89 ospf OSPFIGP
93 ax.25 AX.25
94 ipip IPIP
97 etherip ETHERIP
98 encap ENCAP
103 pim PIM
108 ipcomp IPCOMP
112 vrrp VRRP
115 l2tp L2TP
124 isis ISIS
132 sctp SCTP
133 fc FC
135 mobility-header Mobility-Header
136 udplite UDPLite
137 mpls-in-ip MPLS-in-IP
138 manet
139 hip HIP
140 shim6 Shim6
141 wesp WESP
142 rohc ROHC
143 ethernet Ethernet
262 mptcp MPTCP
`;

interface ProtocolNames {
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

function readProtocols(): ProtocolNames {
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const line of PROTOCOLS.trim().split('\n')) {
    const [number, ...aliases] = line.split(' ');
    if (!names.has(Number(number))) names.set(Number(number), aliases[0]);
    for (const alias of aliases) if (!numbers.has(alias)) numbers.set(alias, Number(number));
  }
  return { numbers, names };
}

const SYSTEM = readProtocols();

const CHAIN_NUMBERS: ReadonlyMap<string, number> = new Map(CHAIN_PROTOCOLS);

/** A protocol by number or name (libxtables `xtables_parse_protocol`); 0 for `all`. */
export function parseProtocol(word: string): Parsed<number> {
  const value = CHAIN_NUMBERS.get(word) ?? wholeNumber(word, 0, UINT8) ?? SYSTEM.numbers.get(word);
  if (value !== undefined) return { value };
  const names = [...CHAIN_PROTOCOLS.map(([name]) => name), ...SYSTEM.numbers.keys()];
  return unknownName(word, names, `"${word}" is not a protocol`);
}

/** Name of a protocol in the system's list. */
export function systemProtocolName(number: number): string | undefined {
  return SYSTEM.names.get(number);
}

/** Number of a protocol in the system's list, by name or alias. */
export function parseProtocolName(name: string): number | undefined {
  return SYSTEM.numbers.get(name);
}
