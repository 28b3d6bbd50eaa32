import type { MapSpec } from '../../../codegen/object/spec.js';
import { LoadError } from '../fault.js';
import { ArrayMap } from './array.js';
import { HashMap } from './hash.js';
import { LpmTrieMap } from './lpm-trie.js';
import type { KeyedMap } from './map.js';
import { RingMap } from './ring.js';

export type BpfMap = KeyedMap | RingMap;

/** An empty map as BPF_MAP_CREATE makes it. Throws {@link LoadError} `bad-map` for sizes that the kernel refuses. */
export function createMap(spec: MapSpec, cpus: number): BpfMap {
  const { name, type, keySize, valueSize, maxEntries } = spec;
  if (type === 'ringbuf') {
    const isPages = maxEntries >= 4096 && (maxEntries & (maxEntries - 1)) === 0;
    if (!isPages || keySize !== 0 || valueSize !== 0) {
      throw new LoadError('bad-map', `map ${name}: a ring buffer has a power of two of pages, no key and no value`);
    }
    return new RingMap(spec);
  }
  if (maxEntries <= 0 || valueSize <= 0) throw new LoadError('bad-map', `map ${name}: no entries or no value`);
  switch (type) {
    case 'array':
    case 'percpu_array':
      if (keySize !== 4) throw new LoadError('bad-map', `map ${name}: the key of an array has 4 bytes`);
      return new ArrayMap(spec, type === 'array' ? 1 : cpus);
    case 'hash':
    case 'lru_hash':
    case 'percpu_hash':
      if (keySize <= 0) throw new LoadError('bad-map', `map ${name}: no key`);
      return new HashMap(spec, type === 'percpu_hash' ? cpus : 1);
    case 'lpm_trie':
      if (keySize < 5 || keySize > 260) throw new LoadError('bad-map', `map ${name}: a prefix has 1 to 256 bytes`);
      return new LpmTrieMap(spec);
  }
}
