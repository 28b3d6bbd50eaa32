import type { Memory } from './memory.js';

/** XDP_PACKET_HEADROOM (include/uapi/linux/bpf.h). */
export const HEADROOM = 256;
/** Page less headroom and struct skb_shared_info: what BPF_PROG_TEST_RUN and most drivers give. */
const FRAME_BYTES = 4096 - 320;

const NO_BYTES = new Uint8Array(0);

/**
 * The packet of one run in its buffer: headroom, metadata, data that pointers reach (the linear part), data that they do
 * not, tailroom. Packet pointers count from the start of the metadata.
 */
export class Packet {
  private buffer = new Uint8Array(FRAME_BYTES);
  private view = new DataView(this.buffer.buffer);
  /** High half of the packet pointers that are valid now. */
  high = 0;
  /** Indices in the buffer. */
  metaStart = 0;
  start = 0;
  visibleEnd = 0;
  end = 0;
  /** End of the buffer that the packet may grow into in place. */
  limit = 0;

  constructor(private readonly memory: Memory) {}

  /** Takes a new packet. `visible` bytes of it can be reached by pointers. */
  load(data: Uint8Array, metadata: Uint8Array, visible: number): void {
    const start = HEADROOM;
    this.limit = Math.max(FRAME_BYTES, start + data.length);
    if (this.buffer.length < this.limit) this.replaceBuffer(new Uint8Array(this.limit));
    else this.buffer.fill(0);
    this.buffer.set(metadata, start - metadata.length);
    this.buffer.set(data, start);
    this.metaStart = start - metadata.length;
    this.start = start;
    this.end = start + data.length;
    this.visibleEnd = start + Math.min(visible, data.length);
    this.high = this.mapPacket();
  }

  private replaceBuffer(buffer: Uint8Array<ArrayBuffer>): void {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer);
  }

  private mapPacket(): number {
    return this.memory.map(this.view, this.metaStart, this.visibleEnd - this.metaStart, 'the packet');
  }

  /** After anything that may have moved the packet: old pointers are no longer valid. */
  renew(): void {
    this.memory.invalidate(this.high);
    this.high = this.mapPacket();
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Bytes from the start of the packet, in place. The caller has checked that they are there. */
  bytes(offset: number, size: number): Uint8Array {
    return this.buffer.subarray(this.start + offset, this.start + offset + size);
  }

  copy(): Uint8Array {
    return this.buffer.slice(this.start, this.end);
  }

  metadata(): Uint8Array {
    return this.metaStart === this.start ? NO_BYTES : this.buffer.slice(this.metaStart, this.start);
  }

  /** Moves start and metadata by `delta` bytes; the caller has checked that there is room. */
  moveStart(delta: number): void {
    this.buffer.copyWithin(this.metaStart + delta, this.metaStart, this.start);
    this.metaStart += delta;
    this.start += delta;
  }

  /** Moves the end; new bytes are zero. The caller has checked that there is room. */
  moveEnd(delta: number): void {
    this.buffer.fill(0, this.end, Math.max(this.end, this.end + delta));
    this.end += delta;
    this.visibleEnd = Math.min(this.visibleEnd + Math.max(delta, 0), this.end);
  }

  /** Makes at least the first `size` bytes reachable by pointers. */
  makeVisible(size: number): void {
    this.visibleEnd = Math.max(this.visibleEnd, this.start + size);
  }

  /** Gives the buffer at least this much room before the metadata and behind the end. */
  makeRoom(head: number, tail: number): void {
    const moreHead = Math.max(0, head - this.metaStart);
    const moreTail = Math.max(0, tail - (this.limit - this.end));
    if (moreHead === 0 && moreTail === 0) return;
    const buffer = new Uint8Array(Math.max(this.buffer.length, this.limit) + moreHead + moreTail);
    buffer.set(this.buffer.subarray(0, this.limit), moreHead);
    this.replaceBuffer(buffer);
    this.metaStart += moreHead;
    this.start += moreHead;
    this.visibleEnd += moreHead;
    this.end += moreHead;
    this.limit += moreHead + moreTail;
  }
}
