import { defineVerbatimTarget, option } from '../define.js';
import { text } from '../value/text.js';

/** SELinux label of the packet (net/netfilter/xt_SECMARK.c). The kernel asks SELinux whether the context exists. */
export const secmark = defineVerbatimTarget({
  name: 'SECMARK',
  families: ['v4', 'v6'],
  tables: ['mangle', 'security'],
  doc: 'set the security context and go on',
  options: {
    context: option('--selctx', text({ placeholder: 'context', cut: 255 }), {
      required: true,
      doc: 'SELinux context, cut to 255 bytes',
    }),
  },
});
