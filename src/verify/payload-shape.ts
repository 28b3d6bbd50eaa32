import type { Condition } from '../../grammar/model/condition.js';
import type { PayloadTest, RangeTest, ValueTest } from '../../grammar/model/payload.js';
import { concat, networkBytes, putU16 } from '../packet/bytes.js';
import type { ExtensionSpec } from '../packet/index.js';
import { bytesForU32, type BytesAt } from './u32-shape.js';
import type { Random } from './random.js';

/** A test over the packet's bytes that a packet is to pass, to fail, or nearly to pass. */
export interface PayloadAim {
  readonly test: PayloadTest;
  readonly sense: 'pass' | 'fail' | 'beside';
}

/** Tests over the packet's bytes that make the condition true (or false). */
export function payloadAims(condition: Condition, sense: boolean, random: Random): readonly PayloadAim[] {
  switch (condition.kind) {
    case 'payload':
      return [{ test: condition.test, sense: sense ? 'pass' : 'fail' }];
    case 'not':
      return payloadAims(condition.of, !sense, random);
    case 'hotdrop':
      return payloadAims(condition.when, false, random);
    case 'in':
    case 'opaque':
      return [];
    case 'all':
    case 'any':
      if ((condition.kind === 'all') === sense) {
        return condition.of.flatMap((part) => payloadAims(part, sense, random));
      }
      return condition.of.length === 0 ? [] : payloadAims(random.pick(condition.of), sense, random);
  }
}

/** What the aims make of a packet; what they leave open is as in any other packet. */
export interface PayloadShape {
  readonly tcpOptions?: Uint8Array;
  readonly tcpFlags?: number;
  /** Everything behind the ports of SCTP and DCCP. */
  readonly afterPorts?: Uint8Array;
  readonly extensions: readonly ExtensionSpec[];
  /** The source address is to hold the source MAC. */
  readonly macInSource: boolean;
  /** Bytes to write into the finished packet, by their offset from the IP header. */
  readonly bytes: readonly BytesAt[];
}

export function shapePayload(aims: readonly PayloadAim[], random: Random): PayloadShape {
  const shape: { -readonly [K in keyof PayloadShape]: PayloadShape[K] } = {
    extensions: [],
    macInSource: false,
    bytes: [],
  };
  for (const { test, sense } of aims) {
    // Whether the packet gets what the test looks for; an inverted test wants the contrary.
    const inverted = 'inverted' in test && test.inverted;
    const found = sense === 'beside' ? random.chance(0.5) : (sense === 'pass') !== inverted;
    const near = sense === 'beside' || random.chance(0.1);
    switch (test.kind) {
      case 'sctp-chunks':
        shape.afterPorts = concat(new Uint8Array(8), sctpChunks(test, found, near, random));
        break;
      case 'dccp-option':
        shape.afterPorts = dccpHeader(test.option, found, near, random);
        break;
      case 'tcp-mss':
        shape.tcpOptions = mssOptions(test.size, sense, random);
        break;
      case 'tcp-ecn':
        shape.tcpFlags = (random.chance(0.5) ? 0x40 : 0) | (random.chance(0.5) ? 0x80 : 0) | random.below(64);
        break;
      case 'eui64':
        shape.macInSource = sense !== 'fail';
        break;
      case 'u32':
        shape.bytes = [...shape.bytes, ...bytesForU32(test, sense, random)];
        break;
      case 'string':
        shape.bytes = [...shape.bytes, ...textAt(test, sense, random)];
        break;
      case 'classic-bpf':
        break;
      case 'ah':
      case 'frag':
      case 'rt':
      case 'options':
      case 'headers':
      case 'srh':
        shape.extensions = [...shape.extensions, ...extensionsFor(test, sense, random)];
    }
  }
  return shape;
}

type Of<K extends PayloadTest['kind']> = Extract<PayloadTest, { kind: K }>;

/** Some chunk types that no rule has to name. */
const OTHER_CHUNKS = [0, 1, 3, 6, 14, 64, 130, 193, 200, 255];

