import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { host } from '../value/address.js';
import { text } from '../value/text.js';

/** `tee_tg_check` wants an address. */
const gateway: ValueType<bigint> = {
  ...host,
  parse: (words, context) => {
    const parsed = host.parse(words, context);
    return 'value' in parsed && parsed.value === 0n ? { error: `"${words[0]}" is no host` } : parsed;
  },
};

/** Send a copy of the packet to another host (net/netfilter/xt_TEE.c). */
export const tee = defineVerbatimTarget({
  name: 'TEE',
  families: ['v4', 'v6'],
  doc: 'send a copy of the packet to another host and go on',
  options: {
    gateway: option('--gateway', gateway, { required: true, doc: 'host to send the copy to' }),
    interface: option('--oif', text({ placeholder: 'name', cut: 15 }), { doc: 'interface to send it out of' }),
  },
});
