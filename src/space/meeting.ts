import { DROP_KEY } from './lists.js';
import { OUTCOME } from './outcome.js';

/** A part of what a rule matches, with the same fate for all of its packets. */
export interface Part {
  /** Place of the rule in the alignment. */
  readonly place: number;
  /** The outcome that its packets have. */
  readonly value: number;
  readonly verdict: string;
}

/** What decides packets on the two sides. */
export type Parts = readonly [before: Part, after: Part];

/** Packets with the same fates. */
export interface Meeting {
  readonly parts: Parts;
  /** Places of the rules before these that count the packets; the others before these do not. */
  readonly counting: readonly number[];
}

/** As ipt_do_table (net/ipv4/netfilter/ip_tables.c): what is dropped on the way is dropped, but a REJECT has answered. */
export function verdictOf(verdict: string | undefined, value: number): string {
  if (verdict !== undefined && value === OUTCOME.yes) return verdict;
  return value === OUTCOME.dropping && verdict?.startsWith('reject ') === true ? verdict : DROP_KEY;
}

/** In the order of the rules, the first side's first. */
export function byPlace({ parts: [a, b], counting: one }: Meeting, { parts: [c, d], counting: two }: Meeting): number {
  const order = a.place - c.place || b.place - d.place || a.value - c.value || b.value - d.value;
  for (let i = 0; order === 0 && i < one.length && i < two.length; i++) {
    if (one[i] !== two[i]) return one[i] - two[i];
  }
  return order || one.length - two.length;
}

/** One number for two parts; a text where rules before have counted the packets. */
export function meetingKey({ parts: [before, after], counting }: Meeting): number | string {
  const number = (before.place * 4 + before.value) * 2 ** 26 + after.place * 4 + after.value;
  return counting.length === 0 ? number : `${number} ${counting.join()}`;
}
