import { defineVerbatimTarget, option } from '../define.js';
import { flag } from '../value/text.js';

/** Copy the security mark between packet and connection (net/netfilter/xt_CONNSECMARK.c). */
export const connsecmark = defineVerbatimTarget({
  name: 'CONNSECMARK',
  families: ['v4', 'v6'],
  tables: ['mangle', 'security'],
  doc: 'copy the security mark between packet and connection and go on',
  options: {
    save: option('--save', flag, { excludes: ['restore'], doc: 'from the packet to the connection' }),
    restore: option('--restore', flag, { excludes: ['save'], doc: 'from the connection to the packet' }),
  },
  check: ({ save, restore }) => (save === undefined && restore === undefined ? ['--save or --restore is needed'] : []),
});
