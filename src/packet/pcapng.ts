import { CaptureError, type Capture, type CapturedPacket, type SkippedRecord } from './capture.js';
import { toEthernet } from './link-types.js';

/** Block types and options of pcapng (draft-ietf-opsawg-pcapng). */
const BLOCK = { SECTION: 0x0a0d0d0a, INTERFACE: 1, PACKET: 2, SIMPLE_PACKET: 3, ENHANCED_PACKET: 6 } as const;
const OPTION = { END: 0, IF_NAME: 2, IF_TSRESOL: 9, EPB_FLAGS: 2 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MICROSECONDS = 6;

export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 12 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === BLOCK.SECTION;
}

interface Interface {
  readonly linkType: number;
  readonly snaplen: number;
  readonly name?: string;
  /** Nanoseconds of `units` units of a time stamp. */
  toNanoseconds(units: bigint): bigint;
}

/** A block's body within the file. */
interface Block {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

export function readPcapng(bytes: Uint8Array): Capture {
  return new PcapngReader(bytes).read();
}

class PcapngReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #littleEndian = true;
  #interfaces: Interface[] = [];
  #records = 0;
  readonly #packets: CapturedPacket[] = [];
  readonly #skipped: SkippedRecord[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): Capture {
    for (let at = 0; at < this.#bytes.length;) {
      const block = this.#block(at);
      if (block === undefined) {
        this.#skipped.push({ index: this.#records, reason: 'the last block is cut off' });
        break;
      }
      this.#readBlock(block);
      at = block.end + 4;
    }
    return { packets: this.#packets, skipped: this.#skipped };
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, this.#littleEndian);
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, this.#littleEndian);
  }

  /** The block at `at`; undefined where the file ends within it. A section header sets the byte order, which its own length already is in. */
  #block(at: number): Block | undefined {
    if (at + 12 > this.#bytes.length) return undefined;
    const isSection = this.#view.getUint32(at) === BLOCK.SECTION;
    if (isSection) this.#littleEndian = this.#sectionOrder(at);
    const type = isSection ? BLOCK.SECTION : this.#u32(at);
    const length = this.#u32(at + 4);
    if (length < 12 || length % 4 !== 0) throw new CaptureError('bad-block', `a block of ${length} bytes`, at);
    if (at + length > this.#bytes.length) return undefined;
    if (this.#u32(at + length - 4) !== length) {
      throw new CaptureError('bad-block', 'a block whose two lengths differ', at);
    }
    return { type, start: at + 8, end: at + length - 4 };
  }

  #sectionOrder(at: number): boolean {
    if (this.#view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) return true;
    if (this.#view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) return false;
    throw new CaptureError('bad-block', 'a section without byte order', at);
  }

  #readBlock(block: Block): void {
    switch (block.type) {
      case BLOCK.SECTION:
        this.#readSection(block);
        return;
      case BLOCK.INTERFACE:
        this.#interfaces.push(this.#readInterface(block));
        return;
      case BLOCK.ENHANCED_PACKET:
        this.#readEnhanced(block);
        return;
      case BLOCK.PACKET:
        this.#readObsolete(block);
        return;
      case BLOCK.SIMPLE_PACKET:
        this.#readSimple(block);
        return;
      default:
        return;
    }
  }

  #readSection(block: Block): void {
    this.#need(block, 16);
    const major = this.#u16(block.start + 4);
    if (major !== 1) throw new CaptureError('unknown-version', `pcapng version ${major}`, block.start);
    this.#interfaces = [];
  }

  #readInterface(block: Block): Interface {
    this.#need(block, 8);
    const options = this.#options(block.start + 8, block.end);
    const name = options.get(OPTION.IF_NAME);
    const resolution = options.get(OPTION.IF_TSRESOL)?.[0] ?? MICROSECONDS;
    // The upper bit tells powers of 2 from powers of 10.
    const ticks = (resolution & 0x80) === 0 ? 10n ** BigInt(resolution) : 1n << BigInt(resolution & 0x7f);
    return {
      linkType: this.#u16(block.start),
      snaplen: this.#u32(block.start + 4),
      ...(name !== undefined && { name: new TextDecoder().decode(name).replace(/\0+$/, '') }),
      toNanoseconds: (units) => (units * 1_000_000_000n) / ticks,
    };
  }

  #readEnhanced(block: Block): void {
    this.#need(block, 20);
    const at = block.start;
    const units = (BigInt(this.#u32(at + 4)) << 32n) | BigInt(this.#u32(at + 8));
    const captured = this.#u32(at + 12);
    const data = this.#data(block, 20, captured);
    const options = this.#options(at + 20 + ((captured + 3) & ~3), block.end);
    // Byte order is the section's: the flags are a number.
    const flags = options.get(OPTION.EPB_FLAGS);
    const direction = flags === undefined ? 0 : this.#u32(flags.byteOffset - this.#bytes.byteOffset) & 3;
    const outgoing = direction === 0 ? {} : { outgoing: direction === 2 };
    this.#add(this.#u32(at), data, this.#u32(at + 16), units, outgoing);
  }

  #readObsolete(block: Block): void {
    this.#need(block, 20);
    const at = block.start;
    const units = (BigInt(this.#u32(at + 4)) << 32n) | BigInt(this.#u32(at + 8));
    this.#add(this.#u16(at), this.#data(block, 20, this.#u32(at + 12)), this.#u32(at + 16), units, {});
  }

  /** No time, and the captured length follows from the interface's limit. */
  #readSimple(block: Block): void {
    this.#need(block, 4);
    const original = this.#u32(block.start);
    const snaplen = this.#interfaces[0]?.snaplen ?? 0;
    const captured = Math.min(original, snaplen === 0 ? original : snaplen, block.end - block.start - 4);
    this.#add(0, this.#data(block, 4, captured), original, undefined, {});
  }

  #add(
    id: number,
    data: Uint8Array,
    original: number,
    units: bigint | undefined,
    extra: { readonly outgoing?: boolean },
  ): void {
    const index = this.#records++;
    const from = this.#interfaces[id];
    const ethernet = from === undefined ? `interface ${id} is not described` : toEthernet(from.linkType, data);
    if (typeof ethernet === 'string') {
      this.#skipped.push({ index, reason: ethernet });
      return;
    }
    this.#packets.push({
      ...ethernet,
      ...extra,
      truncated: original > data.length,
      ...(units !== undefined && { timestamp: from.toNanoseconds(units) }),
      ...(from.name !== undefined && { interfaceName: from.name }),
    });
  }

  #need(block: Block, bytes: number): void {
    if (block.end - block.start < bytes) throw new CaptureError('bad-block', 'a block that is too short', block.start);
  }

  #data(block: Block, offset: number, length: number): Uint8Array {
    const start = block.start + offset;
    if (start + length > block.end) throw new CaptureError('bad-block', 'a packet longer than its block', block.start);
    return this.#bytes.subarray(start, start + length);
  }

  /** Values by code; of a repeated option the first. */
  #options(start: number, end: number): ReadonlyMap<number, Uint8Array> {
    const options = new Map<number, Uint8Array>();
    for (let at = start; at + 4 <= end;) {
      const code = this.#u16(at);
      const length = this.#u16(at + 2);
      if (code === OPTION.END || at + 4 + length > end) break;
      if (!options.has(code)) options.set(code, this.#bytes.subarray(at + 4, at + 4 + length));
      at += 4 + ((length + 3) & ~3);
    }
    return options;
  }
}
