import { intervals, type IntervalSet } from '../../model/interval.js';
import type { RangeTest, ValueTest } from '../../model/payload.js';
import type { Given, ModuleContext, Parsed, ValueType } from '../define.js';
import { pieceOf } from './text.js';

/** What `strtoumax` leaves: the number and the rest of the text behind it. */
export interface Scanned {
  readonly value: bigint;
  readonly rest: string;
}

const DIGITS: Readonly<Record<number, RegExp>> = { 8: /^[0-7]+/, 10: /^[0-9]+/, 16: /^[0-9a-fA-F]+/ };
const UINTMAX = (1n << 64n) - 1n;

/** Digits at the front of `text` behind blanks and a `+`, as a number of any size. */
function scanDigits(text: string, base: 0 | 10 | 16): Scanned | undefined {
  const body = text.replace(/^[ \t\n\v\f\r]+/, '').replace(/^\+/, '');
  const hex = base !== 10 && /^0[xX][0-9a-fA-F]/.test(body);
  const radix = hex || base === 16 ? 16 : base === 0 && body.startsWith('0') ? 8 : 10;
  const digits = DIGITS[radix].exec(hex ? body.slice(2) : body)?.[0];
  if (digits === undefined) return undefined;
  const value = BigInt(radix === 16 ? `0x${digits}` : radix === 8 ? `0o${digits}` : digits);
  return { value, rest: body.slice(digits.length + (hex ? 2 : 0)) };
}

/**
 * Reads an unsigned number from the front of `text` as libxtables' `xtables_strtoul` does: leading blanks and `+`
 * are allowed, `-` is not; base 0 takes `0x…` as hexadecimal and `0…` as octal. Undefined where there is no number,
 * or one beyond 64 bits.
 */
export function scanUnsigned(text: string, base: 0 | 10 | 16 = 0): Scanned | undefined {
  const scanned = scanDigits(text, base);
  return scanned === undefined || scanned.value > UINTMAX ? undefined : scanned;
}

/**
 * Reads a number from the front of `text` as `strtoul` itself does: a negative one wraps around in 64 bits, and one
 * beyond them is the greatest. Where there is no number, the value is 0 and all of the text is left.
 */
export function scanWrapping(text: string, base: 0 | 10 | 16 = 0): Scanned {
  const sign = /^[ \t\n\v\f\r]*-(?=[0-9a-fA-F])/.exec(text)?.[0] ?? '';
  const scanned = scanDigits(text.slice(sign.length), base);
  if (scanned === undefined) return { value: 0n, rest: text };
  const { value, rest } = scanned;
  if (value > UINTMAX) return { value: UINTMAX, rest };
  return { value: sign === '' ? value : BigInt.asUintN(64, -value), rest };
}

/** A number in `[min, max]` at the front of `text`, and the rest. */
export function scanNumber(text: string, min: number, max: number): { value: number; rest: string } | undefined {
  const scanned = scanUnsigned(text);
  if (scanned === undefined || scanned.value < BigInt(min) || scanned.value > BigInt(max)) return undefined;
  return { value: Number(scanned.value), rest: scanned.rest };
}

