import type { Site, Step } from './step.js';

/** What is known of the least hit so far of several look-ups, before it is told which one it is. */
export interface Least {
  readonly of: string;
  /** What the first of them was given. */
  readonly given: bigint;
  /** Those that are done: of all hits that a packet has there, none is of an earlier rule. */
  readonly looked: ReadonlySet<Site>;
  /** It lies between these numbers, both with them. */
  readonly lo: bigint;
  readonly hi: bigint;
  /** A hit is known that is not behind this one, and behind which none is taken; undefined: it is not known. */
  readonly ends?: bigint | undefined;
}

/** The later one of what is known on two ways to end what is taken; undefined where one of them knows of none. */
export const endsOf = ({ ends: a }: Least, { ends: b }: Least): bigint | undefined =>
  a === undefined || b === undefined ? undefined : a > b ? a : b;

/** With a hit known, behind which none is taken: the greatest that it may be. */
export const ended = (least: Least): Least =>
  least.ends !== undefined && least.ends < least.hi ? least : { ...least, ends: least.hi };

/** A hit: u64 rule << 32 | what is done. */
export const ruleOf = (hit: bigint): bigint => hit >> 32n;

/** Numbers that lie between the bounds of both. */
export function eitherOf(a: Least, b: Least): Pick<Least, 'lo' | 'hi'> {
  return { lo: a.lo < b.lo ? a.lo : b.lo, hi: a.hi > b.hi ? a.hi : b.hi };
}

/** Both ways out of a test, as far as there is a number that takes them. */
export function tested(
  { lo, hi, inside, outside }: Pick<Extract<Step, { kind: 'test' }>, 'lo' | 'hi' | 'inside' | 'outside'>,
  { lo: least, hi: most }: Pick<Least, 'lo' | 'hi'>,
  go: (then: Step, bounds: Pick<Least, 'lo' | 'hi'>) => void,
): void {
  const within = { lo: lo > least ? lo : least, hi: hi < most ? hi : most };
  if (within.lo <= within.hi) go(inside, within);
  const beyond = {
    lo: lo <= least && hi >= least ? hi + 1n : least,
    hi: hi >= most && lo <= most ? lo - 1n : most,
  };
  if (beyond.lo <= beyond.hi) go(outside, beyond);
}
