import { invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { states, stateTest } from '../value/ctstate.js';

/** The old name of `conntrack --ctstate`, kept as written (net/netfilter/xt_conntrack.c, xt_state.c). */
export const state = defineMatch({
  name: 'state',
  families: ['v4', 'v6'],
  doc: 'connection state',
  options: {
    state: option('--state', states, { invertible: true, required: true, doc: 'one of these states' }),
  },
  condition: ({ state: given }) => (given === undefined ? TRUE : invertIf(given.inverted, stateTest(given.value))),
});
