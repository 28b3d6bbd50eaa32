import type { MapSpec } from '../../../codegen/object/spec.js';
import { ERRNO } from './map.js';

/** Header of a record (BPF_RINGBUF_HDR_SZ in kernel/bpf/ringbuf.c). */
const HEADER_BYTES = 8;
/** BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP. */
const KNOWN_FLAGS = 3;

/** `ringbuf` (kernel/bpf/ringbuf.c): records that the host takes out in order. */
export class RingMap {
  private records: Uint8Array[] = [];
  private used = 0;

  constructor(readonly spec: MapSpec) {}

  /** Copies a record in: 0 or −errno. */
  output(data: Uint8Array, flags: number): number {
    if ((flags & ~KNOWN_FLAGS) !== 0) return ERRNO.EINVAL;
    const bytes = space(data.length);
    if (this.used + bytes > this.spec.maxEntries - 1) return ERRNO.EAGAIN;
    this.records.push(data.slice());
    this.used += bytes;
    return 0;
  }

  /** Takes all records out. */
  drain(): Uint8Array[] {
    const { records } = this;
    this.clear();
    return records;
  }

  clear(): void {
    this.records = [];
    this.used = 0;
  }
}

function space(bytes: number): number {
  return Math.ceil((bytes + HEADER_BYTES) / 8) * 8;
}
