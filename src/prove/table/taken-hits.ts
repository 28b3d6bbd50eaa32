import { ALU_OP } from '../../../codegen/bytecode/instruction.js';
import { unsupported } from '../unprovable.js';
import { unknown, type Unknown } from '../value.js';
import { asChosen, moved, type Chosen } from './chosen.js';
import { constantOf, exactly, type WalkValue } from './walk-value.js';

/** A place that a look-up has kept on a stack, or the one without hits, if nothing was looked up: it is handed on and nothing else. */
export interface KeptPlace extends Unknown {
  /** Of which look-ups, and at which byte of the stack it lies. */
  readonly keeps: string;
  readonly slot: number;
}

export function keptPlace(keeps: string, slot: number): KeptPlace {
  return { ...unknown(`the place at ${slot} of ${keeps}`), keeps, slot };
}

export function asKept(value: WalkValue | undefined): KeptPlace | undefined {
  return value?.kind === 'unknown' && 'keeps' in value ? (value as KeptPlace) : undefined;
}

/** The hit of a place, or the least one of those of several places. */
export interface LeastHit extends Chosen {
  /** What the hit of each place is. */
  readonly hits: readonly Chosen[];
}

export function leastOf(hits: readonly Chosen[]): LeastHit {
  const why = `the least of ${hits.map((one) => one.why).join(' and ')}`;
  return { ...unknown(why), of: why, map: (value) => value, shift: 0, hits };
}

export function asLeast(value: WalkValue | undefined): LeastHit | undefined {
  const chosen = asChosen(value);
  return chosen !== undefined && 'hits' in chosen ? (chosen as LeastHit) : undefined;
}

/** What 4 bytes keep of it. Throws for other sizes, and where it is no number. */
export function lowerHalf(chosen: Chosen, size: number): Chosen {
  if (size !== 4) throw unsupported('a part of a place');
  return moved(chosen, 'lower half', (value) => {
    const number = constantOf(value);
    if (number === undefined) throw unsupported('half of a place that is no number');
    return exactly(number & 0xffff_ffffn);
  });
}

/** What is worked out of two hits on the way to the lesser one. */
interface Merging extends Unknown {
  /** a − b; all ones where a < b, else 0; a ^ b; a ^ b where a < b, else 0. */
  readonly merging: 'difference' | 'sign' | 'xor' | 'masked';
  readonly a: LeastHit;
  readonly b: LeastHit;
}

const merging = (kind: Merging['merging'], a: LeastHit, b: LeastHit): Merging => ({
  ...unknown(`${kind} of ${a.why} and ${b.why}`),
  merging: kind,
  a,
  b,
});

const asMerging = (value: WalkValue | undefined): Merging | undefined =>
  value?.kind === 'unknown' && 'merging' in value ? (value as Merging) : undefined;

/**
 * What an ALU instruction of 64 bits makes of hits on the way to the lesser of two: `b ^ ((a ^ b) & ((a − b) >> 63))`, which it is where both are
 * below 2^63. Undefined where it is no step of that.
 */
export function mergedHits(
  operation: number,
  a: WalkValue | undefined,
  b: WalkValue,
  number: bigint | undefined,
): WalkValue | undefined {
  const [x, y] = [asLeast(a), asLeast(b)];
  const [p, q] = [asMerging(a), asMerging(b)];
  switch (operation) {
    case ALU_OP.sub:
      return x === undefined || y === undefined ? undefined : merging('difference', x, y);
    case ALU_OP.arsh:
      return p?.merging === 'difference' && number === 63n ? merging('sign', p.a, p.b) : undefined;
    case ALU_OP.and:
      return p?.merging === 'xor' && q?.merging === 'sign' && p.a === q.a && p.b === q.b
        ? merging('masked', p.a, p.b)
        : undefined;
    case ALU_OP.xor:
      if (x !== undefined && y !== undefined) return merging('xor', x, y);
      return x !== undefined && q?.merging === 'masked' && q.b === x ? leastOf([...x.hits, ...q.a.hits]) : undefined;
    default:
      return undefined;
  }
}
