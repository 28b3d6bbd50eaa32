import { all, equals, invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { mac as macAddress } from '../value/mac.js';

/** Ethernet source; a packet that came without Ethernet header never matches (net/netfilter/xt_mac.c). */
export const mac = defineMatch({
  name: 'mac',
  families: ['v4', 'v6'],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  doc: 'Ethernet source address',
  options: {
    source: option('--mac-source', macAddress, { invertible: true, required: true, doc: 'source address' }),
  },
  condition: ({ source }) =>
    source === undefined
      ? TRUE
      : all(equals('mac.ether', 1), invertIf(source.inverted, equals('mac.src', source.value))),
});
