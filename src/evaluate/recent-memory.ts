import { DEFAULT_RECENT_ENTRIES, recentStamps, type RecentTest } from '../../grammar/model/memory.js';

/** What `recent` looks at in a packet. */
export interface RecentPacket {
  readonly source: bigint;
  readonly destination: bigint;
  /**
   * TTL or hop limit "as seen before forwarding": that of the packet in the chain, one more (in 8 bits) where it leaves
   * by a device and has no socket of this host.
   */
  readonly ttl: number;
}

interface Entry {
  readonly address: bigint;
  ttl: number;
  /** Place behind the last stamp in the ring. */
  index: number;
  readonly stamps: bigint[];
}

interface List {
  readonly mask: bigint;
  readonly stamps: number;
  /** The one that was touched longest ago comes first. */
  entries: Entry[];
}

export interface RecentMemoryOptions {
  /** Jiffies a second (CONFIG_HZ). */
  readonly hz: number;
  /** Module parameter `ip_list_tot`, default 100. */
  readonly entries?: number;
}

/** The lists of a ruleset's `recent` tests, as net/netfilter/xt_recent.c keeps them, empty at first. */
export class RecentMemory {
  readonly #lists = new Map<string, List>();
  readonly #ticks: bigint;
  readonly #most: number;
  #now = 0n;

  /** `tests`: all of the ruleset, in the order in which the kernel is given the rules. */
  constructor({ hz, entries = DEFAULT_RECENT_ENTRIES }: RecentMemoryOptions, tests: readonly RecentTest[]) {
    this.#ticks = BigInt(hz);
    this.#most = entries;
    for (const { list, mask } of tests) {
      if (this.#lists.has(list)) continue;
      const stamps = recentStamps(tests.filter((test) => test.list === list));
      this.#lists.set(list, { mask, stamps, entries: [] });
    }
  }

  /** Sets the clock, in jiffies. */
  advanceTo(jiffies: bigint): void {
    this.#now = jiffies;
  }

  /** recent_mt: the answer, and what it leaves behind in the list. */
  match(test: RecentTest, packet: RecentPacket): boolean {
    const list = this.#lists.get(test.list);
    if (list === undefined) throw new Error(`no list ${test.list}`);
    const address = (test.side === 'dst' ? packet.destination : packet.source) & list.mask;
    const { ttl } = packet;
    const entry = list.entries.find(
      (one) => one.address === address && (!test.sameTtl || ttl === 0 || one.ttl === 0 || one.ttl === ttl),
    );
    if (entry === undefined) {
      if (test.action !== 'set') return test.inverted;
      if (list.entries.length >= this.#most) list.entries.shift();
      list.entries.push({ address, ttl, index: 1, stamps: [this.#now] });
      return !test.inverted;
    }
    switch (test.action) {
      case 'set':
        this.#touch(list, entry, ttl);
        return !test.inverted;
      case 'remove':
        list.entries = list.entries.filter((one) => one !== entry);
        return !test.inverted;
      case 'check':
      case 'update': {
        const since = this.#now - BigInt.asUintN(32, BigInt(test.seconds) * this.#ticks);
        const young = test.seconds === 0 ? entry.stamps : entry.stamps.filter((stamp) => stamp >= since);
        const result = young.length >= Math.max(1, test.hits) ? !test.inverted : test.inverted;
        const updated = test.action === 'update' && result;
        if (test.reap) this.#reap(list, since, updated ? entry : undefined);
        if (updated) this.#touch(list, entry, ttl);
        return result;
      }
    }
  }

  /** recent_entry_update. */
  #touch(list: List, entry: Entry, ttl: number): void {
    const place = entry.index % list.stamps;
    entry.stamps[place] = this.#now;
    entry.index = place + 1;
    entry.ttl = ttl;
    list.entries = [...list.entries.filter((one) => one !== entry), entry];
  }

  /** recent_entry_reap: the entry that is about to be updated stays. */
  #reap(list: List, since: bigint, kept: Entry | undefined): void {
    const [oldest] = list.entries;
    if (oldest !== kept && oldest.stamps[oldest.index - 1] < since) list.entries.shift();
  }
}
