import type { Interval, IntervalSet } from '../../grammar/model/interval.js';

/** The lowest `bits` bits. */
export const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

export function includes(set: IntervalSet, value: bigint): boolean {
  return set.some(({ lo, hi }) => lo <= value && value <= hi);
}

/** A set under a mask, as a key. */
export function textOf(set: IntervalSet, mask: bigint | undefined): string {
  return `${mask ?? ''} ${set.map(({ lo, hi }) => `${lo}-${hi}`).join()}`;
}

/** Bytes of a fragment offset that is counted in units of 8. */
export function inEights(set: IntervalSet): IntervalSet {
  return set
    .map(({ lo, hi }): Interval => ({ lo: (lo + 7n) / 8n, hi: hi / 8n }))
    .filter(({ lo, hi }) => lo <= hi && lo < 8192n);
}
