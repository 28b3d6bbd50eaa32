import type { MapSpec } from '../../../codegen/object/spec.js';
import { ERRNO, UPDATE, type KeyedMap } from './map.js';
import { ValueStore } from './value-store.js';

/** Bytes as a string of one character each: a key that a Map can hold. */
function keyText(key: Uint8Array): string {
  let text = '';
  for (let i = 0; i < key.length; i++) text += String.fromCharCode(key[i]);
  return text;
}

function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * `hash`, `percpu_hash` and `lru_hash` (kernel/bpf/hashtab.c). A full `lru_hash` throws out the entry that was used
 * longest ago; the kernel's, which keeps its lists per CPU, only comes near that.
 */
export class HashMap implements KeyedMap {
  readonly values: ValueStore;
  private readonly byKey = new Map<string, number>();

  constructor(
    readonly spec: MapSpec,
    cpus: number,
  ) {
    this.values = new ValueStore(spec.valueSize, cpus);
  }

  lookup(key: Uint8Array): number {
    const text = keyText(key);
    const slot = this.byKey.get(text);
    if (slot === undefined) return -1;
    if (this.spec.type === 'lru_hash') this.touch(text, slot);
    return slot;
  }

  /** A Map lists its keys in order of insertion: the youngest last. */
  private touch(text: string, slot: number): void {
    this.byKey.delete(text);
    this.byKey.set(text, slot);
  }

  place(key: Uint8Array, flags: number): number {
    if (flags > UPDATE.EXIST) return ERRNO.EINVAL;
    const text = keyText(key);
    const old = this.byKey.get(text);
    if (old !== undefined) {
      if (flags === UPDATE.NOEXIST) return ERRNO.EEXIST;
      if (this.spec.type === 'lru_hash') this.touch(text, old);
      return old;
    }
    if (flags === UPDATE.EXIST) return ERRNO.ENOENT;
    if (this.byKey.size >= this.spec.maxEntries && !this.evict()) return ERRNO.E2BIG;
    const slot = this.values.take();
    this.byKey.set(text, slot);
    return slot;
  }

  private evict(): boolean {
    if (this.spec.type !== 'lru_hash') return false;
    for (const [text, slot] of this.byKey) {
      this.byKey.delete(text);
      this.values.release(slot);
      return true;
    }
    return false;
  }

  delete(key: Uint8Array): number {
    const text = keyText(key);
    const slot = this.byKey.get(text);
    if (slot === undefined) return ERRNO.ENOENT;
    this.byKey.delete(text);
    this.values.release(slot);
    return 0;
  }

  *keys(): Iterable<{ key: Uint8Array; slot: number }> {
    for (const [text, slot] of this.byKey) yield { key: keyBytes(text), slot };
  }

  slots(): Iterable<number> {
    return this.byKey.values();
  }

  clear(): void {
    this.byKey.clear();
    this.values.clear();
  }
}
