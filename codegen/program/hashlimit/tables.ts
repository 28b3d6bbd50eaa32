import type { Family } from '../../../grammar/model/family.js';
import type { HashlimitTable, HashlimitTest } from '../../../grammar/model/memory.js';
import type { MapSpec } from '../../object/spec.js';

/** A value: u64 jiffy from which it may go, u64 jiffy of its last change, and two words of the rate, u64 each. */
export const ENTRY = { expires: 0, previous: 8, credit: 16, cap: 24, bytes: 32 } as const;
/** Bytes of a key: addresses in host order (IPv6: two u64 words each), ports, as far as the table asks for them. */
export const KEY = {
  v4: { src: 0, dst: 4, sport: 8, dport: 10, bytes: 12 },
  v6: { src: 0, dst: 16, sport: 32, dport: 34, bytes: 36 },
} as const;
/** A lock for so many keys in common: a power of two. */
export const LOCKS = 64;
/** More room than the kernel has, so that what lives is not forgotten before the kernel would drop. */
const SLACK = 16_384;

export interface HashlimitMaps {
  readonly name: string;
  readonly table: HashlimitTable;
  /** `lru_hash`. */
  readonly entries: MapSpec;
  /** Array of {@link LOCKS}. */
  readonly locks: MapSpec;
}

/** The tables of an object, and the functions that answer tests on them. */
export class HashlimitTables {
  private readonly tables = new Map<string, HashlimitMaps>();
  private readonly tests = new Map<string, { readonly name: string; readonly test: HashlimitTest }>();

  constructor(private readonly family: Family) {}

  /** Name of the function that answers a test. */
  functionOf(test: HashlimitTest): string {
    const key = `${test.above} ${test.name}`;
    let known = this.tests.get(key);
    if (known === undefined) {
      known = { name: `hashlimit_test_${this.tests.size}`, test };
      this.tests.set(key, known);
    }
    return known.name;
  }

  of({ name, table }: HashlimitTest): HashlimitMaps {
    const known = this.tables.get(name);
    if (known !== undefined) return known;
    const number = this.tables.size;
    const keySize = KEY[this.family].bytes;
    const maxEntries = table.most + Math.min(table.most, SLACK);
    const maps: HashlimitMaps = {
      name,
      table,
      entries: { name: `hashlimit_${number}`, type: 'lru_hash', keySize, valueSize: ENTRY.bytes, maxEntries },
      locks: { name: `hash_locks_${number}`, type: 'array', keySize: 4, valueSize: 8, maxEntries: LOCKS, locked: true },
    };
    this.tables.set(name, maps);
    return maps;
  }

  all(): readonly HashlimitMaps[] {
    return [...this.tables.values()];
  }
}
