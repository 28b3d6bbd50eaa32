import { defineVerbatimTarget, option } from '../define.js';
import { choice } from '../value/text.js';

const TYPES = ['accept', 'drop', 'reject'] as const;

/** Write an audit record (net/netfilter/xt_AUDIT.c). */
export const audit = defineVerbatimTarget({
  name: 'AUDIT',
  families: ['v4', 'v6'],
  doc: 'write an audit record and go on',
  options: {
    type: option(
      '--type',
      choice('audit type', (word) => TYPES.find((type) => type === word.toLowerCase()), TYPES),
      { required: true, doc: 'what the record says' },
    ),
  },
});
