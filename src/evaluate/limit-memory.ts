import type { Opaque } from '../../grammar/model/condition.js';
import type { RuleRef } from '../../grammar/model/ruleset.js';

export type LimitTest = Extract<Opaque, { name: 'limit' }>;

/** XT_LIMIT_SCALE: units of `average` in a second. */
const LIMIT_SCALE = 10_000n;
const U32_MAX = 0xffffffffn;

const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);

/** What limit_mt_check makes of `--limit` and `--limit-burst`: credits, 32 bits each. */
export interface LimitRate {
  readonly cost: bigint;
  readonly cap: bigint;
}

interface Bucket {
  credit: bigint;
  /** Jiffies of the last packet that came to the test. */
  previous: bigint;
}

/**
 * The token buckets of a ruleset's `limit` tests, one for each test of a rule, with the arithmetic of
 * net/netfilter/xt_limit.c: 32-bit credits, which wrap after a long pause as they do in the kernel. Every bucket is
 * full when the ruleset is loaded.
 */
export class LimitMemory {
  readonly #buckets = new Map<string, Map<LimitTest, Bucket>>();
  readonly #ticks: bigint;
  readonly #perJiffy: bigint;
  readonly #loaded: bigint;
  #now: bigint;

  /** `hz`: jiffies a second (CONFIG_HZ); `loaded`: jiffies when the ruleset was loaded. */
  constructor(hz: number, loaded = 0n) {
    this.#ticks = BigInt(hz);
    this.#perJiffy = creditsPerJiffy(this.#ticks);
    this.#loaded = loaded;
    this.#now = loaded;
  }

  /** Sets the clock, in jiffies. */
  advanceTo(jiffies: bigint): void {
    this.#now = jiffies;
  }

  /** Takes a token (limit_mt): whether there was one. */
  take(test: LimitTest, rule: RuleRef): boolean {
    const { cost, cap } = this.rate(test);
    const bucket = this.#bucket(test, rule, cap);
    let credit = u32(bucket.credit + u32((this.#now - bucket.previous) * this.#perJiffy));
    bucket.previous = this.#now;
    if (credit > cap) credit = cap;
    const taken = credit >= cost;
    bucket.credit = taken ? credit - cost : credit;
    return taken;
  }

  /** limit_mt_check. */
  rate(test: LimitTest): LimitRate {
    const average = BigInt(test.average);
    return { cost: this.#credits(average), cap: this.#credits(u32(average * BigInt(test.burst))) };
  }

  /** user2credits. */
  #credits(user: bigint): bigint {
    const scale = this.#ticks * this.#perJiffy;
    return user > U32_MAX / scale ? u32((user / LIMIT_SCALE) * scale) : u32(user * scale) / LIMIT_SCALE;
  }

  #bucket(test: LimitTest, rule: RuleRef, full: bigint): Bucket {
    const key = `${rule.number} ${rule.chain}`;
    let tests = this.#buckets.get(key);
    if (tests === undefined) this.#buckets.set(key, (tests = new Map()));
    let bucket = tests.get(test);
    if (bucket === undefined) tests.set(test, (bucket = { credit: full, previous: this.#loaded }));
    return bucket;
  }
}

/** CREDITS_PER_JIFFY: the power of two with which a bucket for one packet a day still fits 32 bits. */
function creditsPerJiffy(hz: bigint): bigint {
  const most = U32_MAX / (hz * 60n * 60n * 24n);
  let power = 1n;
  while (power * 2n <= most) power *= 2n;
  return power;
}
