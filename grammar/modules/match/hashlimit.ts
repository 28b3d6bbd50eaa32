import { all, any, equals, hotdrop, inSet, not, opaque, TRUE, type Condition } from '../../model/condition.js';
import type { Family } from '../../model/family.js';
import { intervals } from '../../model/interval.js';
import type { HashlimitTable } from '../../model/memory.js';
import { defineMatch, option, type ModuleContext, type OptionsOf, type Parsed, type ValueType } from '../define.js';
import { addressBits, parseMask, prefixLength, prefixMask } from '../value/address.js';
import {
  costToBytes,
  hashRate,
  printByteBurst,
  printByteRate,
  printPacketRate,
  sizeFactor,
  type HashRate,
} from '../value/hash-rate.js';
import { number, scanUnsigned, UINT32 } from '../value/number.js';
import { flag, isProcName, text } from '../value/text.js';

const KEYS = ['srcip', 'srcport', 'dstip', 'dstport'] as const;
type Key = (typeof KEYS)[number];

function parseKeys(word: string): Parsed<readonly Key[]> {
  const pieces = word.split(/[,|]/).filter((piece) => piece !== '');
  const wrong = pieces.find((piece) => !KEYS.some((key) => key === piece));
  if (wrong !== undefined) return { error: `"${wrong}" is none of ${KEYS.join(', ')}` };
  return { value: KEYS.filter((key) => pieces.includes(key)) };
}

const keys: ValueType<readonly Key[]> = {
  arity: 1,
  placeholder: 'key[,key]…',
  parse: ([word]) => parseKeys(word),
  print: (value) => [value.join(',')],
};

const MAX_BURST = 1_000_000n;

const burstSize: ValueType<bigint> = {
  arity: 1,
  placeholder: 'count or size[k|m]b',
  parse: ([word]) => {
    const scanned = scanUnsigned(word);
    const tooMany = scanned?.rest === '' && scanned.value > MAX_BURST;
    if (scanned === undefined || scanned.value === 0n || tooMany) {
      return { error: `"${word}" is not a burst of 1 to ${MAX_BURST}` };
    }
    return { value: scanned.value * sizeFactor(scanned.rest[0]) };
  },
  print: (value) => [String(value)],
};

const prefix: ValueType<number> = {
  arity: 1,
  placeholder: 'length',
  parse: ([word], { family }) => {
    const mask = parseMask(word, family);
    const length = mask === undefined ? undefined : prefixLength(mask, family);
    return length === undefined ? { error: `"${word}" is not a prefix length` } : { value: length };
  },
  print: (length) => [String(length)],
};

/** Seconds, like atoi: 32 bits of the number, and what stands behind the digits is not looked at. */
const seconds: ValueType<number> = {
  arity: 1,
  placeholder: 'seconds',
  parse: ([word]) => {
    const digits = BigInt(/^\s*\+?(\d+)/.exec(word)?.[1] ?? 0);
    const value = Number(BigInt.asIntN(32, digits > LONG_MAX ? LONG_MAX : digits));
    return value <= 0 ? { error: `"${word}" is not a number of seconds` } : { value };
  },
  print: (value) => [String(value)],
};

const LONG_MAX = (1n << 63n) - 1n;

const count = number({ max: UINT32 });

/** What the kernel makes of a greater number of buckets or entries (HASHLIMIT_MAX_SIZE). */
const MOST_ENTRIES = 1_048_576;

function capped(given: { readonly value: number } | undefined): number | undefined {
  return given === undefined ? undefined : Math.min(given.value, MOST_ENTRIES);
}

