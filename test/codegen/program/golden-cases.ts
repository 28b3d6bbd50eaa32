import type { CompileOptions } from '../../../codegen/program/index.js';
import type { Hook } from '../../../codegen/program/manifest.js';
import type { Family } from '../../../grammar/model/family.js';
import { filterText, type FilterText, type Place } from './rulesets.js';

/** One construct of the language, in the smallest ruleset that has it. */
export interface GoldenCase extends FilterText {
  readonly name: string;
  readonly family?: Family;
  readonly options?: Partial<CompileOptions>;
  /** Default XDP alone; `tc` as well where the code differs. */
  readonly hooks?: readonly Hook[];
  /** Also a file with what the entry function does more (or otherwise) than for a chain without rules. */
  readonly entry?: true;
  /** Whether what counts a packet stands there whole. Default `folded`. */
  readonly counts?: 'whole';
}

const DEEP = Array.from({ length: 8 }, (_, depth) => `LEVEL${depth + 1}`);

export const GOLDEN_CASES: readonly GoldenCase[] = [
  { name: 'policy-accept', policy: 'ACCEPT' },
  { name: 'policy-drop', policy: 'DROP', entry: true },
  {
    name: 'address-prefix',
    rules: ['-A INPUT -s 10.0.0.0/8 -j DROP', '-A INPUT ! -d 192.0.2.1/32 -j DROP'],
    entry: true,
  },
  {
    name: 'address-prefix-v6',
    family: 'v6',
    rules: ['-A INPUT -s 2001:db8::/32 -j DROP', '-A INPUT ! -d 2001:db8::1/128 -j DROP'],
    entry: true,
  },
  { name: 'address-list', rules: ['-A INPUT -s 192.0.2.1,192.0.2.2,198.51.100.0/24 -j DROP'] },
  { name: 'address-range', rules: ['-A INPUT -m iprange --src-range 192.0.2.7-192.0.2.77 -j DROP'] },
  {
    name: 'address-range-v6',
    family: 'v6',
    rules: ['-A INPUT -m iprange --src-range 2001:db8::7-2001:db8:0:1::9 -j DROP'],
  },
  {
    name: 'ports',
    rules: ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', '-A INPUT -p udp -m udp ! --sport 1024:65535 -j DROP'],
    entry: true,
  },
  { name: 'multiport', rules: ['-A INPUT -p tcp -m multiport --dports 22,80,443,8000:8099 -j ACCEPT'] },
  { name: 'tcp-flags', rules: ['-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT'], entry: true },
  { name: 'tcp-option', rules: ['-A INPUT -p tcp -m tcp --tcp-option 5 -j DROP'], entry: true },
  { name: 'fragments', rules: ['-A INPUT -f -j DROP'], entry: true },
  {
    name: 'icmp-type',
    rules: ['-A INPUT -p icmp -m icmp --icmp-type 3/4 -j ACCEPT', '-A INPUT -p icmp -m icmp --icmp-type 8 -j DROP'],
    entry: true,
  },
  {
    name: 'icmp-type-v6',
    family: 'v6',
    rules: ['-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT'],
    entry: true,
  },
  { name: 'length', rules: ['-A INPUT -m length --length 0:100 -j DROP'], entry: true },
  {
    name: 'user-chain',
    userChains: ['WEB'],
    rules: ['-A INPUT -p tcp -j WEB', '-A INPUT -j DROP', '-A WEB -s 192.0.2.0/24 -j RETURN', '-A WEB -j ACCEPT'],
  },
  {
    name: 'goto',
    userChains: ['WEB'],
    rules: ['-A INPUT -p tcp -g WEB', '-A INPUT -j DROP', '-A WEB -s 192.0.2.0/24 -j ACCEPT'],
  },
  {
    name: 'inlined-chain',
    userChains: DEEP,
    rules: [
      '-A INPUT -j LEVEL1',
      ...DEEP.slice(1).map((name, index) => `-A LEVEL${index + 1} -j ${name}`),
      '-A LEVEL8 -p tcp -j RETURN',
      '-A LEVEL8 -j DROP',
    ],
  },
  { name: 'counters', counts: 'whole', rules: ['-A INPUT', '-A INPUT -p tcp'] },
  { name: 'limit', rules: ['-A INPUT -m limit --limit 3/sec --limit-burst 5 -j ACCEPT'] },
  { name: 'log', rules: ['-A INPUT -p tcp -j LOG --log-prefix "in: "'], entry: true },
  {
    name: 'reject-kinds',
    rules: [
      '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
      ...[
        'net-unreachable',
        'host-unreachable',
        'proto-unreachable',
        'net-prohibited',
        'host-prohibited',
        'admin-prohibited',
      ].map((type, index) => `-A INPUT -s 10.${index}.0.0/16 -j REJECT --reject-with icmp-${type}`),
      '-A INPUT -j REJECT --reject-with icmp-port-unreachable',
    ],
  },
  {
    name: 'reject-reset',
    hooks: ['xdp', 'tc'],
    rules: ['-A INPUT -p tcp -j REJECT --reject-with tcp-reset'],
    entry: true,
  },
  { name: 'reject-unreachable', hooks: ['xdp', 'tc'], rules: ['-A INPUT -j REJECT'], entry: true },
  { name: 'reject-as-drop', rules: ['-A INPUT -j REJECT'], options: { reject: 'drop' }, entry: true },
  {
    name: 'mark',
    hooks: ['tc'],
    rules: ['-A INPUT -m mark --mark 0x1/0xff -j DROP', '-A INPUT -j MARK --set-xmark 0x2/0xf'],
    entry: true,
  },
  {
    name: 'interface',
    hooks: ['xdp', 'tc'],
    rules: ['-A INPUT -i eth0 -j ACCEPT', '-A INPUT ! -i wlan+ -j DROP'],
    entry: true,
  },
  {
    name: 'interface-out',
    options: { chain: 'FORWARD' },
    hooks: ['xdp', 'tc'],
    rules: ['-A FORWARD -o eth0 -j DROP'],
    entry: true,
  },
  {
    name: 'packet-type',
    hooks: ['xdp', 'tc'],
    rules: ['-A INPUT -m pkttype --pkt-type broadcast -j DROP'],
    entry: true,
  },
  { name: 'mac', hooks: ['xdp', 'tc'], rules: ['-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP'], entry: true },
  {
    name: 'state',
    hooks: ['netfilter'],
    rules: [
      '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A INPUT -i eth0 -m state --state NEW -j DROP',
    ],
    entry: true,
  },
  {
    name: 'early',
    policy: 'DROP',
    options: { mode: 'early' },
    userChains: ['WEB'],
    rules: [
      '-A INPUT -s 192.0.2.0/24 -j DROP',
      '-A INPUT -m conntrack --ctstate NEW -j WEB',
      '-A INPUT -p udp -m conntrack --ctstate INVALID -j DROP',
      '-A INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A WEB -p tcp -m tcp --dport 80 -j ACCEPT',
      '-A WEB -p tcp -j DROP',
    ],
    entry: true,
  },
];

