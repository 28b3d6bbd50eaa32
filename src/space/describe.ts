import { ADDRESS_TYPES, type Opaque } from '../../grammar/model/condition.js';
import { deviceGroupWords } from '../../grammar/model/device-group.js';
import type { Family } from '../../grammar/model/family.js';
import type { Interval } from '../../grammar/model/interval.js';
import { protocolName } from '../../grammar/bind/head.js';
import { printAddress } from '../../grammar/modules/value/address.js';
import { printMac } from '../packet/index.js';
import type { Box } from './boxes.js';
import type { Node, Range } from './diagram.js';
import { interfaceText } from './interface-names.js';
import { BASE_STATES, SOCKETS, type Input } from './meaning.js';
import type { Measure } from './measures.js';
import { valuesOf, type Segment } from './segments.js';
import type { PacketSpace } from './space.js';

/** One side of a rectangle: what is looked at, and which values it has there. */
export interface Side {
  readonly field: string;
  /** Values, ranges, networks; a first word `not` where the others are told. */
  readonly values: readonly string[];
}

/**
 * What a rectangle holds, side by side; what every packet of its kind has is left out. Where all packets that are
 * looked at lie `within` a region, values that none of them has are left out, too.
 */
export function describeBox(space: PacketSpace, box: Box, within: Node = space.feasible): readonly Side[] {
  const possible = (variable: number): readonly Range[] =>
    within === space.feasible ? space.valuesOf(variable) : space.valuesIn(within, variable);
  const protocols = protocolsOf(space, box, possible);
  return [...box]
    .sort(([a], [b]) => a - b)
    .flatMap(([variable, ranges]): readonly Side[] => {
      const meaning = space.meaningOf(variable);
      if (meaning.kind === 'input') return [inputSide(meaning.input, ranges)];
      const { measure, segment } = meaning;
      if (isUsual(measure, ranges, protocols)) return [];
      const side = measureSide(space, measure, segment, ranges, { protocols, possible: possible(variable) });
      return side.values.length === 0 ? [] : [side];
    });
}

/** The rectangle in one line, with at most so many values of each side. */
export function boxText(sides: readonly Side[], most = Infinity): string {
  if (sides.length === 0) return 'every packet';
  return sides
    .map(({ field, values }) => {
      const rest = values.length > most ? ` and ${values.length - most} more` : '';
      return `${field} ${values.slice(0, most).join(', ')}${rest}`;
    })
    .join('; ');
}

/** Protocols of the packets; undefined where nothing that is looked at tells them apart. */
function protocolsOf(
  space: PacketSpace,
  box: Box,
  possible: (variable: number) => readonly Range[],
): readonly Range[] | undefined {
  const [segment] = space.segmentsOf('proto');
  if (segment === undefined) return undefined;
  const all = possible(segment.variable);
  const given = box.get(segment.variable);
  return given === undefined ? all : overlap(given, all);
}

/** Whether the first bytes of the transport header are a type and a code: packets of ICMP are among them, and none of TCP or UDP. */
function beginsWithType(protocols: readonly Range[] | undefined): boolean {
  const has = (protocol: number): boolean => protocols?.some(([lo, hi]) => lo <= protocol && protocol <= hi) ?? true;
  return (has(1) || has(58)) && !has(6) && !has(17);
}

const HEADERS: Readonly<Record<number, number>> = { 6: 20, 17: 8, 1: 8, 58: 8 };

/** Whole packets with whole headers are not worth a word. */
function isUsual(measure: Measure, ranges: readonly Range[], protocols: readonly Range[] | undefined): boolean {
  const [[lo, hi]] = ranges.length === 1 ? ranges : [[-1, -1] as const];
  if (measure === 'fragoff') return lo === 0 && hi === 0;
  if (measure === 'l4found') return lo === 1;
  const header = protocols?.length === 1 && protocols[0][0] === protocols[0][1] ? HEADERS[protocols[0][0]] : undefined;
  return measure === 'l4len' && header !== undefined && lo >= 0 && lo <= header && hi >= 0xffd7;
}

