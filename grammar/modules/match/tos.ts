import { equals, invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { tosMask } from '../value/tos.js';

/** `(tos & mask) == value` on TOS byte or traffic class (net/netfilter/xt_dscp.c `tos_mt`). */
export const tos = defineMatch({
  name: 'tos',
  families: ['v4', 'v6'],
  doc: 'TOS byte or traffic class under a mask',
  options: {
    tos: option('--tos', tosMask(0x3f), { invertible: true, required: true, doc: 'value under a mask, or a name' }),
  },
  condition: ({ tos: given }) =>
    given === undefined ? TRUE : invertIf(given.inverted, equals('tos', given.value.value, BigInt(given.value.mask))),
});
