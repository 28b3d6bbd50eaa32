import { defineVerbatimMatch, option } from '../define.js';
import { markMask } from '../value/mark.js';

/** Mark of the connection (net/netfilter/xt_connmark.c). */
export const connmark = defineVerbatimMatch({
  name: 'connmark',
  families: ['v4', 'v6'],
  doc: 'mark of the connection under a mask',
  options: {
    mark: option('--mark', markMask, { invertible: true, required: true, doc: 'value of the mark, under a mask' }),
  },
});
