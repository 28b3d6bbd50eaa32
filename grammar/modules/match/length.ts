import { inSet, invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { numberRange, rangeSet, UINT16 } from '../value/number.js';

/** Length of the IP packet (net/netfilter/xt_length.c). */
export const length = defineMatch({
  name: 'length',
  families: ['v4', 'v6'],
  doc: 'length of the packet, IP header included',
  options: {
    length: option('--length', numberRange(UINT16, 'length[:length]'), {
      invertible: true,
      required: true,
      doc: 'length in bytes, or a range of them',
    }),
  },
  condition: ({ length: given }) =>
    given === undefined ? TRUE : invertIf(given.inverted, inSet('length', rangeSet(given.value))),
});
