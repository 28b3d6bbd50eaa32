import { opaque, TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { uint64 } from '../value/number.js';

/** So many bytes and no more, with memory (net/netfilter/xt_quota.c). */
export const quota = defineMatch({
  name: 'quota',
  families: ['v4', 'v6'],
  doc: 'so many bytes and no more, with memory',
  options: {
    quota: option('--quota', uint64, { invertible: true, required: true, doc: 'number of bytes' }),
  },
  condition: ({ quota: given }) =>
    given === undefined ? TRUE : opaque({ name: 'quota', bytes: given.value, inverted: given.inverted }),
});
