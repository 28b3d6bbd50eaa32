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
