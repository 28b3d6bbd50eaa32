import { changedByte, type PacketChange } from '../../grammar/model/change.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import { readIpPacket } from './read-fields.js';

/** The frame with one byte of its IP header changed, and the header's sum with it. */
export function changedFrame(given: Uint8Array, change: PacketChange, family: Family, hook: BuiltinChain): Uint8Array {
  const frame = Uint8Array.from(given);
  const start = readIpPacket(frame, family, hook).link.network;
  const view = new DataView(frame.buffer);
  if (family === 'v6') {
    if (change.kind === 'hops') {
      frame[start + 7] = changedByte(change, frame[start + 7]);
      return frame;
    }
    const word = view.getUint16(start);
    view.setUint16(start, (word & 0xf00f) | (changedByte(change, (word >> 4) & 0xff) << 4));
    return frame;
  }
  const offset = change.kind === 'tos' ? 1 : 8;
  const word = start + (offset & ~1);
  const before = view.getUint16(word);
  frame[start + offset] = changedByte(change, frame[start + offset]);
  const after = view.getUint16(word);
  view.setUint16(start + 10, changedSum(view.getUint16(start + 10), before, after));
  return frame;
}

/** RFC 1624, equation 3. */
function changedSum(sum: number, before: number, after: number): number {
  let next = (~sum & 0xffff) + (~before & 0xffff) + after;
  while (next > 0xffff) next = (next & 0xffff) + (next >>> 16);
  return ~next & 0xffff;
}
