import { defineVerbatimMatch, option } from '../define.js';
import { text } from '../value/text.js';

/** Helper of the expected connection (net/netfilter/xt_helper.c); the kernel keeps 29 bytes of the name. */
export const helper = defineVerbatimMatch({
  name: 'helper',
  families: ['v4', 'v6'],
  doc: 'conntrack helper that expects the connection',
  options: {
    helper: option('--helper', text({ placeholder: 'name', cut: 29 }), {
      invertible: true,
      required: true,
      doc: 'name of the helper',
    }),
  },
});
