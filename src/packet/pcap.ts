import { CaptureError, type Capture, type CapturedPacket, type SkippedRecord } from './capture.js';
import { LINKTYPE, toEthernet } from './link-types.js';
import { isPcapng, readPcapng } from './pcapng.js';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SNAPLEN = 262144;
const NANOSECONDS = 1_000_000_000n;

/** A capture that was stopped hard ends in the middle of a record. */
const CUT_OFF = 'the last record is cut off';

/** Reads a pcap or pcapng file. Throws {@link CaptureError}. */
export function readCapture(bytes: Uint8Array): Capture {
  return isPcapng(bytes) ? readPcapng(bytes) : readPcap(bytes);
}

interface PcapFormat {
  readonly littleEndian: boolean;
  /** Nanoseconds in a unit of the second half of a time stamp. */
  readonly unit: bigint;
}

function pcapFormat(view: DataView): PcapFormat {
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MAGIC_MICROSECONDS) return { littleEndian, unit: 1000n };
    if (magic === MAGIC_NANOSECONDS) return { littleEndian, unit: 1n };
  }
  throw new CaptureError('not-a-capture', 'neither a pcap nor a pcapng file', 0);
}

/** The format of libpcap (draft-ietf-opsawg-pcap). */
function readPcap(bytes: Uint8Array): Capture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER) throw new CaptureError('not-a-capture', 'too short for a capture file', 0);
  const { littleEndian, unit } = pcapFormat(view);
  const major = view.getUint16(4, littleEndian);
  if (major !== 2) throw new CaptureError('unknown-version', `pcap version ${major}`, 4);
  // The upper bits hold the length of a frame check sequence.
  const network = view.getUint32(20, littleEndian);
  const linkType = network & 0xffff;
  const checkBytes = (network & 0x04000000) === 0 ? 0 : (network >>> 28) * 2;
  const packets: CapturedPacket[] = [];
  const skipped: SkippedRecord[] = [];
  for (let at = FILE_HEADER, index = 0; at < bytes.length; index++) {
    if (at + RECORD_HEADER > bytes.length) {
      skipped.push({ index, reason: CUT_OFF });
      break;
    }
    const seconds = BigInt(view.getUint32(at, littleEndian));
    const fraction = BigInt(view.getUint32(at + 4, littleEndian));
    const captured = view.getUint32(at + 8, littleEndian);
    const original = view.getUint32(at + 12, littleEndian);
    const start = at + RECORD_HEADER;
    if (start + captured > bytes.length) {
      skipped.push({ index, reason: CUT_OFF });
      break;
    }
    const data = bytes.subarray(start, start + captured);
    const truncated = original > captured;
    const ethernet = toEthernet(linkType, truncated ? data : data.subarray(0, captured - checkBytes));
    if (typeof ethernet === 'string') skipped.push({ index, reason: ethernet });
    else packets.push({ ...ethernet, timestamp: seconds * NANOSECONDS + fraction * unit, truncated });
    at = start + captured;
  }
  return { packets, skipped };
}

/** A frame to write; time 0 if left out. */
export interface FrameToWrite {
  readonly frame: Uint8Array;
  /** Nanoseconds since 1970. */
  readonly timestamp?: bigint;
}

/** A pcap file of Ethernet frames, little-endian. Microseconds cut what is below them. */
export function writePcap(
  frames: readonly FrameToWrite[],
  precision: 'microseconds' | 'nanoseconds' = 'microseconds',
): Uint8Array {
  const size = frames.reduce((sum, { frame }) => sum + RECORD_HEADER + frame.length, FILE_HEADER);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  const unit = precision === 'nanoseconds' ? 1n : 1000n;
  view.setUint32(0, precision === 'nanoseconds' ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAPLEN, true);
  view.setUint32(20, LINKTYPE.ETHERNET, true);
  let at = FILE_HEADER;
  for (const { frame, timestamp = 0n } of frames) {
    view.setUint32(at, Number(timestamp / NANOSECONDS), true);
    view.setUint32(at + 4, Number((timestamp % NANOSECONDS) / unit), true);
    view.setUint32(at + 8, frame.length, true);
    view.setUint32(at + 12, frame.length, true);
    out.set(frame, at + RECORD_HEADER);
    at += RECORD_HEADER + frame.length;
  }
  return out;
}