/** Chunks with or without those that are asked for; near: one is missing, too many, has other flags, or is cut. */
function sctpChunks(test: Of<'sctp-chunks'>, found: boolean, near: boolean, random: Random): Uint8Array {
  const named = test.types.length > 40 ? [random.below(256), random.below(256)] : [...test.types];
  const others = OTHER_CHUNKS.filter((type) => !test.types.includes(type));
  let types: number[];
  if (test.match === 'all') types = found ? named : named.slice(1);
  else
    types = Array.from({ length: 1 + random.below(3) }, () => random.pick(named.length === 0 ? OTHER_CHUNKS : named));
  if (!found && test.match !== 'all' && others.length > 0) types = types.map(() => random.pick(others));
  if (test.match !== 'only' && random.chance(0.5) && others.length > 0) types.push(random.pick(others));
  if (near && random.chance(0.5)) types.push(random.pick(OTHER_CHUNKS));
  if (near && random.chance(0.3)) types.shift();
  const chunks = types.map((type) => {
    const asked = test.flags.find((flags) => flags.type === type);
    const noise = random.below(256);
    const flags = asked === undefined ? noise : (noise & ~asked.mask) | asked.set;
    const wrong = near && asked !== undefined && random.chance(0.4) ? asked.mask & -asked.mask : 0;
    return sctpChunk(type, flags ^ wrong, random, near);
  });
  return concat(...chunks);
}

function sctpChunk(type: number, flags: number, random: Random, near: boolean): Uint8Array {
  const length = 4 + random.below(random.chance(0.3) ? 24 : 5);
  const chunk = new Uint8Array((length + 3) & ~3);
  chunk[0] = type;
  chunk[1] = flags;
  putU16(chunk, 2, near && random.chance(0.2) ? random.pick([0, 1, 3, length + 1, length + 4, 65535]) : length);
  return chunk;
}

/** Bytes behind the generic DCCP header by type (RFC 4340 section 5). */
const DCCP_TYPE_BYTES = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8];

/** A DCCP header from its data offset on. */
function dccpHeader(option: number, found: boolean, near: boolean, random: Random): Uint8Array {
  const type = random.below(near ? 16 : 10);
  const extended = random.chance(0.5);
  const fixed = 12 + (extended ? 4 : 0) + (DCCP_TYPE_BYTES[type] ?? 12);
  const options = optionList(option, found, near, random);
  const header = new Uint8Array((fixed + options.length + 3) & ~3);
  header.set(options, fixed);
  header[4] = near && random.chance(0.4) ? random.below(256) : header.length / 4;
  header[8] = (type << 1) | (extended ? 1 : 0);
  const trailing = random.chance(0.5) ? random.bytes(random.below(12)) : new Uint8Array(0);
  const cut = near && random.chance(0.2) ? random.below(4) : 0;
  return concat(header.subarray(4, header.length - cut), trailing);
}

/** Options of kind, length, value, the one asked for among them or not. */
function optionList(option: number, found: boolean, near: boolean, random: Random): Uint8Array {
  const parts = Array.from({ length: random.below(3) }, () => {
    const kind = random.pick([0, 1, 1, 32, 38, 44, option === 2 ? 3 : 2, (option + 1) & 0xff]);
    return kind < 2 ? [kind] : [kind, 4, option, random.below(256)];
  });
  if (found)
    parts.splice(random.below(parts.length + 1), 0, option < 2 ? [option] : [option, 2 + random.below(3), 0, 0]);
  if (near && random.chance(0.5)) parts.push(random.pick([[option], [5, 0], [6, 255], [7]]));
  return Uint8Array.from(parts.flat().map((byte) => byte & 0xff));
}

/** TCP options with a segment size on, in and around the ends of the range. */
function mssOptions({ lo, hi }: RangeTest, sense: PayloadAim['sense'], random: Random): Uint8Array {
  const size =
    random.pick([lo, hi, lo + random.below(Math.max(1, hi - lo)), lo - 1, hi + 1, random.below(65536)]) & 0xffff;
  const mss = [2, 4, size >> 8, size & 0xff];
  const before = random.pick([[], [1], [1, 1, 1], [8, 10, 0, 0, 0, 0, 0, 0, 0, 0], [3, 3, 7]]);
  if (sense === 'beside' || random.chance(0.1)) {
    const odd = random.pick([[2, 3, size >> 8], [2, 4, size >> 8], [2, 0], [2], [2, 6, ...mss.slice(2), 0, 0], []]);
    return Uint8Array.from([...before, ...odd, ...(random.chance(0.5) ? mss : [])]);
  }
  return Uint8Array.from([...before, ...mss]);
}

