import { RealIptables, type RealIptablesOptions } from '../../../bpf-runtime/iptables/real-iptables.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { echo, frame4, packet, tcp, udp } from './frames.js';

export const able = process.getuid?.() === 0 && hasCommand('iptables-legacy');
export const ableNft = process.getuid?.() === 0 && hasCommand('iptables-nft');

export function withEngine<T>(options: RealIptablesOptions, body: (engine: RealIptables) => T): T {
  const engine = RealIptables.create(options);
  try {
    return body(engine);
  } finally {
    engine.close();
  }
}

/** One word for a judgement: verdict and rule, `-` before the chain. */
export function words(engine: RealIptables, packets: readonly Packet[]): readonly string[] {
  return engine.judge(packets).map((judgement) => {
    if (!judgement.reached) return `- ${judgement.reason}`;
    const { verdict, rule } = judgement;
    if (rule === undefined) return `${verdict} hotdrop`;
    return rule === 'policy' ? `${verdict} policy` : `${verdict} ${rule.chain} ${rule.number}`;
  });
}

export const RULES = (chain: string, loopback: string): string => `*filter
:${chain} DROP [0:0]
:web - [0:0]
[3:4] -A ${chain} ${loopback} lo -j ACCEPT
-A ${chain} -p tcp -m tcp --dport 22 -j web
-A ${chain} -p udp -m udp --dport 53 -j REJECT --reject-with icmp-port-unreachable
-A ${chain} -p tcp -m tcp --dport 113 -j REJECT --reject-with tcp-reset
-A ${chain} -m mark --mark 0x5 -j DROP
-A ${chain} -p icmp -m comment --comment "a -j b" -j RETURN
-A ${chain} -p udp -m udp --dport 99 -g web
-A ${chain} -p udp -m udp --dport 98 -m comment --comment -j
-A web -s 10.0.0.0/8 -j DROP
-A web -p tcp -j ACCEPT
COMMIT
`;

export const { frame: reset } = packet(frame4({ protocol: 6, validTcp: true }, tcp(1, 113)));

interface Case {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly device?: string;
  readonly mark?: number;
  readonly INPUT: string;
  readonly FORWARD: string;
  readonly OUTPUT: string;
}

const same = (want: string): Pick<Case, 'INPUT' | 'FORWARD' | 'OUTPUT'> => ({
  INPUT: want,
  FORWARD: want,
  OUTPUT: want,
});
const rule = (number: number, verdict: string): Pick<Case, 'INPUT' | 'FORWARD' | 'OUTPUT'> => ({
  INPUT: `${verdict} INPUT ${number}`,
  FORWARD: `${verdict} FORWARD ${number}`,
  OUTPUT: `${verdict} OUTPUT ${number}`,
});

export const CASES: readonly Case[] = [
  { name: 'accepted in a user chain', frame: frame4({ protocol: 6 }, tcp(1, 22)), ...same('accept web 2') },
  { name: 'dropped there', frame: frame4({ protocol: 6, from: '10.1.1.1' }, tcp(1, 22)), ...same('drop web 1') },
  {
    name: 'loopback',
    frame: frame4({ protocol: 6, from: '127.0.0.1', to: '127.0.0.1' }, tcp(1, 80)),
    device: 'lo',
    ...rule(1, 'accept'),
  },
  { name: 'rejected by ICMP', frame: frame4({ protocol: 17 }, udp(1, 53)), ...rule(3, 'reject') },
  { name: 'rejected by a reset', frame: reset, ...rule(4, 'reject') },
  { name: 'RETURN in a built-in chain', frame: frame4({ protocol: 1 }, echo()), ...same('drop policy') },
  { name: 'goto and fall out of it', frame: frame4({ protocol: 17 }, udp(1, 99)), ...same('drop policy') },
  { name: 'end of the chain', frame: frame4({ protocol: 17 }, udp(1, 98)), ...same('drop policy') },
  { name: 'marked', frame: frame4({ protocol: 17 }, udp(1, 98)), mark: 5, ...rule(5, 'drop') },
  {
    name: 'bad header checksum',
    frame: frame4({ protocol: 17, badChecksum: true }, udp(1, 98)),
    ...same('- stack'),
    OUTPUT: 'drop policy',
  },
  {
    name: 'TCP at fragment offset 1',
    frame: frame4({ protocol: 6, fragment: 1 }, tcp(1, 22)),
    ...same('drop hotdrop'),
    INPUT: '- stack',
  },
  { name: 'cut TCP header', frame: frame4({ protocol: 6 }, tcp(1, 22).slice(0, 10)), ...same('drop hotdrop') },
  {
    name: 'multicast source',
    frame: frame4({ protocol: 17, from: '224.0.0.1' }, udp(1, 98)),
    ...same('- stack'),
    OUTPUT: 'drop policy',
  },
  { name: 'no IP header', frame: new Uint8Array(14), ...same('- stack'), OUTPUT: '- unsendable' },
  { name: 'no Ethernet header', frame: new Uint8Array(8), ...same('- unsendable') },
];
