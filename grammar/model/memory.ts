/**
 * What `-m recent` does with the list of addresses that it names (net/netfilter/xt_recent.c recent_mt). All rules that
 * name a list share it, in whatever chain or table they stand.
 */
export interface RecentTest {
  readonly list: string;
  /** `check` is `--rcheck`. */
  readonly action: 'set' | 'check' | 'update' | 'remove';
  readonly inverted: boolean;
  readonly side: 'src' | 'dst';
  /** Part of the address that is kept. A list has the mask of the rule that made it. */
  readonly mask: bigint;
  /** Age in seconds beyond which a packet does not count; 0: none is too old. */
  readonly seconds: number;
  /** Packets that must have been seen; 0 counts as 1, but asks for no more room (see {@link recentStamps}). */
  readonly hits: number;
  /** `--rttl`: only an entry with the TTL of the packet. */
  readonly sameTtl: boolean;
  /** `--reap`: takes the entry out that was idle longest, if it is older than `seconds`. */
  readonly reap: boolean;
}

/** Packets that a list remembers of an address: the greatest need of its rules (recent_mt_check), a power of two. */
export function recentStamps(tests: readonly RecentTest[]): number {
  return Math.max(1, ...tests.map(({ hits }) => (hits === 0 ? DEFAULT_STAMPS : roundUp(hits))));
}

const DEFAULT_STAMPS = 32;

/** Module parameter `ip_list_tot`: addresses that a list remembers. */
export const DEFAULT_RECENT_ENTRIES = 100;

function roundUp(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** What a table of `-m hashlimit` has a bucket for. */
export type HashlimitKey = 'srcip' | 'srcport' | 'dstip' | 'dstport';

/** A table of `-m hashlimit` as the kernel is told to make it (struct hashlimit_cfg3). */
export interface HashlimitTable {
  readonly keys: readonly HashlimitKey[];
  readonly sourceMask: bigint;
  readonly destinationMask: bigint;
  readonly unit: 'packets' | 'bytes';
  /** `--hashlimit-rate-match`: compares the rate of the last interval, instead of filling a bucket. */
  readonly rateMatch: boolean;
  /** Cost of a packet in millionths of a second, or of 16 bytes in fractions of 2^32. */
  readonly average: bigint;
  /** Packets; with a byte rate, how often a bucket is filled anew; 0: never. */
  readonly burst: bigint;
  /** Seconds of the interval of `rateMatch`; 0 without it. */
  readonly interval: number;
  /** Milliseconds until an idle entry may go, and between the times when the kernel looks for such. */
  readonly expire: number;
  readonly cleanUp: number;
  /** Most entries; a packet that would need one more is dropped at once. */
  readonly most: number;
}

/** `-m hashlimit`: all rules that name a table share it, and it is as the first of them says. */
export interface HashlimitTest {
  readonly name: string;
  readonly table: HashlimitTable;
  /** Matches above the rate (`--hashlimit-above`), not up to it. */
  readonly above: boolean;
}