function measureSide(
  space: PacketSpace,
  measure: Measure,
  segment: Segment,
  ranges: readonly Range[],
  { protocols, possible }: { readonly protocols: readonly Range[] | undefined; readonly possible: readonly Range[] },
): Side {
  const kept = overlap(ranges, possible);
  const inside = joined(kept.map((range) => valuesOf(segment, range)));
  const outside = joined(without(possible, kept).map((range) => valuesOf(segment, range)));
  const { name, print } = wordsOf(space, measure, segment, protocols);
  const told = (set: readonly Interval[]): readonly string[] => set.flatMap(print);
  if (outside.length === 0) return { field: name, values: told(inside) };
  // Each interval is a word or more: of the longer list of intervals the words are often not asked for.
  const plain = inside.length <= outside.length ? told(inside) : undefined;
  if (plain !== undefined && plain.length <= outside.length) return { field: name, values: plain };
  const [first, ...others] = told(outside);
  const fewer = others.length + 1 < inside.length || others.length + 1 < (plain ?? told(inside)).length;
  return { field: name, values: fewer ? [`not ${first}`, ...others] : (plain ?? told(inside)) };
}

function joined(set: readonly Interval[]): readonly Interval[] {
  const out: { lo: bigint; hi: bigint }[] = [];
  for (const { lo, hi } of set) {
    const last = out[out.length - 1];
    if (last !== undefined && last.hi + 1n === lo) last.hi = hi;
    else out.push({ lo, hi });
  }
  return out;
}

function overlap(a: readonly Range[], b: readonly Range[]): readonly Range[] {
  return b.flatMap(([from, to]) =>
    a.flatMap(([lo, hi]): Range[] => (lo <= to && hi >= from ? [[Math.max(lo, from), Math.min(hi, to)]] : [])),
  );
}

function without(all: readonly Range[], gone: readonly Range[]): readonly Range[] {
  const left: Range[] = [];
  let first = 0;
  for (const [from, to] of all) {
    while (first < gone.length && gone[first][1] < from) first++;
    let next = from;
    for (let i = first; i < gone.length && gone[i][0] <= to; i++) {
      const [lo, hi] = gone[i];
      if (lo > next) left.push([next, lo - 1]);
      next = Math.max(next, hi + 1);
    }
    if (next <= to) left.push([next, to]);
  }
  return left;
}

interface Words {
  readonly name: string;
  print(interval: Interval): readonly string[];
}

const decimal = ({ lo, hi }: Interval): readonly string[] => [lo === hi ? String(lo) : `${lo}-${hi}`];
const hex = ({ lo, hi }: Interval): readonly string[] => [
  lo === hi ? `0x${lo.toString(16)}` : `0x${lo.toString(16)}-0x${hi.toString(16)}`,
];

function wordsOf(
  space: PacketSpace,
  measure: Measure,
  segment: Segment,
  protocols: readonly Range[] | undefined,
): Words {
  const { family } = space;
  const bits = (name: string): string =>
    space.segmentsOf(measure).length === 1 ? name : `${name} ${bitsText(segment)}`;
  switch (measure) {
    case 'iif':
    case 'oif':
      return { name: measure === 'iif' ? 'in' : 'out', print: interfaces };
    case 'saddr':
    case 'daddr': {
      const name = measure === 'saddr' ? 'from' : 'to';
      if (space.segmentsOf(measure).length > 1) return { name: bits(name), print: hex };
      return { name, print: (interval) => networks(interval, family) };
    }
    case 'proto':
      return {
        name: 'protocol',
        print: ({ lo, hi }) =>
          hi - lo < 3n ? listed(lo, hi).map((n) => protocolName(Number(n))) : decimal({ lo, hi }),
      };
    case 'l4.0':
      if (segment.shift === 16 && beginsWithType(protocols)) return { name: 'type', print: messages };
      return { name: firstWord(segment), print: decimal };
    case 'l4.12':
      return flagWords(segment);
    case 'l4.4':
      return { name: 'SPI of AH', print: hex };
    case 'l4.8':
      return { name: `byte 8 of the transport header, ${bitsText(segment)}`, print: decimal };
    case 'fragoff':
      return { name: 'fragment offset / 8', print: decimal };
    case 'l4found':
      return { name: 'transport header', print: ({ lo }) => [lo === 0n ? 'not found' : 'found'] };
    case 'l4len':
      return { name: 'bytes behind the IP header', print: decimal };
    case 'ihl':
      return { name: 'words of IP header', print: decimal };
    case 'tos':
      return { name: bits('TOS'), print: hex };
    case 'ttl':
      return { name: 'TTL', print: decimal };
    case 'length':
      return { name: 'length', print: decimal };
    case 'pkttype':
      return {
        name: 'packet type',
        print: ({ lo, hi }) => listed(lo, hi).map((n) => PACKET_TYPES[Number(n)] ?? String(n)),
      };
    case 'mac.src':
      return {
        name: 'source MAC',
        print: ({ lo, hi }) => [lo === hi ? printMac(lo) : `${printMac(lo)}-${printMac(hi)}`],
      };
    case 'mark':
      return { name: bits('mark'), print: hex };
  }
}

