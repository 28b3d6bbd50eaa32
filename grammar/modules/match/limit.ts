import { opaque } from '../../model/condition.js';
import { defineMatch, option, optionWords, type Given } from '../define.js';
import { number } from '../value/number.js';
import { rate, SCALE } from '../value/rate.js';

const DEFAULT_AVERAGE = (SCALE * 3600) / 3;
const DEFAULT_BURST = 5;

const OPTIONS = {
  limit: option('--limit', rate, { doc: 'average rate, 3/hour if left out' }),
  burst: option('--limit-burst', number({ max: 10000 }), { doc: 'size of the bucket, 5 if left out' }),
};

interface Bucket {
  readonly average: number;
  readonly burst: number;
}

function bucketOf(options: { readonly limit?: Given<number>; readonly burst?: Given<number> }): Bucket {
  return { average: options.limit?.value ?? DEFAULT_AVERAGE, burst: options.burst?.value ?? DEFAULT_BURST };
}

/** Credits a second; HZ * CREDITS_PER_JIFFY, 32000 for a tick of 250 or 1000 Hz. */
const CREDITS = 32000;

/** Interval or bucket in the kernel's credits (xt_limit.c `user2credits`), 32 bits as there. */
function credits(user: number): number {
  const wide = user > Math.floor(0xffffffff / CREDITS) ? Math.floor(user / SCALE) * CREDITS : (user * CREDITS) / SCALE;
  return Math.floor(wide) >>> 0;
}

/** The kernel takes no empty bucket, and none whose size overflows its 32 bits (`limit_mt_check`). */
function isTooLarge({ average, burst }: Bucket): boolean {
  const bucket = Number(BigInt.asUintN(32, BigInt(average) * BigInt(burst)));
  return burst === 0 || credits(bucket) < credits(average);
}

/** One token bucket a rule, spent where the test is reached (net/netfilter/xt_limit.c). */
export const limit = defineMatch({
  name: 'limit',
  families: ['v4', 'v6'],
  doc: 'at most so many packets a time, in bursts',
  options: OPTIONS,
  check: (options) => {
    const bucket = bucketOf(options);
    if (!isTooLarge(bucket)) return [];
    return [`a bucket of ${bucket.burst} at this rate is beyond what the kernel counts`];
  },
  print: (options, context) => {
    const { average, burst } = bucketOf(options);
    return [
      ...optionWords(OPTIONS.limit, { value: average, inverted: false }, context),
      ...(burst === DEFAULT_BURST ? [] : optionWords(OPTIONS.burst, { value: burst, inverted: false }, context)),
    ];
  },
  condition: (options) => opaque({ name: 'limit', ...bucketOf(options) }),
});
