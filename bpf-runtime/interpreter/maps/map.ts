import type { MapSpec } from '../../../codegen/object/spec.js';
import type { ValueStore } from './value-store.js';

/** Flags of bpf_map_update_elem (include/uapi/linux/bpf.h). */
export const UPDATE = { ANY: 0, NOEXIST: 1, EXIST: 2 } as const;

/** Negated error numbers that maps answer with. */
export const ERRNO = {
  ENOENT: -2,
  E2BIG: -7,
  EAGAIN: -11,
  ENOMEM: -12,
  EACCES: -13,
  EFAULT: -14,
  EEXIST: -17,
  EINVAL: -22,
  ENOSPC: -28,
  ENOTSUPP: -524,
} as const;

/** A map with keys and values. A value stands in a numbered slot of its store as long as its key is in the map. */
export interface KeyedMap {
  readonly spec: MapSpec;
  readonly values: ValueStore;
  /** Slot of the key's value, −1 where there is none. */
  lookup(key: Uint8Array): number;
  /** Slot to write the value to, or −errno. */
  place(key: Uint8Array, flags: number): number;
  /** 0 or −errno. */
  delete(key: Uint8Array): number;
  keys(): Iterable<{ readonly key: Uint8Array; readonly slot: number }>;
  /** Slots in the order of {@link keys}. */
  slots(): Iterable<number>;
  clear(): void;
}
