import { changedByte, singleChanges, type HeaderChange, type PacketChange } from '../../grammar/model/change.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import { putU16, u16 } from '../packet/bytes.js';
import { changedSegment } from './change-segment.js';
import { readIpPacket } from './read-fields.js';
import { changedSum } from './sum.js';

/**
 * The frame as the target leaves it, with all sums; undefined where the target drops the packet. The class of a packet is not in
 * the frame.
 */
export function changedFrame(
  given: Uint8Array,
  change: PacketChange,
  family: Family,
  hook: BuiltinChain,
): Uint8Array | undefined {
  let frame: Uint8Array | undefined = Uint8Array.from(given);
  for (const one of singleChanges(change)) {
    switch (one.kind) {
      case 'tos':
      case 'hops':
        changeHeader(frame, one, family, hook);
        break;
      case 'tcp-flags':
      case 'segment-size':
      case 'strip-options':
        frame = changedSegment(frame, one, family, hook);
        if (frame === undefined) return undefined;
        break;
      case 'class':
        break;
    }
  }
  return frame;
}

/** One byte of the IP header, and the header's sum with it. */
function changeHeader(frame: Uint8Array, change: HeaderChange, family: Family, hook: BuiltinChain): void {
  const start = readIpPacket(frame, family, hook).link.network;
  if (family === 'v6') {
    if (change.kind === 'hops') {
      frame[start + 7] = changedByte(change, frame[start + 7]);
      return;
    }
    const word = u16(frame, start);
    putU16(frame, start, (word & 0xf00f) | (changedByte(change, (word >> 4) & 0xff) << 4));
    return;
  }
  const offset = change.kind === 'tos' ? 1 : 8;
  const word = start + (offset & ~1);
  const before = u16(frame, word);
  frame[start + offset] = changedByte(change, frame[start + offset]);
  putU16(frame, start + 10, changedSum(u16(frame, start + 10), before, u16(frame, word)));
}
