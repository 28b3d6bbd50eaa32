import type { HashlimitKey, HashlimitTable, HashlimitTest } from '../../grammar/model/memory.js';

/** What `hashlimit` looks at in a packet: ports are 0 where it finds none, `length` counts from the IP header on. */
export type HashlimitPacket = Readonly<Record<HashlimitKey, bigint>> & { readonly length: bigint };

interface Entry {
  /** Jiffy from which the next clean-up takes it out. */
  expires: bigint;
  previous: bigint;
  credit: bigint;
  /** With a byte rate: how often it can still be filled anew. */
  refills: bigint;
  /** With rate match: what came in this interval, and whether the last one was above the rate. */
  current: bigint;
  wasAbove: boolean;
}

const U32_MAX = 0xffffffffn;
const U64_MAX = 0xffffffffffffffffn;
/** XT_HASHLIMIT_SCALE_v2 and XT_HASHLIMIT_BYTE_SHIFT. */
const SCALE = 1_000_000n;
const BYTE_SHIFT = 4n;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/**
 * The tables of a ruleset's `hashlimit` tests, with the arithmetic of net/netfilter/xt_hashlimit.c, revision 3. The
 * kernel's clean-ups are here at multiples of their interval; its own begin when the table is made and are put off
 * while the machine sleeps.
 */
export class HashlimitMemory {
  readonly #tables = new Map<string, Map<string, Entry>>();
  readonly #ticks: bigint;
  #now = 0n;

  /** `hz`: jiffies a second (CONFIG_HZ). */
  constructor(hz: number) {
    this.#ticks = BigInt(hz);
  }

  /** Sets the clock, in jiffies. */
  advanceTo(jiffies: bigint): void {
    this.#now = jiffies;
  }

  /** hashlimit_mt_common: the answer; undefined where the table is full and the packet is dropped. */
  match({ name, table, above }: HashlimitTest, packet: HashlimitPacket): boolean | undefined {
    let entries = this.#tables.get(name);
    if (entries === undefined) this.#tables.set(name, (entries = new Map()));
    this.#cleanUp(entries, table);
    const key = keyOf(table, packet);
    let entry = entries.get(key);
    if (entry === undefined) {
      if (entries.size >= table.most) return undefined;
      entries.set(key, (entry = this.#create(table)));
    } else {
      this.#recalculate(entry, table);
    }
    entry.expires = this.#now + this.#jiffies(table.expire);
    const within = table.rateMatch
      ? this.#compareRate(entry, table, packet.length)
      : this.#spend(entry, table, packet.length);
    return within !== above;
  }

  /** htable_gc, as if the last one had just been. */
  #cleanUp(entries: Map<string, Entry>, { cleanUp }: HashlimitTable): void {
    const last = this.#now - (this.#now % this.#jiffies(cleanUp));
    for (const [key, { expires }] of entries) if (last >= expires) entries.delete(key);
  }

  /** msecs_to_jiffies. */
  #jiffies(milliseconds: number): bigint {
    return (BigInt(milliseconds) * this.#ticks + 999n) / 1000n;
  }

  /** rateinfo_init. */
  #create(table: HashlimitTable): Entry {
    const inBytes = table.unit === 'bytes';
    return {
      expires: 0n,
      previous: this.#now,
      credit: inBytes ? this.#fullBytes() : this.#credits(u64(table.average * table.burst)),
      refills: table.burst,
      current: 0n,
      wasAbove: false,
    };
  }

  /** rateinfo_recalc. */
  #recalculate(entry: Entry, table: HashlimitTable): void {
    const delta = this.#now - entry.previous;
    if (delta === 0n) return;
    if (table.rateMatch) {
      const interval = BigInt.asUintN(32, BigInt(table.interval) * this.#ticks);
      if (delta < interval) return;
      entry.previous = this.#now;
      entry.wasAbove = u64(entry.current * interval) > u64(delta * rateOf(table));
      entry.current = 0n;
      return;
    }
    entry.previous = this.#now;
    if (table.unit === 'bytes') {
      const full = this.#fullBytes();
      const grown = u64(entry.credit + this.#perJiffyBytes() * delta);
      entry.credit = entry.credit >= grown || grown > full ? full : grown;
      return;
    }
    const full = this.#credits(u64(table.average * table.burst));
    const grown = u64(entry.credit + delta * this.#perJiffy());
    entry.credit = grown > full ? full : grown;
  }

  #compareRate(entry: Entry, table: HashlimitTable, length: bigint): boolean {
    const inBytes = table.unit === 'bytes';
    entry.current += inBytes ? length : 1n;
    const rate = rateOf(table);
    const most = inBytes ? (table.burst === 0n ? rate : rate * table.burst) : rate + table.burst;
    return !entry.wasAbove && entry.current <= most;
  }

  #spend(entry: Entry, table: HashlimitTable, length: bigint): boolean {
    const cost = table.unit === 'bytes' ? this.#byteCost(entry, table, length) : this.#credits(table.average);
    if (entry.credit < cost) return false;
    entry.credit -= cost;
    return true;
  }

  /** hashlimit_byte_cost. */
  #byteCost(entry: Entry, { average }: HashlimitTable, length: bigint): bigint {
    const full = this.#fullBytes();
    // user2credits_byte
    const perChunk = (average * full) >> 32n;
    const cost = ((length >> BYTE_SHIFT) + 1n) * perChunk;
    const capped = cost > full ? full : cost;
    if (entry.credit < capped && entry.refills > 0n) {
      entry.refills--;
      entry.credit = full;
    }
    return capped;
  }

  /** CREDITS_PER_JIFFY: what still counts one packet a day. */
  #perJiffy(): bigint {
    return powerOfTwoBelow(U64_MAX / (this.#ticks * 60n * 60n * 24n));
  }

  /** CREDITS_PER_JIFFY_BYTES. */
  #perJiffyBytes(): bigint {
    return powerOfTwoBelow(U32_MAX / this.#ticks);
  }

  #fullBytes(): bigint {
    return this.#perJiffyBytes() * this.#ticks;
  }

  /** user2credits. */
  #credits(user: bigint): bigint {
    const scale = this.#ticks * this.#perJiffy();
    return SCALE >= scale ? user / (SCALE / scale) : u64(user * (scale / SCALE));
  }
}

/** user2rate, user2rate_bytes. */
function rateOf({ unit, average }: HashlimitTable): bigint {
  return unit === 'bytes' ? u64((U32_MAX / average - 1n) << BYTE_SHIFT) : SCALE / average;
}

function keyOf({ keys, sourceMask, destinationMask }: HashlimitTable, packet: HashlimitPacket): string {
  const parts: Readonly<Record<HashlimitKey, bigint>> = {
    ...packet,
    srcip: packet.srcip & sourceMask,
    dstip: packet.dstip & destinationMask,
  };
  return keys.map((key) => parts[key]).join(' ');
}

function powerOfTwoBelow(value: bigint): bigint {
  return 1n << BigInt(value.toString(2).length - 1);
}
