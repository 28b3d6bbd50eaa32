import { closeSync, openSync, writeSync } from 'node:fs';

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SNAPLEN = 262_144;
/** The packet begins with its IP header (tcpdump.org/linktypes.html). */
const LINKTYPE_RAW = 101;
const SECOND = 1_000_000_000n;

/** A pcap file of IP packets that grows as they come (draft-ietf-opsawg-pcap). */
export class PcapFile {
  private readonly fd: number;

  /** Writes the file anew. */
  constructor(path: string) {
    this.fd = openSync(path, 'w');
    const header = new DataView(new ArrayBuffer(FILE_HEADER));
    header.setUint32(0, MAGIC_NANOSECONDS, true);
    header.setUint16(4, 2, true);
    header.setUint16(6, 4, true);
    header.setUint32(16, SNAPLEN, true);
    header.setUint32(20, LINKTYPE_RAW, true);
    writeSync(this.fd, new Uint8Array(header.buffer));
  }

  /** `time`: nanoseconds since 1970; `length`: bytes of the whole packet, of which `bytes` are the first. */
  add({ time, bytes, length }: { readonly time: bigint; readonly bytes: Uint8Array; readonly length: number }): void {
    const record = new Uint8Array(RECORD_HEADER + bytes.length);
    const view = new DataView(record.buffer);
    view.setUint32(0, Number(time / SECOND), true);
    view.setUint32(4, Number(time % SECOND), true);
    view.setUint32(8, bytes.length, true);
    view.setUint32(12, length, true);
    record.set(bytes, RECORD_HEADER);
    writeSync(this.fd, record);
  }

  close(): void {
    closeSync(this.fd);
  }
}
