/** What a `create` line says of a set behind its name and type (ipset(8)). */
import type { Family } from '../model/family.js';
import type { IpSet, IpSetType } from '../model/ip-set.js';
import { addressBits, fullMask, parseNumericAddress, prefixMask } from '../modules/value/address.js';
import { UINT16, UINT32, UINT8, wholeNumber } from '../modules/value/number.js';
import { hasFamily, isBitmap } from './types.js';
import type { Word } from './words.js';

/** Says what is wrong with a word. */
export type Report = (word: Word, code: string, message: string) => void;

/** IPSET_DEFAULT_MAXELEM, IP_SET_LIST_DEFAULT_SIZE, and the most that a bitmap has (IPSET_BITMAP_MAX_RANGE + 1). */
const DEFAULT_ELEMENTS = 65_536;
const DEFAULT_LIST = 8;
const MOST_OF_A_BITMAP = 65_536n;
/** Words that an option of create takes; 0 for a flag. */
const CREATE_OPTIONS: Readonly<Record<string, number>> = {
  family: 1,
  hashsize: 1,
  maxelem: 1,
  netmask: 1,
  bitmask: 1,
  timeout: 1,
  range: 1,
  size: 1,
  bucketsize: 1,
  initval: 1,
  probes: 1,
  resize: 1,
  gc: 1,
  counters: 0,
  comment: 0,
  skbinfo: 0,
  forceadd: 0,
  '--hashsize': 1,
  '--maxelem': 1,
  '--netmask': 1,
  '--timeout': 1,
  '--family': 1,
  '--size': 1,
};
const CREATE_ALIASES: Readonly<Record<string, string>> = {
  '--hashsize': 'hashsize',
  '--maxelem': 'maxelem',
  '--netmask': 'netmask',
  '--timeout': 'timeout',
  '--family': 'family',
  '--size': 'size',
};

/** The options of `create`; undefined after an error, which is reported. */
export function readHead(
  type: IpSetType,
  words: readonly Word[],
  report: Report,
): Pick<IpSet, 'family' | 'mask' | 'range' | 'maxElements' | 'timeout' | 'counters' | 'skbinfo'> | undefined {
  const given = new Map<string, Word>();
  for (let i = 0; i < words.length; i++) {
    const { text } = words[i];
    const arity = CREATE_OPTIONS[text];
    if (arity === undefined) {
      report(words[i], 'unknown-option', `"${text}" is not an option of create`);
      return undefined;
    }
    const value = words[i + arity];
    if (value === undefined) {
      report(words[i], 'bad-set', `${text} needs a value`);
      return undefined;
    }
    given.set(CREATE_ALIASES[text] ?? text, value);
    i += arity;
  }
  const family = readFamily(type, given, report);
  if (family === null) return undefined;
  const mask = readMask(family ?? 'v4', given, report);
  const range = isBitmap(type) ? readRange(type, mask, words, given.get('range'), report) : undefined;
  if (mask === null || range === null) return undefined;
  const counts = readNumbers(given, report);
  if (counts === undefined) return undefined;
  const { timeout, size = DEFAULT_LIST, maxelem = DEFAULT_ELEMENTS } = counts;
  const all = range === undefined ? maxelem : Number(range.hi - range.lo) + 1;
  return {
    ...(family === undefined ? {} : { family }),
    ...(mask === undefined ? {} : { mask }),
    ...(range === undefined ? {} : { range }),
    maxElements: type === 'list:set' ? size : all,
    ...(timeout === undefined ? {} : { timeout }),
    counters: given.has('counters'),
    skbinfo: given.has('skbinfo'),
  };
}

function readNumbers(
  given: ReadonlyMap<string, Word>,
  report: Report,
): { readonly timeout?: number; readonly size?: number; readonly maxelem?: number } | undefined {
  const found: { timeout?: number; size?: number; maxelem?: number } = {};
  for (const key of ['timeout', 'size', 'maxelem'] as const) {
    const word = given.get(key);
    if (word === undefined) continue;
    const value = wholeNumber(word.text, 0, UINT32);
    if (value === undefined) {
      report(word, 'bad-set', `"${word.text}" is not a number of ${key}`);
      return undefined;
    }
    found[key] = value;
  }
  return found;
}

/** Null after an error. */
function readFamily(type: IpSetType, given: ReadonlyMap<string, Word>, report: Report): Family | undefined | null {
  if (!hasFamily(type)) return undefined;
  const word = given.get('family');
  if (word === undefined || word.text === 'inet') return 'v4';
  if (word.text === 'inet6' && !isBitmap(type)) return 'v6';
  report(word, 'bad-set', `"${word.text}" is not a family of sets of type ${type}`);
  return null;
}

function readMask(family: Family, given: ReadonlyMap<string, Word>, report: Report): bigint | undefined | null {
  const netmask = given.get('netmask');
  if (netmask !== undefined) {
    const length = wholeNumber(netmask.text, 1, addressBits(family));
    if (length !== undefined) return length === addressBits(family) ? undefined : prefixMask(length, family);
    report(netmask, 'bad-set', `"${netmask.text}" is not a prefix length`);
    return null;
  }
  const bitmask = given.get('bitmask');
  if (bitmask === undefined) return undefined;
  const mask = parseNumericAddress(bitmask.text, family);
  if (mask !== undefined && mask !== 0n) return mask;
  report(bitmask, 'bad-set', `"${bitmask.text}" is not a mask`);
  return null;
}

function readRange(
  type: IpSetType,
  mask: bigint | undefined | null,
  words: readonly Word[],
  word: Word | undefined,
  report: Report,
): { readonly lo: bigint; readonly hi: bigint } | null {
  const value = word?.text ?? '';
  const range = type === 'bitmap:port' ? portRange(value) : addressRange(value);
  const bits = mask ?? fullMask('v4');
  // With a netmask the range is whole networks (bitmap_ip_create).
  const whole = range && type === 'bitmap:ip' ? { lo: range.lo & bits, hi: range.hi | (fullMask('v4') ^ bits) } : range;
  if (whole !== undefined && (whole.hi - whole.lo) / (bits & -bits) < MOST_OF_A_BITMAP) return whole;
  report(word ?? words[0] ?? { text: '', column: 1 }, 'bad-set', `a set of type ${type} needs a range`);
  return null;
}

function portRange(text: string): { lo: bigint; hi: bigint } | undefined {
  const [lo, hi] = text.split('-').map((port) => wholeNumber(port, 0, UINT16));
  if (lo === undefined || hi === undefined) return undefined;
  return { lo: BigInt(Math.min(lo, hi)), hi: BigInt(Math.max(lo, hi)) };
}

function addressRange(text: string): { lo: bigint; hi: bigint } | undefined {
  const [first, last] = text.split('-');
  if (last !== undefined) {
    const [lo, hi] = [parseNumericAddress(first, 'v4'), parseNumericAddress(last, 'v4')];
    if (lo === undefined || hi === undefined) return undefined;
    return lo <= hi ? { lo, hi } : { lo: hi, hi: lo };
  }
  const [host, length] = text.split('/');
  const address = parseNumericAddress(host, 'v4');
  const prefix = length === undefined ? undefined : wholeNumber(length, 0, UINT8);
  if (address === undefined || prefix === undefined || prefix > 31) return undefined;
  const mask = prefixMask(prefix, 'v4');
  return { lo: address & mask, hi: address | (fullMask('v4') ^ mask) };
}
