import type { PayloadTest } from '../../../grammar/model/payload.js';
import { fromBoolean, type PayloadAnswer } from './answer.js';
import { headerPointer, u16, type PayloadPacket } from './packet.js';

type ChunkTest = Extract<PayloadTest, { kind: 'sctp-chunks' }>;

const SCTP_HEADER = 12;
const CHUNK_HEADER = 4;

/** SCCHECK around match_packet (net/netfilter/xt_sctp.c). */
export function sctpChunks(test: ChunkTest, packet: PayloadPacket): PayloadAnswer {
  const found = matchPacket(test, packet);
  // match_packet returns false with hotdrop set, and the inversion makes that true.
  if (found === 'hotdrop') return test.inverted ? 'dropping' : 'hotdrop';
  return fromBoolean(found !== test.inverted);
}

function matchPacket(test: ChunkTest, packet: PayloadPacket): boolean | 'hotdrop' {
  const wanted = new Set(test.types);
  const missing = new Set(test.types);
  let offset = packet.transport + SCTP_HEADER;
  do {
    const chunk = headerPointer(packet, offset, CHUNK_HEADER);
    if (chunk === undefined || u16(chunk, 2) === 0) return 'hotdrop';
    const [type, flags] = chunk;
    offset += (u16(chunk, 2) + 3) & ~3;
    if (wanted.has(type)) {
      const fits = matchFlags(test, type, flags);
      if (test.match === 'any' && fits) return true;
      if (test.match === 'all' && fits) missing.delete(type);
      if (test.match === 'only' && !fits) return false;
    } else if (test.match === 'only') {
      return false;
    }
  } while (offset < packet.bytes.length);
  if (test.match === 'all') return missing.size === 0;
  return test.match === 'only';
}

/** match_flags: true for a type of which no flags are asked. */
function matchFlags(test: ChunkTest, type: number, flags: number): boolean {
  const asked = test.flags.find((one) => one.type === type);
  return asked === undefined || (flags & asked.mask) === asked.set;
}
