import type { Family } from '../../grammar/model/family.js';
import type { Pool } from './random-pool.js';
import { randomPayloadMatch, randomProtocolMatch } from './random-payload.js';
import type { Random } from './random.js';

/** The chains of table filter. */
export type FilterChain = 'INPUT' | 'FORWARD' | 'OUTPUT';

/** What rules may be about. */
export interface Place {
  readonly family: Family;
  readonly chain: FilterChain;
  readonly stateful: boolean;
  readonly marks: boolean;
  readonly limit: boolean;
  /** Whether rules may test what lies behind the headers: texts, options, chunks. */
  readonly payloads: boolean;
  readonly pool: Pool;
}

export interface RandomMatches {
  readonly words: readonly string[];
  /** Whether the rule is about TCP alone. */
  readonly tcp: boolean;
}

type Write = (place: Place, random: Random) => string;

interface RandomMatch {
  readonly write: Write;
  /** How often, beside the others. */
  readonly weight: number;
  readonly fits?: (place: Place) => boolean;
}

const not = (random: Random, chance = 0.25): string => (random.chance(chance) ? '! ' : '');

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];

/** Mask and wanted flags. An empty mask asks for no flag: `iptables-save` leaves others out. */
function flagTest(random: Random): string {
  const list = (chance: number): string => FLAG_NAMES.filter(() => random.chance(chance)).join(',') || 'NONE';
  const mask = list(0.4);
  return `${mask} ${mask === 'NONE' ? 'NONE' : list(0.4)}`;
}

const TCP: readonly Write[] = [
  ({ pool }, random) => `${not(random)}--sport ${pool.portRange()}`,
  ({ pool }, random) => `${not(random)}--dport ${pool.portRange()}`,
  (_, random) => `${not(random)}--tcp-flags ${random.pick(['FIN,SYN,RST,ACK SYN', flagTest(random)])}`,
  (_, random) => `${not(random)}--tcp-option ${random.pick([1, 2, 3, 4, 8, 254])}`,
];
const UDP = TCP.slice(0, 2);

function some(writers: readonly Write[], place: Place, random: Random): string {
  const chosen = writers.filter(() => random.chance(0.45));
  return (chosen.length === 0 ? [random.pick(writers)] : chosen).map((write) => write(place, random)).join(' ');
}

const multiport: Write = ({ pool }, random) =>
  `-m multiport ${not(random)}--${random.pick(['sports', 'dports', 'ports'])} ${pool.portList()}`;

function icmp4(random: Random): string {
  const type = random.pick(['0', '3', '8', '11', '255', 'any', String(random.below(256)), '3/4', '3/1', '8/0', '5/1']);
  return `-m icmp ${not(random, 0.2)}--icmp-type ${type}`;
}

function icmp6(random: Random): string {
  const type = random.pick([
    '1',
    '2',
    '128',
    '129',
    '133',
    '135',
    '136',
    '1/4',
    '3/0',
    '128/0',
    String(random.below(256)),
  ]);
  return `-m icmp6 ${not(random, 0.2)}--icmpv6-type ${type}`;
}

const v4 = ({ family }: Place): boolean => family === 'v4';
const v6 = ({ family }: Place): boolean => family === 'v6';
const arriving = ({ chain }: Place): boolean => chain !== 'OUTPUT';
const stateful = ({ stateful: wanted }: Place): boolean => wanted;

function addressTypes({ family, stateful: any }: Place, random: Random): string {
  if (family === 'v6') return random.pick(any ? ['MULTICAST', 'UNICAST', 'LOCAL'] : ['MULTICAST', 'UNICAST', 'UNSPEC']);
  if (any) return random.pick(['MULTICAST', 'BROADCAST', 'LOCAL', 'UNICAST', 'LOCAL,BROADCAST']);
  const whole = 'UNICAST,LOCAL,BROADCAST,ANYCAST';
  return random.pick(['MULTICAST', 'MULTICAST', whole, `${whole},MULTICAST`]);
}

const STATES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED'];

function states(random: Random, also: readonly string[]): string {
  const names = [...STATES, ...also].filter(() => random.chance(0.3));
  return names.join(',') || 'RELATED,ESTABLISHED';
}

function hops({ family }: Place, random: Random): string {
  const name = family === 'v4' ? 'ttl' : 'hl';
  const value = random.pick([1, 2, 63, 64, 128, 255, 1 + random.below(255)]);
  const test = random.pick(['eq', 'lt', 'gt']);
  return `-m ${name} ${test === 'eq' ? not(random) : ''}--${name}-${test} ${value}`;
}

function lengths(random: Random): string {
  const lo = random.pick([0, 20, 28, 40, 60, random.below(120)]);
  const hi = random.pick([lo, lo + random.below(60), 65535]);
  return `-m length ${not(random)}--length ${random.chance(0.3) ? lo : `${lo}:${hi}`}`;
}

function typeOfService(random: Random): string {
  const value = random.pick([0, 16, 184, random.below(256)]);
  const mask = random.pick([255, 63, 252, 0x1e]);
  return `-m tos ${not(random)}--tos 0x${value.toString(16)}/0x${mask.toString(16)}`;
}

