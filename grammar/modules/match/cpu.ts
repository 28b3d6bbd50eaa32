import { FALSE, opaque } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { number, UINT32 } from '../value/number.js';

/** Processor that handles the packet (net/netfilter/xt_cpu.c). */
export const cpu = defineMatch({
  name: 'cpu',
  families: ['v4', 'v6'],
  doc: 'processor that handles the packet',
  options: {
    cpu: option('--cpu', number({ max: UINT32 }), { invertible: true, required: true, doc: 'number of the processor' }),
  },
  condition: ({ cpu: given }) =>
    given === undefined ? FALSE : opaque({ name: 'cpu', cpu: given.value, inverted: given.inverted }),
});