const PACKET_TYPES = ['unicast', 'broadcast', 'multicast'];

function listed(lo: bigint, hi: bigint): readonly bigint[] {
  return Array.from({ length: Number(hi - lo) + 1 }, (_, i) => lo + BigInt(i));
}

function bitsText({ shift, bits }: Segment): string {
  return bits === 1 ? `bit ${shift}` : `bits ${shift}-${shift + bits - 1}`;
}

/** ICMP types, and types with their code. */
function messages({ lo, hi }: Interval): readonly string[] {
  const [type, code] = [lo >> 8n, lo & 0xffn];
  const [last, lastCode] = [hi >> 8n, hi & 0xffn];
  if (code === 0n && lastCode === 255n) return decimal({ lo: type, hi: last });
  if (type === last) return [code === lastCode ? `${type}/${code}` : `${type}/${code}-${lastCode}`];
  return [`${type}/${code}-${last}/${lastCode}`];
}

function firstWord({ shift, bits }: Segment): string {
  if (bits === 16) return shift === 16 ? 'source port' : 'port';
  return `bytes 0-3 of the transport header, bits ${shift}-${shift + bits - 1}`;
}

const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

function flagWords({ shift, bits }: Segment): Words {
  if (shift >= 8) return { name: shift >= 12 ? 'words of TCP header' : 'reserved bits', print: decimal };
  const names = FLAGS.slice(shift, shift + bits);
  const text = (value: bigint): string => {
    const set = names.filter((_, i) => (value >> BigInt(i)) & 1n);
    return set.length === 0 ? 'none' : set.join('+');
  };
  return {
    name: `flags of ${names.join('/')}:`,
    print: ({ lo, hi }) => (hi - lo < 8n ? listed(lo, hi).map(text) : [`${text(lo)} to ${text(hi)}`]),
  };
}

/** Names, `eth+` for all that begin alike; the empty name is that of no device. */
function interfaces({ lo, hi }: Interval): readonly string[] {
  if (lo === hi) return [lo === 0n ? '(none)' : interfaceText(lo)];
  for (let bytes = 15; bytes > 0; bytes--) {
    const rest = (1n << BigInt(8 * (16 - bytes))) - 1n;
    if ((lo & rest) === 0n && hi === (lo | rest)) return [`${interfaceText(lo)}+`];
  }
  const from = lo === 0n ? '' : `above ${interfaceText(lo)}`;
  const to = hi >> 120n === 0xffn ? '' : `up to ${interfaceText(hi)}`;
  return [[from, to].filter((word) => word !== '').join(' ') || 'any'];
}

/** More networks than this are told as a range. */
const MOST_NETWORKS = 4;