/** Matches of any protocol, but the addresses, devices and protocol itself. */
const MATCHES: readonly RandomMatch[] = [
  { weight: 4, write: ({ pool }, random) => `-m mark ${not(random)}--mark ${pool.mark()}` },
  {
    weight: 3,
    write: (place, random) => {
      const which = random.pick(['src', 'dst'] as const);
      return `-m addrtype ${not(random)}--${which}-type ${addressTypes(place, random)}`;
    },
  },
  { weight: 2, fits: arriving, write: ({ pool }, random) => `-m mac ${not(random)}--mac-source ${pool.mac()}` },
  {
    weight: 4,
    write: ({ pool }, random) =>
      `-m iprange ${not(random)}--${random.pick(['src', 'dst'])}-range ${pool.addressRange()}`,
  },
  { weight: 3, write: (_, random) => lengths(random) },
  { weight: 3, write: hops },
  {
    weight: 2,
    write: (_, random) => `-m dscp ${not(random)}--dscp 0x${random.pick([0, 4, 46, random.below(64)]).toString(16)}`,
  },
  { weight: 2, write: (_, random) => typeOfService(random) },
  {
    weight: 6,
    fits: ({ payloads }) => payloads,
    write: ({ family }, random) => randomPayloadMatch(family, random),
  },
  {
    weight: 2,
    write: (_, random) => `-m pkttype ${not(random)}--pkt-type ${random.pick(['unicast', 'broadcast', 'multicast'])}`,
  },
  { weight: 2, write: (_, random) => `-m comment --comment "${random.pick(['web', 'it\\"s', 'a b  c', 'x'])}"` },
  {
    weight: 2,
    fits: ({ limit }) => limit,
    write: (_, random) =>
      `-m limit --limit ${1 + random.below(20)}/${random.pick(['sec', 'min', 'hour'])} --limit-burst ${1 + random.below(10)}`,
  },
  {
    weight: 12,
    fits: stateful,
    write: (_, random) => `-m conntrack ${not(random)}--ctstate ${states(random, ['SNAT', 'DNAT'])}`,
  },
  { weight: 6, fits: stateful, write: (_, random) => `-m state ${not(random)}--state ${states(random, [])}` },
];

function pickWeighted(from: readonly RandomMatch[], random: Random): RandomMatch {
  let left = random.below(from.reduce((sum, { weight }) => sum + weight, 0));
  return from.find(({ weight }) => (left -= weight) < 0) ?? from[0];
}

/** `builtin`: whether the rule stands in the built-in chain itself, where iptables takes only its own devices. */
export function randomMatches(place: Place, builtin: boolean, random: Random, most = 3): RandomMatches {
  const { family, chain, pool } = place;
  const words: string[] = [];
  const add = (text: string): void => void words.push(text);
  const chance = most >= 3 ? 0.3 : 0.15;
  if (random.chance(chance)) add(`${not(random, 0.2)}-s ${pool.network()}`);
  if (random.chance(chance)) add(`${not(random, 0.2)}-d ${pool.network()}`);
  if (random.chance(0.15) && (!builtin || chain !== 'OUTPUT')) add(`${not(random)}-i ${pool.device()}`);
  if (random.chance(0.15) && (!builtin || chain !== 'INPUT')) add(`${not(random)}-o ${pool.device()}`);
  const protocol = protocolWords(place, random);
  if (protocol.words !== '') add(protocol.words);
  if (family === 'v4' && random.chance(0.06)) add(`${not(random, 0.4)}-f`);
  if (protocol.more !== '') add(protocol.more);
  const fitting = MATCHES.filter(({ fits }) => fits === undefined || fits(place));
  for (let i = 0; i < most; i++) if (random.chance(0.22)) add(pickWeighted(fitting, random).write(place, random));
  return { words, tcp: protocol.tcp };
}

interface ProtocolWords {
  /** `-p …`. */
  readonly words: string;
  /** Matches that are about it. */
  readonly more: string;
  readonly tcp: boolean;
}

function protocolWords(place: Place, random: Random): ProtocolWords {
  const dice = random.below(100);
  const say = (words: string, more: string, tcp = false): ProtocolWords => ({ words, more, tcp });
  if (dice < 26) return say('-p tcp', random.chance(0.75) ? portMatches('tcp', TCP, place, random) : '', true);
  if (dice < 44) return say('-p udp', random.chance(0.75) ? portMatches('udp', UDP, place, random) : '');
  if (dice < 54) {
    const more = random.chance(0.85);
    if (v6(place)) return say('-p ipv6-icmp', more ? icmp6(random) : '');
    return say('-p icmp', more ? icmp4(random) : '');
  }
  if (dice < 56 && place.payloads) {
    const { protocol, words } = randomProtocolMatch(place.family, random);
    return say(`-p ${protocol}`, words, protocol === 'tcp');
  }
  if (dice < 58) return say(`-p ${random.pick(['sctp', 'udplite', 'dccp'])}`, multiport(place, random));
  if (dice < 63) return say(`! -p ${random.pick(['tcp', 'udp', v4(place) ? 'icmp' : 'ipv6-icmp', '47'])}`, '');
  if (dice < 67) return say(`-p ${random.pick(['gre', '50', '132', '255'])}`, '');
  return say('', '');
}

function portMatches(name: string, writers: readonly Write[], place: Place, random: Random): string {
  const own = (): string => `-m ${name} ${some(writers, place, random)}`;
  const dice = random.below(10);
  if (dice < 7) return own();
  return dice < 9 ? multiport(place, random) : `${own()} ${multiport(place, random)}`;
}