/** A number that passes a test of a range, or is next to its ends. */
function numberFor({ lo, hi }: { lo: number; hi: number }, random: Random, top: number): number {
  const value = random.pick([lo, lo, hi, lo - 1, hi + 1, lo + random.below(Math.min(1000, Math.max(1, hi - lo + 1)))]);
  return Math.max(0, Math.min(top, value));
}

const valueFor = (test: ValueTest | undefined, random: Random, otherwise: () => number): number =>
  test === undefined || random.chance(0.15) ? otherwise() : random.chance(0.1) ? test.value ^ 1 : test.value;

type ExtensionTest = Of<'ah' | 'frag' | 'rt' | 'options' | 'headers' | 'srh'>;

function extensionsFor(test: ExtensionTest, sense: PayloadAim['sense'], random: Random): readonly ExtensionSpec[] {
  if (sense === 'fail' && random.chance(0.4)) return [];
  const odd = sense === 'beside' || random.chance(0.1);
  switch (test.kind) {
    case 'ah': {
      const bytes = valueFor(test.length, random, () => 12 + 4 * random.below(4));
      const data = new Uint8Array(Math.max(0, Math.min(60, bytes - 12)));
      const spi = numberFor(test.spi, random, 0xffffffff);
      const reserved = (test.reserved ? random.chance(0.3) : random.chance(0.5)) ? random.below(65536) : 0;
      return [{ kind: 'authentication', data, spi, reserved, ...(odd ? { length: random.below(6) } : {}) }];
    }
    case 'frag': {
      const later = test.first ? random.chance(0.2) : random.chance(0.3);
      return [
        {
          kind: 'fragment',
          id: numberFor(test.id, random, 0xffffffff),
          offset: later ? 8 * (1 + random.below(50)) : 0,
          more: test.more ? !odd : test.last ? odd : random.chance(0.5),
          length: odd ? random.below(3) : 0,
          spare: random.chance(odd ? 0.5 : 0.1) ? random.below(4) : 0,
        },
      ];
    }
    case 'rt':
      return [routingHeader(test, odd, random)];
    case 'srh':
      return [segmentRoutingHeader(test, odd, random)];
    case 'options':
      return [optionsHeader(test, odd, random)];
    case 'headers':
      return headerList(test, odd, random);
  }
}

function routingHeader(test: Of<'rt'>, odd: boolean, random: Random): ExtensionSpec {
  const bytes = valueFor(test.length, random, () => 8 * (1 + random.below(5)));
  let data = new Uint8Array(Math.max(4, Math.min(200, bytes - 4)));
  if (test.addresses !== undefined) {
    const list = test.addresses.list.map((address) =>
      networkBytes(odd && random.chance(0.3) ? address ^ 1n : address, 16),
    );
    if (odd && random.chance(0.3)) list.pop();
    const others = test.addresses.strict && !odd ? 0 : random.below(3);
    for (let i = 0; i < others; i++) list.splice(random.below(list.length + 1), 0, random.bytes(16));
    data = Uint8Array.from(concat(new Uint8Array(4), ...list));
    if (odd && random.chance(0.3)) data = Uint8Array.from(concat(data, new Uint8Array(8)));
  }
  if (odd && random.chance(0.4)) data[0] = 1;
  return {
    kind: 'routing',
    type: valueFor(test.type, random, () => random.below(5)) & 0xff,
    segmentsLeft: numberFor(test.segmentsLeft, random, 255),
    data,
    ...(odd && random.chance(0.3) ? { length: random.below(12) } : {}),
  };
}

