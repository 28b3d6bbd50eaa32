import type { Counters } from '../model/ruleset.js';

/** `[packets:bytes]`. */
export function parseCounters(text: string): Counters | undefined {
  const colon = text.indexOf(':');
  if (text.charCodeAt(0) !== OPEN || text.charCodeAt(text.length - 1) !== CLOSE || colon < 0) return undefined;
  const packets = digitsBetween(text, 1, colon);
  const bytes = digitsBetween(text, colon + 1, text.length - 1);
  return packets === undefined || bytes === undefined ? undefined : { packets, bytes };
}

/** Where plain counters end that stand in a text from `start` on, before `end`; undefined where there are none. */
export function endOfCounters(text: string, start: number, end: number): number | undefined {
  if (text.charCodeAt(start) !== OPEN) return undefined;
  const colon = endOfDigits(text, start + 1, end);
  if (colon === start + 1 || text.charCodeAt(colon) !== COLON) return undefined;
  const close = endOfDigits(text, colon + 1, end);
  return close === colon + 1 || close >= end || text.charCodeAt(close) !== CLOSE ? undefined : close + 1;
}

function endOfDigits(text: string, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) break;
  }
  return at;
}

const OPEN = 0x5b;
const COLON = 0x3a;
const CLOSE = 0x5d;
const ZERO = 0x30;
/** Decimal digits that a double holds exactly. */
const EXACT_DIGITS = 15;

/** The number that fills the text from `start` to `end`; undefined where anything but a digit is in it. */
function digitsBetween(text: string, start: number, end: number): bigint | undefined {
  if (start >= end) return undefined;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return end - start <= EXACT_DIGITS ? BigInt(value) : BigInt(text.slice(start, end));
}

/**
 * `[packets:bytes]` behind a policy as `sscanf` reads it (xshared.c `parse_counters`): what stands behind the second
 * number is not looked at. iptables before 1.8.10 reads them with -c alone.
 */
export function parsePolicyCounters(text: string): Counters | undefined {
  const match = /^\[([-+]?\d+):(.*)$/s.exec(text);
  const bytes = match === null ? undefined : scanCounter(match[2]);
  return match === null || bytes === undefined ? undefined : { packets: counter(match[1]), bytes };
}

/** A counter at the front of a text (`sscanf` with `%llu`): 64 bits with a sign. */
export function scanCounter(text: string): bigint | undefined {
  const match = /^[ \t\n\v\f\r]*([-+]?\d+)/.exec(text);
  return match === null ? undefined : counter(match[1]);
}

const MOST = (1n << 64n) - 1n;

function counter(text: string): bigint {
  const magnitude = BigInt(text.replace(/^[-+]/, ''));
  if (magnitude > MOST) return MOST;
  return text.startsWith('-') ? BigInt.asUintN(64, -magnitude) : magnitude;
}
