import { unsupported } from '../unprovable.js';
import { told, type Chosen } from './chosen.js';
import type { Decoded } from './decoded.js';
import { ALWAYS, NEVER } from './decision.js';
import type { WalkArithmetic } from './walk-arithmetic.js';
import type { WalkValue } from './walk-value.js';

/** Whether a jump is taken where what `chosen`, one of its two operands, is worked out of is this number. */
export function isTaken(
  arithmetic: WalkArithmetic,
  { operation, wide }: Pick<Decoded, 'operation' | 'wide'>,
  a: WalkValue,
  b: WalkValue,
  chosen: Chosen,
  number: bigint,
): boolean {
  const known = (value: WalkValue): WalkValue => (value === chosen ? told(chosen, number) : value);
  const decision = arithmetic.decide(operation, wide, known(a), known(b));
  if (decision !== ALWAYS && decision !== NEVER) throw unsupported('a decision by a place');
  return decision === ALWAYS;
}
