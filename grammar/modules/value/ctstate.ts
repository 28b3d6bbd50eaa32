import { CT_STATES, opaque, type Condition, type CtState } from '../../model/condition.js';
import { nameList } from './text.js';

/** States of `--ctstate`, printed in the order of the model. */
export const ctStates = nameList<CtState>('state', CT_STATES);

/** States of `-m state`, which knows nothing of NAT. */
export const states = nameList<CtState>(
  'state',
  CT_STATES.filter((state) => state !== 'SNAT' && state !== 'DNAT'),
);

export function stateTest(names: readonly CtState[]): Condition {
  return opaque({ name: 'ctstate', states: names });
}
