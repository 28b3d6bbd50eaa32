import type { Packet } from '../../grammar/model/packet.js';
import { readFields, readIpPacket, type FieldValues } from '../evaluate/index.js';
import { u32 } from '../packet/bytes.js';
import type { Input } from './meaning.js';
import type { Measure } from './measures.js';
import { partOf } from './segments.js';
import type { PacketSpace } from './space.js';

/** A point of a space: the value of each variable. */
export type Point = (variable: number) => number;

/**
 * Where a packet lies. `answers` gives the inputs that are not in the packet, as numbers (src/space/meaning.ts).
 *
 * @throws UnreadablePacketError if the frame holds no packet of the family
 */
export function locate(space: PacketSpace, packet: Packet, answers: (input: Input) => number): Point {
  const fields = readFields(packet, space.family, space.hook);
  const measures = new Map<Measure, bigint>();
  const transport = transportOf(space, packet, fields);
  return (variable) => {
    const meaning = space.meaningOf(variable);
    if (meaning.kind === 'input') {
      const { input } = meaning;
      if (input.kind === 'tcp-option') return Number((fields['tcp.options'] >> BigInt(input.option)) & 1n);
      return answers(input);
    }
    const { measure, segment } = meaning;
    let value = measures.get(measure);
    if (value === undefined) measures.set(measure, (value = measureOf(space, measure, fields, packet, transport)));
    const bits = (value >> BigInt(segment.shift)) & ((1n << BigInt(segment.bits)) - 1n);
    return segment.parts === undefined ? Number(bits) : partOf(segment.parts, bits);
  };
}

/** The bytes from the transport header on. */
function transportOf({ family, hook }: PacketSpace, { frame }: Packet, fields: FieldValues): Uint8Array {
  const { bytes } = readIpPacket(frame, family, hook);
  const length = Number(fields.l4len);
  return bytes.subarray(bytes.length - length);
}

function measureOf(
  { family, hook }: PacketSpace,
  measure: Measure,
  fields: FieldValues,
  { frame }: Packet,
  transport: Uint8Array,
): bigint {
  const word = (offset: number): bigint => {
    const bytes = new Uint8Array(4);
    bytes.set(transport.subarray(offset, offset + 4));
    return BigInt(u32(bytes, 0));
  };
  switch (measure) {
    case 'l4.0':
      return word(0);
    case 'l4.4':
      return word(4);
    case 'l4.8':
      return word(8) >> 24n;
    case 'l4.12':
      return word(12) >> 16n;
    case 'ihl':
      return BigInt(readIpPacket(frame, family, hook).bytes[0] & 0xf);
    case 'fragoff':
      return family === 'v4' ? fields.fragoff : fields.fragoff / 8n;
    case 'iif':
    case 'oif':
    case 'saddr':
    case 'daddr':
    case 'proto':
    case 'l4found':
    case 'l4len':
    case 'tos':
    case 'ttl':
    case 'length':
    case 'pkttype':
    case 'mac.src':
    case 'mark':
      return fields[measure];
  }
}
