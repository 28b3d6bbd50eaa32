import type { Condition, Opaque } from '../../grammar/model/condition.js';
import { deviceGroupWords } from '../../grammar/model/device-group.js';
import type { Family } from '../../grammar/model/family.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';
import type { Interval, IntervalSet } from '../../grammar/model/interval.js';
import type { RecentTest } from '../../grammar/model/memory.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { Effect, RuleRef } from '../../grammar/model/ruleset.js';
import { prefixLength, printAddress } from '../../grammar/modules/value/address.js';
import { printMac } from '../packet/address.js';
import { TCP_FLAG } from '../packet/numbers.js';
import type { SettledTest, TraceStep } from './trace.js';

const NAMES: Readonly<Record<Field, string>> = {
  iif: 'input interface',
  oif: 'output interface',
  saddr: 'source',
  daddr: 'destination',
  proto: 'protocol',
  l4found: 'transport header',
  fragoff: 'fragment offset',
  tos: 'TOS',
  ttl: 'TTL',
  length: 'length',
  l4len: 'bytes of transport header and payload',
  sport: 'source port',
  dport: 'destination port',
  'tcp.flags': 'TCP flags',
  'tcp.doff': 'TCP header length',
  'tcp.whole': 'TCP header',
  'tcp.options': 'TCP options',
  'icmp.type': 'ICMP type',
  'icmp.code': 'ICMP code',
  'esp.spi': 'ESP SPI',
  'ah.spi': 'AH SPI',
  'ipcomp.cpi': 'IPComp CPI',
  'dccp.type': 'DCCP type',
  'mh.next': 'header behind the mobility header',
  'mh.type': 'mobility header type',
  mark: 'mark',
  pkttype: 'packet type',
  'mac.src': 'source MAC',
  'mac.ether': 'Ethernet header',
};

const PACKET_TYPES = ['unicast', 'broadcast', 'multicast'];

/** A field's value for people. */
export function describeValue(field: Field, value: bigint, family: Family): string {
  switch (field) {
    case 'saddr':
    case 'daddr':
      return printAddress(value, family);
    case 'iif':
    case 'oif':
      return nameOfInterface(value);
    case 'mac.src':
      return printMac(value);
    case 'tcp.flags':
      return printFlags(Number(value));
    case 'mark':
    case 'tos':
    case 'tcp.options':
    case 'esp.spi':
    case 'ah.spi':
      return `0x${value.toString(16)}`;
    case 'pkttype':
      return PACKET_TYPES[Number(value)] ?? String(value);
    case 'l4found':
    case 'tcp.whole':
    case 'mac.ether':
      return value === 0n ? 'missing' : 'there';
    case 'proto':
    case 'fragoff':
    case 'ttl':
    case 'length':
    case 'l4len':
    case 'sport':
    case 'dport':
    case 'tcp.doff':
    case 'icmp.type':
    case 'icmp.code':
    case 'ipcomp.cpi':
    case 'dccp.type':
    case 'mh.next':
    case 'mh.type':
      return String(value);
  }
}

function nameOfInterface(value: bigint): string {
  if (value === 0n) return '(none)';
  const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(120 - 8 * i)) & 0xffn));
  return new TextDecoder().decode(Uint8Array.from(bytes)).replace(/\0+$/, '');
}

function printFlags(bits: number): string {
  const names = Object.entries(TCP_FLAG).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
  return names.length === 0 ? 'NONE' : names.join(',');
}

function describeInterval(field: Field, { lo, hi }: Interval, family: Family): string {
  const text = (value: bigint): string => describeValue(field, value, family);
  if (lo === hi) return text(lo);
  const top = (1n << BigInt(fieldBits(field, family))) - 1n;
  if (hi >= top && lo > 0n) return `${text(lo)} or more`;
  if (field === 'iif' || field === 'oif') return `${nameOfInterface(lo)}+`;
  if (field === 'saddr' || field === 'daddr') {
    const length = prefixLength(top ^ (hi - lo), family);
    if (length !== undefined && (lo & (hi - lo)) === 0n) return `${text(lo)}/${length}`;
  }
  return `${text(lo)}–${text(hi)}`;
}

/** Sets with more parts than this are cut. */
const SHOWN = 4;

function describeSet(field: Field, set: IntervalSet, family: Family): string {
  if (set.length === 0) return 'nothing';
  const shown = set.slice(0, SHOWN).map((part) => describeInterval(field, part, family));
  return set.length > SHOWN ? `${shown.join(', ')} and ${set.length - SHOWN} more` : shown.join(', ');
}

function describeRecent({ list, action, inverted, side, seconds, hits }: RecentTest): string {
  const address = side === 'src' ? 'source' : 'destination';
  if (action === 'set') return `${address} put into list ${list}${inverted ? ', which does not match' : ''}`;
  const often = hits > 1 ? ` ${hits} times` : '';
  const since = seconds === 0 ? '' : ` within ${seconds} s`;
  return `${address} ${inverted ? 'not in' : 'in'} list ${list}${often}${since}`;
}

