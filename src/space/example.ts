import type { Interval } from '../../grammar/model/interval.js';
import type { Packet } from '../../grammar/model/packet.js';
import { buildPacket, type ExtensionSpec, type PacketSpec, type TransportSpec } from '../packet/index.js';
import { networkBytes } from '../packet/bytes.js';
import { payloadReader, type PayloadAnswer } from '../evaluate/payload/index.js';
import { TRUE } from './diagram.js';
import { interfaceNameIn, interfaceNumber } from './interface-names.js';
import { locate, type Point } from './locate.js';
import type { Input } from './meaning.js';
import type { Measure } from './measures.js';
import { OUTCOME } from './outcome.js';
import { firstVariable, holdsAt, Products, type Product } from './product.js';
import { valuesOf } from './segments.js';
import type { PacketSpace } from './space.js';

/** A packet of a region, and what is assumed beside it. */
export interface Example {
  readonly packet: Packet;
  /** The value of each input that the region hangs on (src/space/meaning.ts). */
  readonly inputs: readonly { readonly input: Input; readonly value: number }[];
  readonly point: Point;
}

/**
 * A packet that lies in the region, as plain as can be; undefined where none was found: walks over the payload are not
 * aimed at, and a region may hang on values that no packet has together.
 */
export function exampleOf(space: PacketSpace, region: Product): Example | undefined {
  const [first = TRUE, ...others] = region;
  const inside = [space.diagrams.and(first, space.feasible), ...others];
  const values = chooseValues(space, inside);
  if (values === undefined) return undefined;
  const packet = packetOf(space, values);
  const inputs = inputsOf(space, values);
  const known = new Map(inputs.map(({ input, value }) => [JSON.stringify(input, textOf), value]));
  const payload = payloadReader(packet, space.family, space.hook);
  const point = locate(space, packet, (input) =>
    input.kind === 'payload' && input.rewritten === undefined
      ? PAYLOAD[payload(input.test)]
      : (known.get(JSON.stringify(input, textOf)) ?? usualInput(input)),
  );
  return holdsAt(space.diagrams, inside, point) ? { packet, inputs, point } : undefined;
}

/** Outcomes of walks over the payload. */
const PAYLOAD: Readonly<Record<PayloadAnswer, number>> = {
  no: OUTCOME.no,
  yes: OUTCOME.yes,
  hotdrop: OUTCOME.hotdrop,
  dropping: OUTCOME.dropping,
};

