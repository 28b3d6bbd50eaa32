import { defineVerbatimMatch, option } from '../define.js';
import { namedMask } from '../value/named-mask.js';

/** Routing realm of the packet's route (net/netfilter/xt_realm.c). */
export const realm = defineVerbatimMatch({
  name: 'realm',
  families: ['v4'],
  hooks: ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  doc: "routing realm of the packet's route",
  options: {
    realm: option('--realm', namedMask('realm', new Map([['cosmos', 0]])), {
      invertible: true,
      required: true,
      doc: 'realm under a mask',
    }),
  },
});