const OPTIONS = {
  upto: option('--hashlimit-upto', hashRate, {
    aliases: ['--hashlimit'],
    invertible: true,
    excludes: ['above'],
    doc: 'at most this rate',
  }),
  above: option('--hashlimit-above', hashRate, { invertible: true, excludes: ['upto'], doc: 'more than this rate' }),
  burst: option('--hashlimit-burst', burstSize, { doc: 'size of a bucket, 5 packets if left out' }),
  keys: option('--hashlimit-mode', keys, { doc: 'what has a bucket of its own' }),
  name: option('--hashlimit-name', text({ placeholder: 'name', min: 1, cut: 254 }), {
    required: true,
    doc: 'name of the table',
  }),
  size: option('--hashlimit-htable-size', count, { doc: 'number of hash buckets' }),
  max: option('--hashlimit-htable-max', count, { doc: 'greatest number of entries' }),
  interval: option('--hashlimit-htable-gcinterval', count, { doc: 'milliseconds between clean-ups' }),
  expire: option('--hashlimit-htable-expire', count, { doc: 'milliseconds until an idle entry goes' }),
  sourceLength: option('--hashlimit-srcmask', prefix, { doc: 'prefix length of a source' }),
  destinationLength: option('--hashlimit-dstmask', prefix, { doc: 'prefix length of a destination' }),
  rateMatch: option('--hashlimit-rate-match', flag, { doc: 'compare the rate itself, without bucket' }),
  rateInterval: option('--hashlimit-rate-interval', seconds, { doc: 'time over which the rate is taken' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** The numbers that the kernel gets (`hashlimit_mt_check` of libxt_hashlimit.c). */
interface Config {
  readonly above: boolean;
  readonly rate: HashRate;
  readonly burst: bigint;
  readonly expire: number;
  readonly interval: number;
}

const DEFAULT_BURST = 5n;
const DEFAULT_GC = 1000;
const BYTE_BURST_SECONDS = 60;

/** A byte burst in units of the rate's cost, rounded up. */
function byteBurst(burst: bigint, average: bigint): bigint {
  const unit = costToBytes(average);
  return unit === 0n ? 0n : (burst + unit - 1n) / unit;
}

function configOf(options: Options): Config | undefined {
  const limit = options.upto ?? options.above;
  if (limit === undefined) return undefined;
  const rate = limit.value;
  const inBytes = rate.unit === 'bytes';
  const idle = inBytes && options.burst !== undefined ? BYTE_BURST_SECONDS : rate.seconds;
  const perSecond = options.rateMatch !== undefined && !inBytes;
  return {
    above: (options.above !== undefined) !== limit.inverted,
    rate: perSecond ? { ...rate, average: rate.average / BigInt(rate.seconds) } : rate,
    burst: inBytes ? byteBurst(options.burst?.value ?? 0n, rate.average) : (options.burst?.value ?? DEFAULT_BURST),
    expire: options.expire?.value ?? idle * 1000,
    // Without --hashlimit-rate-match nobody looks at it, and it is not saved.
    interval: (options.rateMatch && options.rateInterval?.value) ?? (inBytes ? 1 : rate.seconds),
  };
}

/** Credits a millionth of a second (xt_hashlimit.c `user2credits`), the same for a tick of 250 or 1000 Hz. */
const CREDITS = (250n << 39n) / 1_000_000n;

/** Interval or bucket in the kernel's credits, 64 bits as there. */
function credits(user: bigint): bigint {
  return BigInt.asUintN(64, user * CREDITS);
}

/** Cost of 16 bytes in the kernel's credits (`user2credits_byte`). */
function byteCredits(average: bigint): bigint {
  return (average * (250n << 24n)) >> 32n;
}

/** `hashlimit_mt_check_common`: the kernel takes no rate that overflows its counters. */
function overflows({ rate, burst }: Config, rateMatch: boolean): boolean {
  if (rateMatch) return rate.average === 0n || rate.average > BigInt(UINT32);
  if (rate.unit === 'bytes') return byteCredits(rate.average) === 0n;
  return burst === 0n || credits(BigInt.asUintN(64, rate.average * burst)) < credits(rate.average);
}

function check(options: Options): string[] {
  const config = configOf(options);
  if (config === undefined) return ['--hashlimit-upto or --hashlimit-above is needed'];
  const errors: string[] = [];
  const { rate } = config;
  const given = options.burst?.value;
  if (rate.unit === 'packets' && config.burst > MAX_BURST) errors.push(`a burst is at most ${MAX_BURST} packets`);
  if (rate.unit === 'bytes' && given !== undefined) {
    const least = costToBytes(rate.average);
    if (least === 0n || given < least) errors.push(`a burst at this rate is at least ${least} bytes`);
  }
  if (overflows(config, options.rateMatch !== undefined)) errors.push('the rate is beyond what the kernel counts');
  if (options.interval?.value === 0 || config.expire === 0) errors.push('an interval of 0 cannot be used');
  const name = options.name?.value;
  if (name !== undefined && !isProcName(name)) errors.push(`"${name}" cannot name a table`);
  return errors;
}

function rateWords({ above, rate, burst }: Config): { readonly words: readonly string[]; readonly expire: number } {
  const flagWord = above ? '--hashlimit-above' : '--hashlimit-upto';
  if (rate.unit === 'packets') {
    const { text: shown, seconds: unit } = printPacketRate(rate.average);
    return { words: [flagWord, shown, '--hashlimit-burst', String(burst)], expire: unit * 1000 };
  }
  const words = [flagWord, printByteRate(rate.average)];
  if (burst === 0n) return { words, expire: rate.seconds * 1000 };
  return {
    words: [...words, '--hashlimit-burst', printByteBurst(rate.average, burst)],
    expire: BYTE_BURST_SECONDS * 1000,
  };
}

function print(options: Options, { family }: ModuleContext): readonly string[] {
  const config = configOf(options);
  if (config === undefined) return [];
  const rate = rateWords(config);
  const bits = addressBits(family);
  const numbers: readonly (readonly [flag: string, value: number | undefined, usual: number])[] = [
    [OPTIONS.size.flag, capped(options.size), 0],
    [OPTIONS.max.flag, capped(options.max), 0],
    [OPTIONS.interval.flag, options.interval?.value, DEFAULT_GC],
    [OPTIONS.expire.flag, config.expire, rate.expire],
    [OPTIONS.sourceLength.flag, options.sourceLength?.value, bits],
    [OPTIONS.destinationLength.flag, options.destinationLength?.value, bits],
  ];
  const chosen = options.keys?.value ?? [];
  const showInterval = options.rateMatch !== undefined && config.interval !== 1;
  return [
    ...rate.words,
    ...(chosen.length === 0 ? [] : [OPTIONS.keys.flag, chosen.join(',')]),
    OPTIONS.name.flag,
    options.name?.value ?? '',
    ...numbers.flatMap(([word, value, usual]) => (value === undefined || value === usual ? [] : [word, String(value)])),
    ...(options.rateMatch === undefined ? [] : [OPTIONS.rateMatch.flag]),
    ...(showInterval ? [OPTIONS.rateInterval.flag, String(config.interval)] : []),
  ];
}

/** Buckets of a table where the rule names no number: that of a host with more than 1 GiB (htable_create). */
const DEFAULT_BUCKETS = 8192;

function tableOf(options: Options, config: Config, family: Family): HashlimitTable {
  const bits = addressBits(family);
  const given = capped(options.size) ?? 0;
  const buckets = given === 0 ? DEFAULT_BUCKETS : given;
  const most = capped(options.max) ?? 0;
  return {
    keys: options.keys?.value ?? [],
    sourceMask: prefixMask(options.sourceLength?.value ?? bits, family),
    destinationMask: prefixMask(options.destinationLength?.value ?? bits, family),
    unit: config.rate.unit,
    rateMatch: options.rateMatch !== undefined,
    average: config.rate.average,
    burst: config.burst,
    interval: options.rateMatch === undefined ? 0 : config.interval,
    expire: config.expire,
    cleanUp: options.interval?.value ?? DEFAULT_GC,
    most: most === 0 ? 8 * buckets : Math.max(most, buckets),
  };
}

const TCP = 6n;
const UDP = 17n;
const DCCP = 33n;
const ESP = 50n;
const AH = 51n;
const NO_NEXT_HEADER = 59;
const SCTP = 132n;
const UDPLITE = 136n;
const WITH_PORTS = inSet('proto', intervals(...[TCP, UDP, DCCP, ESP, SCTP, UDPLITE].map((n) => [n, n] as const)));
const shorter = (bytes: number): Condition => inSet('l4len', intervals([0n, BigInt(bytes - 1)]));

/** What is dropped at once because its ports cannot be read (hashlimit_init_dst, proto_ports_offset). */
function portsReadable(family: Family): Condition {
  if (family === 'v4') {
    return all(hotdrop(all(WITH_PORTS, shorter(4))), hotdrop(all(equals('proto', AH), shorter(8))));
  }
  const noTransport = any(not(equals('l4found', 1)), equals('proto', NO_NEXT_HEADER));
  return all(hotdrop(noTransport), hotdrop(all(equals('fragoff', 0), WITH_PORTS, shorter(4))));
}

/** Token buckets by address and port, with memory (net/netfilter/xt_hashlimit.c, revision 3). */
export const hashlimit = defineMatch({
  name: 'hashlimit',
  families: ['v4', 'v6'],
  doc: 'rate by address and port, with memory',
  options: OPTIONS,
  check,
  print,
  condition: (options, { family }) => {
    const config = configOf(options);
    if (config === undefined) return TRUE;
    const table = tableOf(options, config, family);
    const test = opaque({
      name: 'hashlimit',
      test: { name: options.name?.value ?? '', table, above: config.above },
    });
    const usesPorts = table.keys.some((key) => key === 'srcport' || key === 'dstport');
    return usesPorts ? all(portsReadable(family), test) : test;
  },
});
