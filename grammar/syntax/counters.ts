import type { Counters } from '../model/ruleset.js';

/** `[packets:bytes]`. */
export function parseCounters(text: string): Counters | undefined {
  const match = /^\[(\d+):(\d+)\]$/.exec(text);
  return match === null ? undefined : { packets: BigInt(match[1]), bytes: BigInt(match[2]) };
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
