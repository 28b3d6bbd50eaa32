import { UPDATE, type KeyedMap } from './map.js';

/** A map as the host sees it. A number as key is written little endian over the whole key. */
export class HostMap {
  constructor(
    private readonly map: KeyedMap,
    private readonly cpu: number,
  ) {}

  /** Copy of the value; of a per-CPU map the running CPU's. */
  get(key: Uint8Array | number): Uint8Array | undefined {
    return this.getPerCpu(key)?.[this.map.values.cpus > 1 ? this.cpu : 0];
  }

  /** Copies of the values of all CPUs; one where the map is not per CPU. */
  getPerCpu(key: Uint8Array | number): readonly Uint8Array[] | undefined {
    const slot = this.map.lookup(this.keyBytes(key));
    return slot < 0 ? undefined : this.copies(slot);
  }

  /** Sets the value (of all CPUs). Throws a RangeError where the map is full or has no such index. */
  set(key: Uint8Array | number, value: Uint8Array): void {
    const { values, spec } = this.map;
    if (value.length !== spec.valueSize) throw new RangeError(`map ${spec.name}: a value has ${spec.valueSize} bytes`);
    const slot = this.map.place(this.keyBytes(key), UPDATE.ANY);
    if (slot < 0) throw new RangeError(`map ${spec.name}: error ${slot}`);
    for (let cpu = 0; cpu < values.cpus; cpu++) values.bytes(slot, cpu).set(value);
  }

  /** Whether there was such a key. */
  delete(key: Uint8Array | number): boolean {
    return this.map.delete(this.keyBytes(key)) === 0;
  }

  /** Copies of keys and values, as {@link get} gives them. */
  *entries(): IterableIterator<readonly [Uint8Array, Uint8Array]> {
    for (const { key, slot } of this.map.keys()) {
      yield [key, this.map.values.bytes(slot, this.map.values.cpus > 1 ? this.cpu : 0).slice()];
    }
  }

  /**
   * Visits all values in place, in the order of {@link entries}: where each begins in a view, for each CPU. For
   * reading a large map often.
   */
  forEachValue(visit: (view: DataView, offset: number, cpu: number) => void): void {
    const { values } = this.map;
    for (const slot of this.map.slots()) {
      const view = values.view(slot);
      for (let cpu = 0; cpu < values.cpus; cpu++) visit(view, values.offset(slot, cpu), cpu);
    }
  }

  /** Back to how it was made: empty, or all zeros. */
  clear(): void {
    this.map.clear();
  }

  private copies(slot: number): readonly Uint8Array[] {
    return Array.from({ length: this.map.values.cpus }, (_, cpu) => this.map.values.bytes(slot, cpu).slice());
  }

  private keyBytes(key: Uint8Array | number): Uint8Array {
    const { name, keySize } = this.map.spec;
    if (typeof key !== 'number') {
      if (key.length !== keySize) throw new RangeError(`map ${name}: a key has ${keySize} bytes`);
      return key;
    }
    const bytes = new Uint8Array(keySize);
    let rest = key;
    for (let i = 0; i < keySize; i++) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return bytes;
  }
}