function textOf(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function usualInput(input: Input): number {
  if (input.kind === 'state') return 1;
  return input.kind === 'address-type' ? 1 : 0;
}

/** A way through the region on which each variable has its usual value where it may; undefined where the region is empty. */
function chooseValues(space: PacketSpace, region: Product): ReadonlyMap<number, number> | undefined {
  const products = new Products(space.diagrams);
  if (!products.some(region)) return undefined;
  const values = new Map<number, number>();
  for (let here: Product = region.filter((node) => node !== TRUE); here.length > 0;) {
    const variable = firstVariable(space.diagrams, here);
    const usual = usualValue(space, variable, values);
    const runs = [...products.runs(here)].sort((a, b) => distance(a, usual) - distance(b, usual));
    const run = runs.find(({ product }) => products.some(product));
    if (run === undefined) throw new Error('a way through a region that is empty');
    values.set(variable, choose(run, usual));
    here = run.product;
  }
  return values;
}

/** The usual value, or the nearest to it; not the first address of a net if there is another. */
function choose({ lo, hi }: { readonly lo: number; readonly hi: number }, usual: number): number {
  if (lo <= usual && usual <= hi) return usual;
  return usual > hi ? hi : hi > lo && lo > 0xffff ? lo + 1 : lo;
}

/** 0 where the value is inside. */
function distance({ lo, hi }: { readonly lo: number; readonly hi: number }, value: number): number {
  return Math.max(0, lo - value, value - hi);
}

const V4 = { saddr: 0xc6336407n, daddr: 0xc0000201n };
const V6 = { saddr: (0x20010db8n << 96n) | 7n, daddr: (0x20010db8n << 96n) | 1n };
const HEADERS: Readonly<Record<number, number>> = { 6: 20, 17: 8, 1: 8, 58: 8, 132: 16, 33: 12, 136: 8 };

function usualMeasure(space: PacketSpace, measure: Measure, protocol: number): bigint {
  switch (measure) {
    case 'saddr':
    case 'daddr':
      return (space.family === 'v4' ? V4 : V6)[measure];
    case 'proto':
      return 6n;
    case 'l4found':
      return 1n;
    case 'l4len':
      return BigInt(HEADERS[protocol] ?? 20);
    case 'l4.0':
      return protocol === 1 ? 0x08000000n : protocol === 58 ? 0x80000000n : (40000n << 16n) | 80n;
    case 'l4.12':
      return 0x5002n;
    case 'ttl':
      return 64n;
    case 'ihl':
      return 5n;
    case 'length':
      return 60n;
    case 'mac.src':
      return 0x020000000001n;
    case 'l4.4':
    case 'l4.8':
    case 'iif':
    case 'oif':
    case 'fragoff':
    case 'tos':
    case 'pkttype':
    case 'mark':
      return 0n;
  }
}

function usualValue(space: PacketSpace, variable: number, chosen: ReadonlyMap<number, number>): number {
  const meaning = space.meaningOf(variable);
  if (meaning.kind === 'input') return usualInput(meaning.input);
  const { measure, segment } = meaning;
  if (segment.parts !== undefined && (measure === 'iif' || measure === 'oif')) {
    const none = measure === 'iif' ? space.hook === 'OUTPUT' : space.hook === 'INPUT' || space.hook === 'PREROUTING';
    return none ? 0 : partIndex(segment.parts, interfaceNumber('eth0'));
  }
  const value = measureOf(space, chosen, measure, usualMeasure(space, measure, protocolOf(space, chosen)));
  const bits = (value >> BigInt(segment.shift)) & ((1n << BigInt(segment.bits)) - 1n);
  return segment.parts === undefined ? Number(bits) : partIndex(segment.parts, bits);
}

function partIndex(parts: readonly bigint[], value: bigint): number {
  return parts.findLastIndex((start) => start <= value);
}

function protocolOf(space: PacketSpace, chosen: ReadonlyMap<number, number>): number {
  const [segment] = space.segmentsOf('proto');
  return segment === undefined ? 6 : (chosen.get(segment.variable) ?? 6);
}

/** A measure of the chosen values; bits that nothing chose are as in `usual`. */
function measureOf(space: PacketSpace, chosen: ReadonlyMap<number, number>, measure: Measure, usual: bigint): bigint {
  let value = usual;
  for (const segment of space.segmentsOf(measure)) {
    const own = chosen.get(segment.variable);
    if (own === undefined) continue;
    const range = valuesOf(segment, [own, own]);
    const mask = ((1n << BigInt(segment.bits)) - 1n) << BigInt(segment.shift);
    const wanted = (usual & mask) >> BigInt(segment.shift);
    value = (value & ~mask) | (nearest(range, wanted) << BigInt(segment.shift));
  }
  return value;
}

/** The wanted value or the nearest to it, but not the first address of a net if there is another. */
function nearest({ lo, hi }: Interval, wanted: bigint): bigint {
  if (wanted >= lo) return wanted > hi ? hi : wanted;
  return hi > lo ? lo + 1n : lo;
}

function inputsOf(
  space: PacketSpace,
  values: ReadonlyMap<number, number>,
): readonly { readonly input: Input; readonly value: number }[] {
  return [...values].flatMap(([variable, value]) => {
    const meaning = space.meaningOf(variable);
    return meaning.kind === 'input' && meaning.input.kind !== 'tcp-option' ? [{ input: meaning.input, value }] : [];
  });
}

function packetOf(space: PacketSpace, values: ReadonlyMap<number, number>): Packet {
  const protocol = protocolOf(space, values);
  const get = (measure: Measure): bigint => measureOf(space, values, measure, usualMeasure(space, measure, protocol));
  const found = get('l4found') === 1n;
  const offset = Number(get('fragoff'));
  const transport = transportOf(space, values, protocol, get);
  const bytes = Number(get('l4len'));
  const ttl = Number(get('ttl'));
  const type = get('pkttype');
  const spec: PacketSpec = {
    link: {
      source: get('mac.src'),
      ...(type === 0n ? {} : { destination: type === 1n ? 0xffffffffffffn : 0x01005e000001n }),
    },
    ip:
      space.family === 'v4'
        ? {
            family: 'v4',
            source: get('saddr'),
            destination: get('daddr'),
            protocol,
            tos: Number(get('tos')),
            ttl: onTheWire(space, ttl),
            ...(offset === 0 ? {} : { fragmentOffset: offset }),
            ...(get('ihl') > 5n ? { options: new Uint8Array((Number(get('ihl')) - 5) * 4).fill(1) } : {}),
          }
        : {
            family: 'v6',
            source: get('saddr'),
            destination: get('daddr'),
            trafficClass: Number(get('tos')),
            hopLimit: onTheWire(space, ttl),
            ...headersV6(space, found, offset, Number(get('length')) - 40 - bytes),
          },
    ...(found ? { transport } : {}),
    ...(found && bytes < (HEADERS[protocol] ?? 0) && transport.kind !== 'other' ? { cut: bytes } : {}),
  };
  return buildPacket(spec, {
    inInterface: nameOf(space, 'iif', values),
    outInterface: nameOf(space, 'oif', values),
    mark: Number(get('mark')),
  });
}

/** FORWARD sees a TTL one less than the wire's. */
function onTheWire({ hook }: PacketSpace, ttl: number): number {
  return hook === 'FORWARD' ? (ttl + 1) & 0xff : ttl;
}

function headersV6(
  space: PacketSpace,
  found: boolean,
  offset: number,
  before: number,
): { readonly extensions?: readonly ExtensionSpec[]; readonly nextHeader?: number } {
  // Destination options are said to follow, and the packet ends.
  if (!found) return { nextHeader: 60 };
  if (offset !== 0) return { extensions: [{ kind: 'fragment', offset: offset * 8 }] };
  if (space.segmentsOf('length').length === 0 || before < 8) return {};
  const filling = Math.min(before - (before % 8), 2048);
  return { extensions: [{ kind: 'destination', options: paddingOptions(filling - 2) }] };
}

/** PadN options (RFC 8200 section 4.2). */
function paddingOptions(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at + 2 <= bytes;) {
    const size = Math.min(255, bytes - at - 2);
    out[at] = 1;
    out[at + 1] = size;
    at += 2 + size;
  }
  return out;
}