/** A number of up to nine decimal digits that cannot be octal, which nearly every number is; -1 for any other text. */
export function plainNumber(text: string): number {
  const { length } = text;
  if (length === 0 || length > 9 || (length > 1 && text.charCodeAt(0) === ZERO)) return -1;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const ZERO = 0x30;

/** The whole of `text` as a number in `[min, max]`. */
export function wholeNumber(text: string, min: number, max: number): number | undefined {
  const plain = plainNumber(text);
  if (plain >= 0) return plain < min || plain > max ? undefined : plain;
  const scanned = scanNumber(text, min, max);
  return scanned?.rest === '' ? scanned.value : undefined;
}

export function hex(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

interface NumberSettings {
  readonly min?: number;
  readonly max: number;
  readonly placeholder?: string;
  readonly print?: (value: number) => string;
}

/** One number in `[min, max]` (`XTTYPE_UINT8`, `16`, `32`). */
export function number({ min = 0, max, placeholder = 'number', print = String }: NumberSettings): ValueType<number> {
  return {
    arity: 1,
    placeholder,
    parse: ([word]) => {
      const value = wholeNumber(word, min, max);
      return value === undefined ? { error: `"${word}" is not a number in ${min}-${max}` } : { value };
    },
    print: (value) => [print(value)],
  };
}

/** One number of 64 bits (`XTTYPE_UINT64`). */
export const uint64: ValueType<bigint> = {
  arity: 1,
  placeholder: 'number',
  parse: ([word]) => {
    const scanned = scanUnsigned(word);
    return scanned?.rest === '' ? { value: scanned.value } : { error: `"${word}" is not a number of 64 bits` };
  },
  print: (value) => [String(value)],
};

export const UINT8 = 0xff;
export const UINT16 = 0xffff;
export const UINT32 = 0xffffffff;

/** Closed range of numbers. */
export interface NumberRange {
  readonly lo: number;
  readonly hi: number;
}

/**
 * The numbers of `lo:hi`, each end optional, or of one number alone (`XTTYPE_UINT*RC`): a missing first number is 0, a
 * missing second one the greatest; the second may not be the smaller.
 */
export function parseRangeEnds(
  word: string,
  max: bigint,
  { takesReversedRanges }: ModuleContext,
): Parsed<readonly [bigint] | readonly [bigint, bigint]> {
  const ends: bigint[] = [];
  let text = word;
  for (;;) {
    if (ends.length === 2) return { error: `"${word}" has more than two numbers` };
    if (text === '' || text.startsWith(':')) {
      ends.push(ends.length === 1 ? max : 0n);
    } else {
      const least = takesReversedRanges === true ? 0n : (ends[0] ?? 0n);
      const scanned = scanUnsigned(text);
      if (scanned === undefined || scanned.value < least || scanned.value > max) {
        return { error: `${pieceOf(text, word)} is not a number in ${least}-${max}` };
      }
      if (scanned.rest !== '' && !scanned.rest.startsWith(':')) {
        return { error: `"${word}" has "${scanned.rest}" behind a number` };
      }
      ends.push(scanned.value);
      text = scanned.rest;
    }
    if (text === '') break;
    text = text.slice(1);
  }
  return { value: ends.length === 1 ? [ends[0]] : [ends[0], ends[1]] };
}

/** The same for numbers up to 32 bits; one number is both ends. */
export function parseNumberRange(word: string, max: number, context: ModuleContext): Parsed<NumberRange> {
  const plain = plainNumber(word);
  if (plain >= 0 && plain <= max) return { value: { lo: plain, hi: plain } };
  const ends = parseRangeEnds(word, BigInt(max), context);
  if ('error' in ends) return ends;
  const [lo, hi = lo] = ends.value;
  return { value: { lo: Number(lo), hi: Number(hi) } };
}

/** The numbers of the range as a set; empty where it ends before it starts. */
export function rangeSet({ lo, hi }: NumberRange): IntervalSet {
  return lo > hi ? [] : intervals([lo, hi]);
}

export function printNumberRange({ lo, hi }: NumberRange): string {
  return lo === hi ? String(lo) : `${lo}:${hi}`;
}

export function numberRange(max: number, placeholder = 'number[:number]'): ValueType<NumberRange> {
  return {
    arity: 1,
    placeholder,
    parse: ([word], context) => parseNumberRange(word, max, context),
    print: (range) => [printNumberRange(range)],
  };
}

/** The test of a 32-bit number; any number where the option was not given. */
export function rangeTest(given: Given<NumberRange> | undefined): RangeTest {
  return given === undefined ? { lo: 0, hi: UINT32, inverted: false } : { ...given.value, inverted: given.inverted };
}

/** The test of a number; none where the option was not given. */
export function valueTest(given: Given<number> | undefined): ValueTest | undefined {
  return given === undefined ? undefined : { value: given.value, inverted: given.inverted };
}

/** Whether a range is no test: every number of 32 bits, not inverted. iptables does not print it then. */
export function isEvery32Bit(given: Given<NumberRange> | undefined): boolean {
  return given !== undefined && !given.inverted && given.value.lo === 0 && given.value.hi === UINT32;
}
