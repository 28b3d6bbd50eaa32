import { defineVerbatimMatch, option } from '../define.js';
import { u32Tests } from '../value/u32-tests.js';

/** Words of the packet, anywhere in it (net/netfilter/xt_u32.c). */
export const u32 = defineVerbatimMatch({
  name: 'u32',
  families: ['v4', 'v6'],
  doc: 'words of four bytes anywhere in the packet',
  options: { tests: option('--u32', u32Tests, { invertible: true, required: true, doc: 'tests that must all hold' }) },
});