export function goldenText(golden: GoldenCase): string {
  return filterText(golden);
}

export function goldenPlace(golden: GoldenCase, hook: Hook): Place {
  return { chain: 'INPUT', family: golden.family ?? 'v4', optimize: false, ...golden.options, hook };
}

/** Chains without rules: the reading of the packet whole, once a family, and its differences from place to place. */
export const READING_CASES: readonly { readonly name: string; readonly place: Place; readonly differsFrom?: Place }[] =
  [
    ...(['v4', 'v6'] as const).flatMap((family) => {
      const first: Place = { family, hook: 'xdp', chain: 'INPUT' };
      return [
        { name: `${family}-input-xdp`, place: first },
        { name: `${family}-input-tc`, place: { family, hook: 'tc', chain: 'INPUT' }, differsFrom: first },
        { name: `${family}-forward-xdp`, place: { family, hook: 'xdp', chain: 'FORWARD' }, differsFrom: first },
        { name: `${family}-output-tc`, place: { family, hook: 'tc', chain: 'OUTPUT' }, differsFrom: first },
        {
          name: `${family}-prerouting-xdp`,
          place: { family, hook: 'xdp', chain: 'PREROUTING', table: 'raw' },
          differsFrom: first,
        },
        { name: `${family}-fragments-drop`, place: { ...first, fragments: 'drop' }, differsFrom: first },
        { name: `${family}-input-netfilter`, place: { family, hook: 'netfilter', chain: 'INPUT' } },
        { name: `${family}-vlan-drop`, place: { ...first, vlan: 'drop' }, differsFrom: first },
      ] satisfies readonly { name: string; place: Place; differsFrom?: Place }[];
    }),
  ];
