import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { parseHost, printAddress } from '../value/address.js';
import { text } from '../value/text.js';

/** `tee_tg_check` wants an address. */
const host: ValueType<bigint> = {
  arity: 1,
  placeholder: 'address',
  parse: ([word], { family }) => {
    const parsed = parseHost(word, family);
    return 'value' in parsed && parsed.value === 0n ? { error: `"${word}" is no host` } : parsed;
  },
  print: (address, { family }) => [printAddress(address, family)],
};

/** Send a copy of the packet to another host (net/netfilter/xt_TEE.c). */
export const tee = defineVerbatimTarget({
  name: 'TEE',
  families: ['v4', 'v6'],
  doc: 'send a copy of the packet to another host and go on',
  options: {
    gateway: option('--gateway', host, { required: true, doc: 'host to send the copy to' }),
    interface: option('--oif', text({ placeholder: 'name', cut: 15 }), { doc: 'interface to send it out of' }),
  },
});
