import type { CtState } from '../../grammar/model/condition.js';
import { Random } from './random.js';

/** The state of a packet's connection: one of the first five, and the mappings of its entry. */
export type ConnectionState = readonly CtState[];

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const satisfies readonly CtState[];
/** Share of the packets with an entry whose entry has a mapping of either kind. */
const MAPPED = 0.2;

/** States for packets that no connection tracking has seen, evenly spread; the same seed gives the same states. */
export function declaredStates(count: number, seed: number): readonly ConnectionState[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const state = random.pick(STATES);
    if (state === 'INVALID' || state === 'UNTRACKED') return [state];
    const mappings = (['SNAT', 'DNAT'] as const).filter(() => random.chance(MAPPED));
    return [state, ...mappings];
  });
}
