import { Fault } from './fault.js';

/**
 * The high half of an address is the number of a region on top of this, the low half the offset in the region. So a
 * pointer that leaves its region on either side lands in no valid one, and comes back by the same arithmetic.
 */
const FIRST_REGION = 0x4000_0000;
/** An offset from here on is one in front of the next region. */
const BEFORE_NEXT = 0x8000_0000;
/** Stack frames are the first regions. */
export const FRAMES = 8;
export const STACK_BYTES = 512;

/** Fields of a context struct, which are not memory: each has its own width, and some become pointers when loaded. */
export interface ContextFields {
  /** Leaves the value in `low` and `high`. */
  load(offset: number, size: number, signExtend: boolean): void;
  store(offset: number, size: number, low: number, high: number): void;
  low: number;
  high: number;
}

const EMPTY = new Uint8Array(0);

/** One piece of memory that a pointer may point to. */
export class Region {
  isStack = false;
  /** In a stack frame: 1 for each byte that was stored to. */
  written: Uint8Array = EMPTY;
  /** Lowest byte stored to since the frame was entered. */
  lowest = 0;
  fields: ContextFields | undefined;
  /** The packet was moved since. */
  stale = false;

  constructor(
    public view: DataView,
    public start: number,
    public readable: number,
    public writable: number,
    /** For messages. */
    public name: string,
  ) {}
}

const NOTHING = new DataView(new ArrayBuffer(0));

/** All memory that a program can reach. Accesses are little endian and checked; failures throw {@link Fault}. */
export class Memory {
  private readonly regions: Region[] = [];
  private count = 0;
  /** Regions from here on live for one run. */
  private kept = 0;
  /** Where in the view of the region just found the bytes are. */
  at = 0;

  constructor(private readonly checkStackWrites: boolean) {
    for (let frame = 0; frame < FRAMES; frame++) {
      const stack = new DataView(new ArrayBuffer(STACK_BYTES));
      const region = this.regions[this.add(stack, 0, STACK_BYTES, STACK_BYTES, `stack frame ${frame}`)];
      region.isStack = true;
      region.written = new Uint8Array(STACK_BYTES);
      region.lowest = STACK_BYTES;
    }
  }

  private add(view: DataView, start: number, readable: number, writable: number, name: string): number {
    const region = this.regions[this.count];
    if (region === undefined) {
      this.regions.push(new Region(view, start, readable, writable, name));
    } else {
      region.view = view;
      region.start = start;
      region.readable = readable;
      region.writable = writable;
      region.name = name;
      region.fields = undefined;
      region.stale = false;
    }
    return this.count++;
  }

  /** Regions added after this are dropped by {@link dropTemporary}. */
  keep(): void {
    this.kept = this.count;
  }

  dropTemporary(): void {
    this.count = this.kept;
  }

  /** Adds a piece of memory; the result is the high half of its addresses. */
  map(view: DataView, start: number, bytes: number, name: string, access: 'read' | 'write' = 'write'): number {
    return FIRST_REGION + this.add(view, start, bytes, access === 'write' ? bytes : 0, name);
  }

  /** Adds something that has an address but no bytes. */
  mapHandle(name: string): number {
    return FIRST_REGION + this.add(NOTHING, 0, 0, 0, name);
  }

  mapFields(fields: ContextFields, name: string): number {
    const high = this.mapHandle(name);
    this.regions[high - FIRST_REGION].fields = fields;
    return high;
  }

  /** Makes all pointers into a packet region invalid. */
  invalidate(high: number): void {
    const region = this.regions[high - FIRST_REGION];
    region.readable = 0;
    region.writable = 0;
    region.stale = true;
  }

  /** High half of the addresses of a stack frame, made fresh. */
  enterFrame(frame: number): number {
    const region = this.regions[frame];
    if (region.lowest < STACK_BYTES) {
      region.written.fill(0, region.lowest);
      region.lowest = STACK_BYTES;
    }
    return FIRST_REGION + frame;
  }

  frameAddress(frame: number): number {
    return FIRST_REGION + frame;
  }

  /**
   * The region of `size` bytes that an instruction loads, at offset `offset` (signed) of the addresses with this high
   * half; sets {@link at}. A region with fields is found at any offset.
   */
  toLoad(high: number, offset: number, size: number): Region {
    const index = (high - FIRST_REGION) >>> 0;
    if (index < this.count && offset >= 0) {
      const region = this.regions[index];
      if (offset + size <= region.readable) {
        if (index < FRAMES) this.checkStack(region, offset, size);
        this.at = region.start + offset;
        return region;
      }
    }
    return this.findSlowly(high, offset, size, false);
  }

