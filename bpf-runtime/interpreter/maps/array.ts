import type { MapSpec } from '../../../codegen/object/spec.js';
import { ERRNO, UPDATE, type KeyedMap } from './map.js';
import { ValueStore } from './value-store.js';

/** `array` and `percpu_array` (kernel/bpf/arraymap.c): all entries exist from the start, and stay. */
export class ArrayMap implements KeyedMap {
  readonly values: ValueStore;

  constructor(
    readonly spec: MapSpec,
    cpus: number,
  ) {
    this.values = new ValueStore(spec.valueSize, cpus);
    this.fill();
  }

  private fill(): void {
    for (let i = 0; i < this.spec.maxEntries; i++) this.values.take();
  }

  private index(key: Uint8Array): number {
    return (key[0] | (key[1] << 8) | (key[2] << 16) | (key[3] << 24)) >>> 0;
  }

  lookup(key: Uint8Array): number {
    const index = this.index(key);
    return index < this.spec.maxEntries ? index : -1;
  }

  place(key: Uint8Array, flags: number): number {
    if (flags > UPDATE.EXIST) return ERRNO.EINVAL;
    const index = this.index(key);
    if (index >= this.spec.maxEntries) return ERRNO.E2BIG;
    return flags === UPDATE.NOEXIST ? ERRNO.EEXIST : index;
  }

  delete(): number {
    return ERRNO.EINVAL;
  }

  *keys(): Iterable<{ key: Uint8Array; slot: number }> {
    for (let index = 0; index < this.spec.maxEntries; index++) {
      const key = new Uint8Array(4);
      new DataView(key.buffer).setUint32(0, index, true);
      yield { key, slot: index };
    }
  }

  *slots(): Iterable<number> {
    for (let index = 0; index < this.spec.maxEntries; index++) yield index;
  }

  clear(): void {
    this.values.clear();
    this.fill();
  }
}
