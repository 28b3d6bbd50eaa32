import { FALSE, payload } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { numberRange, UINT16 } from '../value/number.js';

/** Maximum segment size in the TCP options (net/netfilter/xt_tcpmss.c). */
export const tcpmss = defineMatch({
  name: 'tcpmss',
  families: ['v4', 'v6'],
  protocols: [6],
  doc: 'maximum segment size that the TCP header announces',
  options: {
    mss: option('--mss', numberRange(UINT16, 'size[:size]'), {
      invertible: true,
      required: true,
      doc: 'size in bytes, or a range of them',
    }),
  },
  condition: ({ mss }) =>
    mss === undefined ? FALSE : payload({ kind: 'tcp-mss', size: { ...mss.value, inverted: mss.inverted } }),
});
