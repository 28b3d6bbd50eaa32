import { payload } from '../../model/condition.js';
import { defineMatch } from '../define.js';

/** The source address holds the Ethernet address it came from (net/ipv6/netfilter/ip6t_eui64.c). */
export const eui64 = defineMatch({
  name: 'eui64',
  families: ['v6'],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  doc: 'the source address holds the Ethernet address it came from',
  options: {},
  condition: () => payload({ kind: 'eui64' }),
});