function describeOpaque(test: Opaque): string {
  switch (test.name) {
    case 'ctstate':
      return `connection state ${test.states.join(',')}`;
    case 'conntrack':
      return `connection (${test.words.join(' ')})`;
    case 'addrtype':
      return `type of the ${test.which === 'src' ? 'source' : 'destination'} ${test.types.join(',')}`;
    case 'limit':
      return 'limit';
    case 'recent':
      return describeRecent(test.test);
    case 'hashlimit':
      return `a rate ${test.test.above ? 'above' : 'up to'} the limit of table ${test.test.name}`;
    case 'quota':
      return `${test.inverted ? 'no more' : 'something'} left of ${test.bytes} bytes`;
    case 'nth':
      return `${test.inverted ? 'another one than ' : ''}packet ${test.packet} of each ${test.every}`;
    case 'connlimit':
      return 'the number of connections';
    case 'time':
      return 'another time';
    case 'cpu':
      return `processor ${test.cpu}`;
    case 'devgroup':
      return `a device in the group of ${deviceGroupWords(test).join(' ')}`;
    case 'random':
      return 'chance';
    case 'bridge-port':
      return 'a bridge port';
    case 'owner':
      return 'the owner of the socket';
    case 'set':
    case 'counted-set':
      return `${test.test.directions.join(',')} in set ${test.test.name}`;
    case 'module':
      return `match ${test.module}`;
  }
}

const PAYLOAD_NAMES: Readonly<Record<PayloadTest['kind'], string>> = {
  'sctp-chunks': 'the SCTP chunks',
  'dccp-option': 'the DCCP option',
  'tcp-mss': 'the maximum segment size',
  'tcp-ecn': 'the TCP flags of congestion notification',
  ah: 'the authentication header',
  frag: 'the fragment header',
  rt: 'the routing header',
  options: 'the options of the header',
  headers: 'the extension headers',
  srh: 'the segment routing header',
  eui64: "an address made of the sender's MAC",
  u32: 'the words of the packet',
  string: 'the text in the packet',
  'classic-bpf': 'the BPF program to hold',
};

/** The condition in words: what a packet must be like. */
export function describeCondition(condition: Condition, family: Family): string {
  switch (condition.kind) {
    case 'in': {
      const mask = condition.mask === undefined ? '' : ` & 0x${condition.mask.toString(16)}`;
      return `${NAMES[condition.field]}${mask} ${describeSet(condition.field, condition.set, family)}`;
    }
    case 'not':
      return `not ${describeCondition(condition.of, family)}`;
    case 'hotdrop':
      return `not ${describeCondition(condition.when, family)}`;
    case 'opaque':
      return describeOpaque(condition.test);
    case 'payload':
      return PAYLOAD_NAMES[condition.test.kind];
    case 'all':
      return condition.of.length === 0
        ? 'anything'
        : condition.of.map((part) => describeCondition(part, family)).join(' and ');
    case 'any':
      return condition.of.length === 0
        ? 'nothing'
        : condition.of.map((part) => describeCondition(part, family)).join(' or ');
  }
}

/** Why a rule did not match: the value that the packet has, and what the test wants. */
export function describeTest(test: SettledTest, family: Family): string {
  const wanted = describeCondition(test.condition, family);
  if (test.field === undefined || test.value === undefined) return `wants ${wanted}`;
  return `${NAMES[test.field]} is ${describeValue(test.field, test.value, family)}, wants ${wanted}`;
}

const at = (rule: RuleRef): string => `${rule.chain} ${rule.number}`;

function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return effect.kind.toUpperCase();
    case 'continue':
      return 'counted, goes on';
    case 'jump':
      return `${effect.goto ? 'goes to' : 'jumps to'} ${effect.chain}`;
    case 'reject':
      return `REJECT with ${effect.type}`;
    case 'log':
      return `LOG, goes on`;
    case 'mark':
      return 'MARK, goes on';
    case 'opaque':
      return `${effect.target}, which is not understood`;
  }
}

/** One step of `explain`. */
export function describeStep(step: TraceStep, family: Family): string {
  switch (step.kind) {
    case 'match':
      return `${at(step.rule)}: ${step.text} → ${describeEffect(step.effect)}`;
    case 'mismatch':
      return `${at(step.rule)}: ${step.text} – no match: ${describeTest(step.test, family)}`;
    case 'hotdrop':
      return `${at(step.rule)}: ${step.text} → dropped at once by ${step.test.part}: ${describeHotdrop(step.test, family)}`;
    case 'return':
      return step.to === undefined ? `${step.chain} ends: to the policy` : `${step.chain} ends: back to ${at(step.to)}`;
    case 'policy':
      return `${step.chain}: policy ${step.policy}`;
  }
}

/** The condition of a hotdrop is what the packet must not be like. */
function describeHotdrop(test: SettledTest, family: Family): string {
  const { condition, field, value } = test;
  if (field === undefined || value === undefined) return describeCondition(condition, family);
  const found = `${NAMES[field]} is ${describeValue(field, value, family)}`;
  return condition.kind === 'not' ? `${found}, needs ${describeCondition(condition.of, family)}` : found;
}
