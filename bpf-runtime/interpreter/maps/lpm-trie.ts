import type { MapSpec } from '../../../codegen/object/spec.js';
import { ERRNO, UPDATE, type KeyedMap } from './map.js';
import { ValueStore } from './value-store.js';

/** Bytes of the prefix length at the start of a key (struct bpf_lpm_trie_key_u8), in host order. */
const LENGTH_BYTES = 4;

/**
 * `lpm_trie` (kernel/bpf/lpm_trie.c): a key is a length in bits and that many bits, most significant first. The look-up
 * finds the longest prefix that is no longer than the key asked for.
 */
export class LpmTrieMap implements KeyedMap {
  readonly values: ValueStore;
  private readonly maxBits: number;
  /** Slots by prefix, for each length of prefix. */
  private readonly byLength: Map<string, number>[];
  private size = 0;

  constructor(readonly spec: MapSpec) {
    this.values = new ValueStore(spec.valueSize, 1);
    this.maxBits = (spec.keySize - LENGTH_BYTES) * 8;
    this.byLength = Array.from({ length: this.maxBits + 1 }, () => new Map<string, number>());
  }

  private bits(key: Uint8Array): number {
    return (key[0] | (key[1] << 8) | (key[2] << 16) | (key[3] << 24)) >>> 0;
  }

  private prefix(key: Uint8Array, bits: number): string {
    let text = '';
    for (let bit = 0; bit < bits; bit += 8) {
      const rest = bits - bit;
      const byte = key[LENGTH_BYTES + bit / 8];
      text += String.fromCharCode(rest >= 8 ? byte : byte & (0xff00 >> rest));
    }
    return text;
  }

  lookup(key: Uint8Array): number {
    const bits = this.bits(key);
    if (bits > this.maxBits) return -1;
    for (let length = bits; length >= 0; length--) {
      const prefixes = this.byLength[length];
      if (prefixes.size === 0) continue;
      const slot = prefixes.get(this.prefix(key, length));
      if (slot !== undefined) return slot;
    }
    return -1;
  }

  place(key: Uint8Array, flags: number): number {
    const bits = this.bits(key);
    if (flags > UPDATE.EXIST || bits > this.maxBits) return ERRNO.EINVAL;
    const prefix = this.prefix(key, bits);
    const old = this.byLength[bits].get(prefix);
    if (old !== undefined) return flags === UPDATE.NOEXIST ? ERRNO.EEXIST : old;
    if (flags === UPDATE.EXIST) return ERRNO.ENOENT;
    if (this.size >= this.spec.maxEntries) return ERRNO.ENOSPC;
    const slot = this.values.take();
    this.byLength[bits].set(prefix, slot);
    this.size++;
    return slot;
  }

  delete(key: Uint8Array): number {
    const bits = this.bits(key);
    if (bits > this.maxBits) return ERRNO.EINVAL;
    const prefix = this.prefix(key, bits);
    const slot = this.byLength[bits].get(prefix);
    if (slot === undefined) return ERRNO.ENOENT;
    this.byLength[bits].delete(prefix);
    this.values.release(slot);
    this.size--;
    return 0;
  }

  *keys(): Iterable<{ key: Uint8Array; slot: number }> {
    for (let bits = 0; bits <= this.maxBits; bits++) {
      for (const [prefix, slot] of this.byLength[bits]) {
        const key = new Uint8Array(this.spec.keySize);
        new DataView(key.buffer).setUint32(0, bits, true);
        for (let i = 0; i < prefix.length; i++) key[LENGTH_BYTES + i] = prefix.charCodeAt(i);
        yield { key, slot };
      }
    }
  }

  *slots(): Iterable<number> {
    for (const prefixes of this.byLength) yield* prefixes.values();
  }

  clear(): void {
    for (const prefixes of this.byLength) prefixes.clear();
    this.values.clear();
    this.size = 0;
  }
}