function segmentRoutingHeader(test: Of<'srh'>, odd: boolean, random: Random): ExtensionSpec {
  const near = (tests: Of<'srh'>['tag'], otherwise: number): number =>
    tests.length === 0 ? otherwise : Math.max(0, random.pick(tests).value + random.pick([0, 0, 1, -1]));
  const last = near(test.lastEntry, random.below(3)) & 0xff;
  const left = near(test.segmentsLeft, random.below(last + 1)) & 0xff;
  const length = near(test.length, 2 * Math.max(test.segments.length > 0 ? 3 : 1, 1 + random.below(3)));
  const data = new Uint8Array(Math.max(4, Math.min(200, length * 8 + 4)));
  data[0] = last;
  const tag = near(test.tag, random.below(65536)) & 0xffff;
  putU16(data, 2, random.chance(0.8) ? ((tag & 0xff) << 8) | (tag >> 8) : tag);
  for (const { which, address } of test.segments) {
    const index = which === 'previous' ? left + 1 : which === 'next' ? left - 1 : 0;
    const place = 4 + 16 * index;
    const given = odd && random.chance(0.4) ? address ^ (1n << BigInt(random.below(128))) : address;
    if (index >= 0 && place + 16 <= data.length) data.set(networkBytes(given, 16), place);
  }
  const next = near(test.nextHeader, -1);
  return {
    kind: 'routing',
    type: odd && random.chance(0.3) ? 0 : 4,
    segmentsLeft: left,
    data,
    ...(next < 0 ? {} : { nextHeader: next & 0xff }),
    ...(odd && random.chance(0.3) ? { length: random.below(12) } : {}),
  };
}

function optionsHeader(test: Of<'options'>, odd: boolean, random: Random): ExtensionSpec {
  const wanted = (test.options ?? []).map(({ type, length }) => {
    if (type === 0) return [0];
    const bytes = (length ?? random.below(5)) ^ (odd && random.chance(0.3) ? 1 : 0);
    return [
      odd && random.chance(0.2) ? type ^ 1 : type,
      bytes,
      ...Array.from({ length: Math.min(bytes, 60) }, () => 0),
    ];
  });
  if (odd && random.chance(0.3)) wanted.pop();
  const bytes = valueFor(test.length, random, () => 0);
  let options = Uint8Array.from(wanted.flat());
  if (bytes - 2 > options.length && bytes < 200) {
    const padding = new Uint8Array(bytes - 2 - options.length);
    if (padding.length > 1) padding.set([1, padding.length - 2]);
    options = Uint8Array.from(concat(options, padding));
  }
  const kind = test.header === 'hop-by-hop' ? 'hop-by-hop' : 'destination';
  return { kind, options, ...(odd && random.chance(0.3) ? { length: random.below(6) } : {}) };
}

const EXTENSIONS: Readonly<Record<number, ExtensionSpec>> = {
  0: { kind: 'hop-by-hop' },
  60: { kind: 'destination' },
  43: { kind: 'routing' },
  44: { kind: 'fragment' },
  51: { kind: 'authentication' },
};

function headerList(test: Of<'headers'>, odd: boolean, random: Random): readonly ExtensionSpec[] {
  const wanted = test.headers.filter((header) => !(odd && random.chance(0.3)) && EXTENSIONS[header] !== undefined);
  const extra = random.chance(0.2) || odd ? [random.pick([0, 60, 43, 44, 51])] : [];
  const list = [...new Set([...wanted, ...extra])].sort((a, b) => (a === 0 ? -1 : b === 0 ? 1 : 0));
  return list.map((header): ExtensionSpec => ({
    ...EXTENSIONS[header],
    ...(odd && random.chance(0.1) ? { length: random.below(8) } : {}),
  }));
}

/** The text at, in and around the ends of where it is looked for; whole, with a letter changed, or twice begun. */
function textAt(test: Of<'string'>, sense: PayloadAim['sense'], random: Random): readonly BytesAt[] {
  const text = Uint8Array.from(test.text);
  if (sense === 'fail' && random.chance(0.5)) return [];
  if (test.ignoreCase) {
    for (const [i, byte] of text.entries()) {
      const isLetter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
      if (isLetter && random.chance(0.5)) text[i] = byte ^ 0x20;
    }
  }
  if (sense === 'beside' && random.chance(0.5)) text[random.below(text.length)] ^= random.pick([1, 0x20]);
  const last = Math.min(test.to, 400) - text.length;
  const at = random.pick([
    test.from,
    test.from - 1,
    last,
    last + 1,
    test.from + random.below(100),
    40 + random.below(120),
  ]);
  const begun = random.chance(0.3)
    ? [{ offset: at - 1 - random.below(text.length), bytes: text.subarray(0, text.length - 1) }]
    : [];
  const inHeader = at < 40 && !random.chance(0.2);
  return [...begun, { offset: inHeader ? 40 + random.below(60) : at, bytes: text }];
}
