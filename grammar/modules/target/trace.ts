import { defineVerbatimTarget } from '../define.js';

/** Log every rule that the packet meets from here on (net/netfilter/xt_TRACE.c). */
export const trace = defineVerbatimTarget({
  name: 'TRACE',
  families: ['v4', 'v6'],
  tables: ['raw'],
  doc: 'log every rule that the packet meets from here on',
  options: {},
});
