import { defineVerbatimTarget, option } from '../define.js';
import { flag } from '../value/text.js';

/** Fill in a checksum that was left to the hardware (net/netfilter/xt_CHECKSUM.c). */
export const checksum = defineVerbatimTarget({
  name: 'CHECKSUM',
  families: ['v4', 'v6'],
  tables: ['mangle'],
  doc: 'fill in the checksum and go on',
  options: { fill: option('--checksum-fill', flag, { required: true, doc: 'fill it in' }) },
});
