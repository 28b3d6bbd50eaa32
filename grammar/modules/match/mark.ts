import { equals, invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { markMask } from '../value/mark.js';

/** `(mark & mask) == value` (net/netfilter/xt_mark.c `mark_mt`). */
export const mark = defineMatch({
  name: 'mark',
  families: ['v4', 'v6'],
  doc: 'packet mark under a mask',
  options: {
    mark: option('--mark', markMask, { invertible: true, required: true, doc: 'value of the mark, under a mask' }),
  },
  condition: ({ mark: given }) => {
    if (given === undefined) return TRUE;
    return invertIf(given.inverted, equals('mark', given.value.value, BigInt(given.value.mask)));
  },
});