function transportOf(
  space: PacketSpace,
  values: ReadonlyMap<number, number>,
  protocol: number,
  get: (measure: Measure) => bigint,
): TransportSpec {
  const word = Number(get('l4.0'));
  const bytes = Number(get('l4len'));
  const ports = { sport: word >>> 16, dport: word & 0xffff };
  const payload = (header: number): Uint8Array => new Uint8Array(Math.max(0, bytes - header));
  const plain = space.segmentsOf('fragoff').length === 0 || get('fragoff') === 0n;
  switch (plain ? protocol : -1) {
    case 6: {
      const flags = Number(get('l4.12'));
      const offset = (flags >> 12) & 0xf;
      const options = tcpOptions(space, values, Math.min(offset, bytes >> 2));
      return {
        kind: 'tcp',
        ...ports,
        sequence: Number(get('l4.4')),
        flags: flags & 0xff,
        dataOffset: offset,
        ...(options.length === 0 ? {} : { options }),
        payload: payload(20 + options.length),
      };
    }
    case 17:
    case 136:
      return { kind: protocol === 17 ? 'udp' : 'udplite', ...ports, payload: payload(8) };
    case 1:
    case 58: {
      const kind = protocol === 1 ? 'icmp' : 'icmp6';
      return { kind, type: word >>> 24, code: (word >>> 16) & 0xff, payload: payload(8) };
    }
    default: {
      const raw = new Uint8Array(Math.max(bytes, 16));
      raw.set(networkBytes(get('l4.0'), 4), 0);
      raw.set(networkBytes(get('l4.4'), 4), 4);
      raw.set(networkBytes(get('l4.8'), 1), 8);
      raw.set(networkBytes(get('l4.12'), 2), 12);
      return { kind: 'other', protocol, payload: raw.subarray(0, bytes) };
    }
  }
}

/** Options of the kinds that are to be met, and no others that anybody asks for, as far as there is room. */
function tcpOptions(space: PacketSpace, values: ReadonlyMap<number, number>, offset: number): Uint8Array {
  const room = Math.max(0, offset - 5) * 4;
  const asked = new Map<number, boolean>();
  for (const [variable, value] of values) {
    const meaning = space.meaningOf(variable);
    if (meaning.kind === 'input' && meaning.input.kind === 'tcp-option') asked.set(meaning.input.option, value === 1);
  }
  const filler = asked.get(1) === false ? (asked.get(0) === false ? 253 : 0) : 1;
  const out = new Uint8Array(room).fill(filler);
  let at = 0;
  for (const [kind, wanted] of asked) {
    if (!wanted || at >= room) continue;
    out[at] = kind;
    if (kind >= 2 && at + 1 < room) out[at + 1] = 2;
    at += kind < 2 ? 1 : 2;
  }
  if (filler === 253 && at < room) out.set([253, room - at], at);
  return out;
}

function nameOf(space: PacketSpace, measure: 'iif' | 'oif', values: ReadonlyMap<number, number>): string {
  const [segment] = space.segmentsOf(measure);
  const none = measure === 'iif' ? space.hook === 'OUTPUT' : space.hook === 'INPUT' || space.hook === 'PREROUTING';
  if (none) return '';
  if (segment === undefined) return measure === 'iif' && space.hook === 'POSTROUTING' ? '' : 'eth0';
  const own = values.get(segment.variable) ?? partIndex(segment.parts ?? [0n], interfaceNumber('eth0'));
  return interfaceNameIn(valuesOf(segment, [own, own])) ?? '';
}
