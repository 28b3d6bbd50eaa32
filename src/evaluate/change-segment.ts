import { DEFAULT_SEGMENT_SIZE, type TcpChange } from '../../grammar/model/change.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import { concat, putU16, u16 } from '../packet/bytes.js';
import { findHeader } from './find-header.js';
import { transportOffset } from './payload/packet.js';
import { readIpPacket } from './read-fields.js';
import { changedSum } from './sum.js';

const TCP_HEADER = 20;
const LARGEST_HEADER = 60;
const LENGTH_AND_FLAGS = 12;
const CHECK = 16;
const MSS = { kind: 2, bytes: 4 } as const;
const NOP = 1;

/** A segment in a frame that it is part of; what is written here is written there. */
interface Segment {
  readonly frame: Uint8Array;
  readonly family: Family;
  /** Offset of the IP header in the frame. */
  readonly network: number;
  /** From the TCP header to the end of the packet. */
  readonly bytes: Uint8Array;
}

/** The frame behind ECN, TCPMSS or TCPOPTSTRIP, which may write into the given one; undefined where they drop the packet. */
export function changedSegment(
  frame: Uint8Array,
  change: TcpChange,
  family: Family,
  hook: BuiltinChain,
): Uint8Array | undefined {
  const { link, bytes: packet } = readIpPacket(frame, family, hook);
  const bytes = packet.subarray(Math.min(transportOffset(packet, family), packet.length));
  const segment: Segment = { frame, family, network: link.network, bytes };
  // ipt_ECN.c does not ask whether the packet is a later piece of a datagram.
  if (change.kind === 'tcp-flags') return bytes.length < TCP_HEADER ? undefined : withFlags(segment, change);
  if (isLaterPiece(packet, family)) return frame;
  const header = (bytes[LENGTH_AND_FLAGS] >> 4) * 4;
  if (bytes.length < TCP_HEADER || header < TCP_HEADER || bytes.length < header) return undefined;
  const options = bytes.subarray(TCP_HEADER, header);
  return change.kind === 'strip-options'
    ? stripped(segment, options, change.kinds)
    : sized(segment, options, change.size);
}

function isLaterPiece(packet: Uint8Array, family: Family): boolean {
  if (family === 'v4') return (u16(packet, 6) & 0x1fff) !== 0;
  const header = findHeader(packet);
  return header.found && header.fragmentOffset !== 0;
}

function addToSum({ bytes }: Segment, before: number, after: number): void {
  putU16(bytes, CHECK, changedSum(u16(bytes, CHECK), before, after));
}

function withFlags(segment: Segment, { clear, set }: Extract<TcpChange, { kind: 'tcp-flags' }>): Uint8Array {
  const { bytes, frame } = segment;
  const before = u16(bytes, LENGTH_AND_FLAGS);
  const after = (before & ~clear) | set;
  if (before === after) return frame;
  putU16(bytes, LENGTH_AND_FLAGS, after);
  addToSum(segment, before, after);
  return frame;
}

/** optlen() of both modules. */
function optionLength(options: Uint8Array, at: number): number {
  return options[at] <= NOP ? 1 : (options[at + 1] ?? 0) || 1;
}

function stripped(segment: Segment, options: Uint8Array, kinds: readonly number[]): Uint8Array {
  for (let at = 0, bytes; at < options.length - 1; at += bytes) {
    bytes = optionLength(options, at);
    if (at + bytes > options.length) break;
    if (!kinds.includes(options[at])) continue;
    for (let i = at; i < at + bytes; i++) {
      const shift = i % 2 === 0 ? 8 : 0;
      addToSum(segment, options[i] << shift, NOP << shift);
      options[i] = NOP;
    }
  }
  return segment.frame;
}

function sized(segment: Segment, options: Uint8Array, size: number): Uint8Array {
  for (let at = 0; at <= options.length - MSS.bytes; at += optionLength(options, at)) {
    if (options[at] !== MSS.kind || options[at + 1] !== MSS.bytes) continue;
    const before = u16(options, at + 2);
    if (before > size) {
      putU16(options, at + 2, size);
      addToSum(segment, before, size);
    }
    return segment.frame;
  }
  const header = TCP_HEADER + options.length;
  if (segment.bytes.length > header || header >= LARGEST_HEADER) return segment.frame;
  return withOption(segment, Math.min(size, DEFAULT_SEGMENT_SIZE[segment.family]));
}

/** The option in front of the others; frame and IP packet are longer by it. */
function withOption({ frame: short, family, network, bytes: whole }: Segment, size: number): Uint8Array {
  const end = whole.byteOffset - short.byteOffset + whole.length;
  const start = end - whole.length;
  const split = start + TCP_HEADER;
  const option = Uint8Array.of(MSS.kind, MSS.bytes, size >> 8, size & 0xff);
  const frame = concat(short.subarray(0, split), option, short.subarray(split, end));
  const longer: Segment = { frame, family, network, bytes: frame.subarray(start) };
  addToSum(longer, whole.length, whole.length + MSS.bytes);
  addToSum(longer, 0, u16(option, 0));
  addToSum(longer, 0, u16(option, 2));
  const before = u16(longer.bytes, LENGTH_AND_FLAGS);
  putU16(longer.bytes, LENGTH_AND_FLAGS, before + 0x1000);
  addToSum(longer, before, before + 0x1000);
  const lengthAt = network + (family === 'v4' ? 2 : 4);
  const length = u16(frame, lengthAt);
  putU16(frame, lengthAt, length + MSS.bytes);
  if (family === 'v4') putU16(frame, network + 10, changedSum(u16(frame, network + 10), length, length + MSS.bytes));
  return frame;
}
