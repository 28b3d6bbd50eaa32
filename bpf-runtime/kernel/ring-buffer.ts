import { RuntimeError } from '../system/error.js';
import { systemCall, trySystemCall, viewMemory } from '../system/libc.js';
import { systemCallNumbers } from '../system/numbers.js';
import type { KernelMap } from './map.js';

/** enum bpf_map_type. */
const RINGBUF = 27;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** Of the machines that are supported; the kernel refuses to map anything else. */
const PAGE = 4096;
/** Header of a record: length and flags, page offset (kernel/bpf/ringbuf.c). */
const RECORD_HEADER = 8;
const BUSY = 0x80000000;
const DISCARD = 0x40000000;

function map(fd: number, bytes: number, protection: number, offset: number): number {
  return systemCall('mmap', systemCallNumbers().mmap, null, bytes, protection, MAP_SHARED, fd, offset);
}

/**
 * Reader of a BPF_MAP_TYPE_RINGBUF map. As kernel/bpf/ringbuf.c lays it out: a page with the consumer's position, one
 * with the producer's, then the data twice in a row, so that a record never ends at the edge.
 */
export class RingBuffer {
  private readonly size: number;
  private readonly consumerAddress: number;
  private readonly producerAddress: number;
  private readonly consumer: BigUint64Array;
  private readonly producer: BigUint64Array;
  private readonly data: Uint8Array;
  private readonly view: DataView;
  private open = true;

  constructor(ringbuf: KernelMap) {
    if (ringbuf.info.type !== RINGBUF) throw new RuntimeError('bad-map', `${ringbuf.info.name} is no ring buffer`);
    this.size = ringbuf.info.maxEntries;
    this.consumerAddress = map(ringbuf.fd, PAGE, PROT_READ | PROT_WRITE, 0);
    this.producerAddress = map(ringbuf.fd, PAGE + 2 * this.size, PROT_READ, PAGE);
    this.consumer = new BigUint64Array(viewMemory(this.consumerAddress, 8));
    const shared = viewMemory(this.producerAddress, PAGE + 2 * this.size);
    this.producer = new BigUint64Array(shared, 0, 1);
    this.data = new Uint8Array(shared, PAGE);
    this.view = new DataView(shared, PAGE);
  }

  /** Takes all records that are there, in order: copies of their bytes. */
  consume(): readonly Uint8Array[] {
    if (!this.open) throw new RuntimeError('closed', 'the ring buffer is closed');
    const records: Uint8Array[] = [];
    let position = this.consumer[0];
    for (const end = this.producer[0]; position < end;) {
      const at = Number(position % BigInt(this.size));
      const header = this.view.getUint32(at, true);
      if ((header & BUSY) !== 0) break;
      const length = (header & ~DISCARD) >>> 0;
      if ((header & DISCARD) === 0) records.push(this.data.slice(at + RECORD_HEADER, at + RECORD_HEADER + length));
      position += BigInt(Math.ceil((RECORD_HEADER + length) / 8) * 8);
    }
    this.consumer[0] = position;
    return records;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    const { munmap } = systemCallNumbers();
    trySystemCall(munmap, this.consumerAddress, PAGE);
    trySystemCall(munmap, this.producerAddress, PAGE + 2 * this.size);
  }
}
