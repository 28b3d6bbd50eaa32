import { defineVerbatimMatch, option } from '../define.js';
import { flag } from '../value/text.js';

/** Reverse path test by the routing tables (net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c). */
export const rpfilter = defineVerbatimMatch({
  name: 'rpfilter',
  families: ['v4', 'v6'],
  tables: ['raw', 'mangle'],
  hooks: ['PREROUTING'],
  doc: 'a reply would leave by the interface the packet came in at',
  options: {
    loose: option('--loose', flag, { doc: 'by any interface' }),
    validMark: option('--validmark', flag, { doc: 'ask with the mark of the packet' }),
    acceptLocal: option('--accept-local', flag, { doc: 'pass local source addresses' }),
    invert: option('--invert', flag, { doc: 'match what fails the test' }),
  },
});