  /** As {@link toLoad}, for an instruction that stores. */
  toStore(high: number, offset: number, size: number): Region {
    const index = (high - FIRST_REGION) >>> 0;
    if (index < this.count && offset >= 0) {
      const region = this.regions[index];
      if (offset + size <= region.writable) {
        if (index < FRAMES) this.markStack(region, offset, size);
        this.at = region.start + offset;
        return region;
      }
    }
    return this.findSlowly(high, offset, size, true);
  }

  private findSlowly(high: number, offset: number, size: number, store: boolean): Region {
    const pages = Math.floor(offset / 0x1_0000_0000);
    if (pages !== 0) {
      const inside = offset - pages * 0x1_0000_0000;
      const moved = (high + pages) | 0;
      return store ? this.toStore(moved, inside, size) : this.toLoad(moved, inside, size);
    }
    const region = this.regionAt(high);
    if (region?.fields !== undefined && offset < BEFORE_NEXT) {
      this.at = offset;
      return region;
    }
    throw this.fault(high, offset, size, store);
  }

  private regionAt(high: number): Region | undefined {
    const index = (high - FIRST_REGION) >>> 0;
    return index < this.count ? this.regions[index] : undefined;
  }

  private fault(high: number, offset: number, size: number, store: boolean): Fault {
    if (offset >= BEFORE_NEXT && this.regionAt(high + 1) !== undefined) {
      return this.fault(high + 1, offset - 0x1_0000_0000, size, store);
    }
    const access = `${store ? 'write' : 'read'} of ${size} bytes`;
    const region = this.regionAt(high);
    if (region === undefined) {
      const address = ((high >>> 0) * 0x1_0000_0000 + offset).toString(16);
      const what = high === 0 && offset < 4096 ? 'NULL' : 'no pointer';
      return new Fault('not-a-pointer', `${access} at 0x${address}, which is ${what}`);
    }
    if (region.stale) return new Fault('stale-pointer', `${access} through a pointer to the packet as it was`);
    if (store && offset >= 0 && offset + size <= region.readable)
      return new Fault('read-only', `${access} in ${region.name}`);
    const bytes = store ? region.writable : region.readable;
    return new Fault('out-of-bounds', `${access} at offset ${offset} of ${region.name}, which has ${bytes} bytes`);
  }

  private checkStack(region: Region, offset: number, size: number): void {
    if ((offset & (size - 1)) !== 0) throw misaligned(region, offset, size);
    if (this.checkStackWrites) checkWritten(region, offset, size);
  }

  private markStack(region: Region, offset: number, size: number): void {
    if ((offset & (size - 1)) !== 0) throw misaligned(region, offset, size);
    markWritten(region, offset, size);
  }

  /** Bytes that a helper reads, as they lie in memory (no copy). */
  bytesToRead(high: number, low: number, size: number): Uint8Array {
    if (size === 0) return EMPTY;
    const region = this.findSpan(high, low >>> 0, size, false);
    if (region.isStack && this.checkStackWrites) checkWritten(region, this.at - region.start, size);
    return new Uint8Array(region.view.buffer, region.view.byteOffset + this.at, size);
  }

  /** Bytes that a helper writes all of. */
  bytesToWrite(high: number, low: number, size: number): Uint8Array {
    if (size === 0) return EMPTY;
    const region = this.findSpan(high, low >>> 0, size, true);
    if (region.isStack) markWritten(region, this.at - region.start, size);
    return new Uint8Array(region.view.buffer, region.view.byteOffset + this.at, size);
  }

  private findSpan(high: number, offset: number, size: number, store: boolean): Region {
    const region = this.regionAt(high);
    if (region === undefined || offset + size > (store ? region.writable : region.readable)) {
      throw this.fault(high, offset, size, store);
    }
    this.at = region.start + offset;
    return region;
  }

  /** Bytes at an address that may be any number: undefined where nothing is. Never a fault. */
  probe(high: number, low: number, size: number): Uint8Array | undefined {
    const region = this.regionAt(high);
    if (region === undefined || (low >>> 0) + size > region.readable) return undefined;
    return new Uint8Array(region.view.buffer, region.view.byteOffset + region.start + (low >>> 0), size);
  }
}

function misaligned(region: Region, offset: number, size: number): Fault {
  return new Fault('bad-width', `${size} bytes at offset ${offset - STACK_BYTES} of ${region.name}: not aligned`);
}

function markWritten(region: Region, offset: number, size: number): void {
  if (offset < region.lowest) region.lowest = offset;
  const { written } = region;
  for (let i = offset; i < offset + size; i++) written[i] = 1;
}

function checkWritten(region: Region, offset: number, size: number): void {
  const { written } = region;
  for (let i = offset; i < offset + size; i++) {
    if (written[i] === 0) {
      throw new Fault('uninitialised', `nothing was stored to byte ${i - STACK_BYTES} of ${region.name}`);
    }
  }
}
