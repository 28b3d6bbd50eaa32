import { TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { text } from '../value/text.js';

/** A note for people (net/netfilter/xt_comment.c); the kernel keeps 255 bytes and a NUL. */
export const comment = defineMatch({
  name: 'comment',
  families: ['v4', 'v6'],
  doc: 'a note; always matches',
  options: {
    comment: option('--comment', text({ placeholder: 'text', cut: 255 }), {
      required: true,
      doc: 'the note, cut to 255 bytes',
    }),
  },
  condition: () => TRUE,
});
