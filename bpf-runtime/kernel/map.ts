import { closeSync, readFileSync } from 'node:fs';
import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import { allocate, type Memory, setPointer } from '../system/memory.js';
import { indexKey } from './array-key.js';
import { bpf, getInfo, newAttr, readName, tryBpf } from './bpf.js';

/** enum bpf_map_type, those that a value per CPU makes different. */
const PERCPU_HASH = 5;
const PERCPU_ARRAY = 6;
const LRU_PERCPU_HASH = 10;

const ENOENT = 2;
/** sizeof(struct bpf_map_info) as far as it is read. */
const MAP_INFO_BYTES = 48;

export interface MapInfo {
  readonly id: number;
  /** enum bpf_map_type. */
  readonly type: number;
  readonly name: string;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes of one value (of each CPU). */
  readonly valueSize: number;
  readonly maxEntries: number;
}

let possible: number | undefined;

/** How many CPUs the kernel is prepared for: a per-CPU map holds a value for each, running or not. */
export function possibleCpus(): number {
  if (possible === undefined) {
    // `0-3` or `0,2-5`: ids are dense enough that the highest one counts (kernel: num_possible_cpus, ids from 0).
    const last = readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim().split(/[-,]/).at(-1);
    possible = Number(last) + 1;
  }
  return possible;
}

function readInfo(fd: number): MapInfo {
  const info = allocate(MAP_INFO_BYTES);
  getInfo(fd, info);
  const word = (offset: number): number => info.view.getUint32(offset, true);
  return {
    type: word(0),
    id: word(4),
    keySize: word(8),
    valueSize: word(12),
    maxEntries: word(16),
    name: readName(info, 24),
  };
}

/**
 * An eBPF map in the kernel. Keys and values are bytes in the map's own layout. Of a per-CPU map a value is
 * {@link cpus} values one after the other, each padded to 8 bytes ({@link valueStride}); the caller sums them up.
 */
export class KernelMap {
  readonly info: MapInfo;
  readonly perCpu: boolean;
  /** Values in a looked-up value: 1, or the number of possible CPUs. */
  readonly cpus: number;
  /** Bytes from one CPU's value to the next one's. */
  readonly valueStride: number;
  private readonly attr: Memory = newAttr();
  private readonly key: Memory;
  private readonly value: Memory;
  private open = true;

  constructor(readonly fd: number) {
    this.info = readInfo(fd);
    this.perCpu = [PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH].includes(this.info.type);
    this.cpus = this.perCpu ? possibleCpus() : 1;
    this.valueStride = this.perCpu ? Math.ceil(this.info.valueSize / 8) * 8 : this.info.valueSize;
    this.key = allocate(this.info.keySize);
    this.value = allocate(this.valueStride * this.cpus);
  }

  private element(key: Uint8Array, value?: Uint8Array): Memory {
    if (key.length !== this.info.keySize) {
      throw new RuntimeError(
        'bad-map',
        `map ${this.info.name}: a key of ${key.length} bytes, not ${this.info.keySize}`,
      );
    }
    if (value !== undefined && value.length !== this.value.bytes.length) {
      throw new RuntimeError(
        'bad-map',
        `map ${this.info.name}: a value of ${value.length} bytes, not ${this.value.bytes.length}`,
      );
    }
    this.key.bytes.set(key);
    if (value !== undefined) this.value.bytes.set(value);
    const { view } = this.attr;
    view.setUint32(0, this.fd, true);
    setPointer(this.attr, 8, this.key);
    setPointer(this.attr, 16, this.value);
    view.setBigUint64(24, 0n, true);
    return this.attr;
  }

  /** A copy of the value, or undefined where the key is not in the map. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    const result = tryBpf('MAP_LOOKUP_ELEM', this.element(key));
    if (result === -ENOENT) return undefined;
    if (result < 0) throw new SystemCallError('BPF_MAP_LOOKUP_ELEM', -result, this.info.name);
    return this.value.bytes.slice();
  }

  update(key: Uint8Array, value: Uint8Array): void {
    bpf('MAP_UPDATE_ELEM', this.element(key, value), this.info.name);
  }

  /** False where the key was not in the map. */
  delete(key: Uint8Array): boolean {
    const attr = this.element(key);
    // The kernel wants what it does not read to be 0.
    attr.view.setBigUint64(16, 0n, true);
    const result = tryBpf('MAP_DELETE_ELEM', attr);
    if (result === -ENOENT) return false;
    if (result < 0) throw new SystemCallError('BPF_MAP_DELETE_ELEM', -result, this.info.name);
    return true;
  }

  /** Keys of a hash map that is not read as a whole: an entry that comes or goes meanwhile may be among them or not. */
  keys(): readonly Uint8Array[] {
    const found = new Map<string, Uint8Array>();
    const attr = newAttr();
    const [key, next] = [allocate(this.info.keySize), allocate(this.info.keySize)];
    attr.view.setUint32(0, this.fd, true);
    setPointer(attr, 16, next);
    for (let i = 0; i < this.info.maxEntries; i++) {
      if (tryBpf('MAP_GET_NEXT_KEY', attr) < 0) break;
      found.set(Buffer.from(next.bytes).toString('hex'), next.bytes.slice());
      key.bytes.set(next.bytes);
      setPointer(attr, 8, key);
    }
    return [...found.values()];
  }

  /** The value of entry `index` of an array map. */
  at(index: number): Uint8Array {
    const value = this.lookup(indexKey(index));
    if (value === undefined) throw new RuntimeError('bad-map', `map ${this.info.name} has no entry ${index}`);
    return value;
  }

  /**
   * Values of all entries of an array map in one system call: entry i is at `i * valueStride * cpus`. Falls back to
   * one call an entry where the kernel has no batches for it (before 5.13 for per-CPU arrays).
   */
  readArray(): Uint8Array {
    const { maxEntries } = this.info;
    const each = this.valueStride * this.cpus;
    const values = allocate(maxEntries * each);
    const keys = allocate(maxEntries * 4);
    const next = allocate(4);
    const attr = newAttr();
    setPointer(attr, 8, next);
    setPointer(attr, 16, keys);
    setPointer(attr, 24, values);
    attr.view.setUint32(32, maxEntries, true);
    attr.view.setUint32(36, this.fd, true);
    const result = tryBpf('MAP_LOOKUP_BATCH', attr);
    // The end of the map is ENOENT, with all that was found before it.
    const found = attr.view.getUint32(32, true);
    if ((result === 0 || result === -ENOENT) && found === maxEntries) return values.bytes;
    for (let i = 0; i < maxEntries; i++) values.bytes.set(this.at(i), i * each);
    return values.bytes;
  }

  /** Sets all entries of an array map to zero, on all CPUs. */
  clearArray(): void {
    const zero = new Uint8Array(this.valueStride * this.cpus);
    for (let i = 0; i < this.info.maxEntries; i++) this.update(indexKey(i), zero);
  }

  close(): void {
    if (this.open) closeSync(this.fd);
    this.open = false;
  }
}