function networks({ lo, hi }: Interval, family: Family): readonly string[] {
  const width = family === 'v4' ? 32 : 128;
  const found: { readonly at: bigint; readonly bits: number }[] = [];
  for (let at = lo; at <= hi;) {
    if (found.length === MOST_NETWORKS) return [`${printAddress(lo, family)}-${printAddress(hi, family)}`];
    const bits = family === 'v4' ? bitsBehind(Number(at), Number(hi)) : longBitsBehind(at, hi, width);
    found.push({ at, bits });
    at += 1n << BigInt(bits);
  }
  return found.map(({ at, bits }) => `${printAddress(at, family)}${bits === 0 ? '' : `/${width - bits}`}`);
}

/** Bits of the hosts of the largest network that begins at an address of 32 bits and ends no later than another. */
function bitsBehind(at: number, hi: number): number {
  let bits = 0;
  for (let size = 2; bits < 32 && at % size === 0 && at + size - 1 <= hi; size *= 2) bits++;
  return bits;
}

function longBitsBehind(at: bigint, hi: bigint, width: number): number {
  let bits = 0;
  while (bits < width && (at & ((1n << BigInt(bits + 1)) - 1n)) === 0n && at + (1n << BigInt(bits + 1)) - 1n <= hi)
    bits++;
  return bits;
}

function inputSide(input: Input, ranges: readonly Range[]): Side {
  const chosen = ranges.flatMap(([lo, hi]) => Array.from({ length: Math.min(64, hi - lo + 1) }, (_, i) => lo + i));
  const named = (names: readonly string[]): readonly string[] => chosen.map((n) => names[n] ?? String(n));
  switch (input.kind) {
    case 'state':
      return { field: 'state', values: named(BASE_STATES) };
    case 'state-bit':
      return { field: input.state, values: named(['no', 'yes']) };
    case 'address-type':
      return { field: addressTypeText(input), values: named(ADDRESS_TYPES) };
    case 'socket':
      return { field: 'socket', values: named(SOCKETS) };
    case 'owner':
      return { field: input.which, values: ranges.map(([lo, hi]) => (lo === hi ? String(lo) : `${lo}-${hi}`)) };
    case 'cpu':
      return { field: 'cpu', values: ranges.map(([lo, hi]) => (lo === hi ? String(lo) : `${lo}-${hi}`)) };
    case 'tcp-option':
      return { field: `TCP option ${input.option}`, values: named(['no', 'yes']) };
    case 'test':
      return { field: `"${testWords(input.test)}"`, values: named(['no', 'yes']) };
    case 'changed':
      return { field: changedText(input), values: named(['no', 'yes']) };
    case 'target':
      return { field: `target ${input.target}`, values: named(['goes on', 'accepts', 'drops']) };
    case 'payload':
      return { field: `test of ${input.test.kind}`, values: named(['no', 'yes', 'drops', 'yes, drops']) };
  }
}

function changedText({ what, asked }: Extract<Input, { kind: 'changed' }>): string {
  return asked === undefined ? what : `"${testWords(asked.test)}" behind ${asked.by}`;
}

function testWords(test: Opaque): string {
  switch (test.name) {
    case 'set':
    case 'counted-set':
      return `in set ${test.test.name}`;
    case 'recent':
      return `recent ${test.test.list}`;
    case 'hashlimit':
      return `hashlimit ${test.test.name}`;
    case 'module':
      return [test.module, ...test.words].join(' ');
    case 'devgroup':
      return [test.name, ...deviceGroupWords(test)].join(' ');
    case 'conntrack':
    case 'connlimit':
      return [test.name, ...test.words].join(' ');
    case 'limit':
      return `within limit, burst ${test.burst}`;
    case 'ctstate':
      return `state ${test.states.join(',')}`;
    case 'addrtype':
    case 'quota':
    case 'nth':
    case 'owner':
    case 'time':
    case 'cpu':
    case 'random':
    case 'bridge-port':
      return test.name;
  }
}

/** A type may hang on the device that the route goes by (`--limit-iface-in`). */
function addressTypeText({ which, limit }: Extract<Input, { kind: 'address-type' }>): string {
  const field = `type of the ${which === 'src' ? 'source' : 'destination'}`;
  return limit === undefined
    ? field
    : `${field} at the device that the packet ${limit === 'in' ? 'came in' : 'goes out'} by`;
}
