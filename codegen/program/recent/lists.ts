import type { Family } from '../../../grammar/model/family.js';
import { recentStamps, type RecentTest } from '../../../grammar/model/memory.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import type { MapSpec } from '../../object/spec.js';
import { visitCondition } from '../../../grammar/model/condition-parts.js';

/** Where things stand in the value of a list's map: a lock, what is kept while it is held, and arrays over all entries. */
export interface RecentLayout {
  /** `ip_list_tot`: entries of the list. */
  readonly entries: number;
  /** Packets remembered of each, a power of two. */
  readonly stamps: number;
  /** u64 words of a key: the address in one or two, with a bit (a word of its own) that says that the entry is used. */
  readonly keyWords: 1 | 3;
  /** u64 for each entry: when it was touched, by {@link HEAD}.clock; 0 for one that is free. */
  readonly touched: number;
  readonly keys: number;
  /** u32 index, u32 number of stamps, u32 TTL, u32 nothing, and the stamps, u64 each, in jiffies. */
  readonly records: number;
  readonly recordBytes: number;
  readonly bytes: number;
}

/** At the front of a value: u32 lock, u32 entry found, u64 touches so far, u64 least one found. */
export const HEAD = { lock: 0, found: 4, clock: 8, least: 16, bytes: 24 } as const;
export const RECORD = { index: 0, count: 4, ttl: 8, stamps: 16 } as const;

export function layoutList(family: Family, entries: number, stamps: number): RecentLayout {
  const keyWords = family === 'v4' ? 1 : 3;
  const keys = HEAD.bytes + 8 * entries;
  const records = keys + 8 * keyWords * entries;
  const recordBytes = RECORD.stamps + 8 * stamps;
  return {
    ...{ entries, stamps, keyWords, touched: HEAD.bytes, keys, records, recordBytes },
    bytes: records + recordBytes * entries,
  };
}

/** A list of an object. */
export interface RecentList {
  readonly name: string;
  /** Array of one entry, with the layout. */
  readonly map: MapSpec;
  readonly layout: RecentLayout;
  /** Whether some rule asks for the TTL, so that it must be kept. */
  readonly keepsTtl: boolean;
}

/** All `recent` tests of a ruleset that name the list, reachable or not: the kernel makes room for each. */
export function testsOnList(ruleset: Ruleset, list: string): readonly RecentTest[] {
  const tests: RecentTest[] = [];
  for (const { condition } of ruleset.tables
    .flatMap(({ chains }) => chains)
    .flatMap(({ rules }) => rules)
    .flatMap(({ matches }) => matches)) {
    visitCondition(condition, {
      opaque: (test) => {
        if (test.name === 'recent' && test.test.list === list) tests.push(test.test);
      },
    });
  }
  return tests;
}

/** The lists of an object and the functions that answer tests on them, numbered as they are asked for. */
export class RecentLists {
  private readonly lists = new Map<string, RecentList>();
  private readonly tests = new Map<string, { readonly name: string; readonly test: RecentTest }>();

  constructor(
    private readonly ruleset: Ruleset,
    private readonly entries: number,
  ) {}

  /** Name of the function that answers a test, the same for the same test. */
  functionOf(test: RecentTest): string {
    const key = JSON.stringify(test, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
    let known = this.tests.get(key);
    if (known === undefined) {
      known = { name: `recent_test_${this.tests.size}`, test };
      this.tests.set(key, known);
    }
    return known.name;
  }

  list(name: string): RecentList {
    const known = this.lists.get(name);
    if (known !== undefined) return known;
    const tests = testsOnList(this.ruleset, name);
    const layout = layoutList(this.ruleset.family, this.entries, recentStamps(tests));
    const map: MapSpec = {
      name: `recent_${this.lists.size}`,
      type: 'array',
      keySize: 4,
      valueSize: layout.bytes,
      maxEntries: 1,
      locked: true,
    };
    const list = { name, map, layout, keepsTtl: tests.some(({ sameTtl }) => sameTtl) };
    this.lists.set(name, list);
    return list;
  }

  functions(): readonly { readonly name: string; readonly test: RecentTest }[] {
    return [...this.tests.values()];
  }

  all(): readonly RecentList[] {
    return [...this.lists.values()];
  }
}
