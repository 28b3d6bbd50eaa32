import { defineVerbatimMatch } from '../define.js';

/** The source address holds the Ethernet address it came from (net/ipv6/netfilter/ip6t_eui64.c). */
export const eui64 = defineVerbatimMatch({
  name: 'eui64',
  families: ['v6'],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  doc: 'the source address holds the Ethernet address it came from',
  options: {},
});
