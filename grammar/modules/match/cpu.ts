import { defineVerbatimMatch, option } from '../define.js';
import { number, UINT32 } from '../value/number.js';

/** Processor that handles the packet (net/netfilter/xt_cpu.c). */
export const cpu = defineVerbatimMatch({
  name: 'cpu',
  families: ['v4', 'v6'],
  doc: 'processor that handles the packet',
  options: {
    cpu: option('--cpu', number({ max: UINT32 }), { invertible: true, required: true, doc: 'number of the processor' }),
  },
});
