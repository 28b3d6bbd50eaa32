import type { Condition } from '../../grammar/model/condition.js';
import type { ChainPlace } from '../space/place.js';

/** What an intent may expect of packets; `blocked` is dropped or rejected. */
export const EXPECTATIONS = ['accept', 'drop', 'reject', 'blocked'] as const;
export type Expectation = (typeof EXPECTATIONS)[number];

/** One sentence about a chain that is to hold for every packet. */
export interface Intent {
  readonly name: string;
  /** Line in the file of intents, from 1. */
  readonly line: number;
  /** The chain that is named; that of the dump if none is. */
  readonly place: Partial<ChainPlace>;
  readonly packets: Condition;
  readonly expect: Expectation;
  /**
   * `except`: all packets but these meet the expectation. `only`: no packets but these meet it; nothing is said about
   * these themselves.
   */
  readonly bound?: { readonly kind: 'only' | 'except'; readonly packets: Condition };
}

/** The verdict is certain to be what is expected. A target that is not understood is certain to be nothing. */
export function isCertainly(verdict: string, expect: Expectation): boolean {
  switch (expect) {
    case 'accept':
    case 'drop':
      return verdict === expect;
    case 'reject':
      return verdict.startsWith('reject ');
    case 'blocked':
      return isCertainly(verdict, 'drop') || isCertainly(verdict, 'reject');
  }
}

/** The verdict may be what is expected. */
export function isPossibly(verdict: string, expect: Expectation): boolean {
  return isCertainly(verdict, expect) || verdict.startsWith('target ');
}
