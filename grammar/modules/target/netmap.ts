import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { parseHostMask, prefixLength, printAddress, type MaskedAddress } from '../value/address.js';

const network: ValueType<MaskedAddress> = {
  arity: 1,
  placeholder: 'address[/mask]',
  parse: ([word], { family }) => {
    const parsed = parseHostMask(word, family);
    if ('error' in parsed) return parsed;
    const { address, mask } = parsed.value;
    return { value: { address: address & mask, mask } };
  },
  print: ({ address, mask }, { family }) => {
    const length = prefixLength(mask, family);
    return [`${printAddress(address, family)}/${length ?? printAddress(mask, family)}`];
  },
};

/** Map a network onto another one (net/netfilter/xt_NETMAP.c). */
export const netmap = defineVerbatimTarget({
  name: 'NETMAP',
  families: ['v4', 'v6'],
  tables: ['nat'],
  hooks: ['PREROUTING', 'POSTROUTING', 'OUTPUT', 'INPUT'],
  doc: 'change the network part of an address',
  options: { to: option('--to', network, { required: true, doc: 'network to map to' }) },
});
