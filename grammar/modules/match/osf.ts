import { defineVerbatimMatch, option } from '../define.js';
import { number } from '../value/number.js';
import { text } from '../value/text.js';

const level = number({ max: 2, placeholder: 'level' });

/** Operating system that sent a SYN, by its fingerprint (net/netfilter/xt_osf.c). */
export const osf = defineVerbatimMatch({
  name: 'osf',
  families: ['v4'],
  protocols: [6],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  doc: 'operating system of the sender, by fingerprint',
  options: {
    genre: option('--genre', text({ placeholder: 'name', cut: 31 }), {
      invertible: true,
      required: true,
      doc: 'operating system',
    }),
    ttl: option('--ttl', level, { doc: 'TTL: 0 as in the fingerprint, 1 less, 2 any' }),
    log: option('--log', level, { doc: 'log: 0 all, 1 the first, 2 what is known' }),
  },
});
