import { defineVerbatimTarget, option, type ModuleContext, type OptionsOf } from '../define.js';
import { number, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';

/** In the order in which they are printed. */
const OPTIONS = {
  sack: option('--sack-perm', flag, { doc: 'pass the SACK option' }),
  timestamp: option('--timestamp', flag, { doc: 'pass the timestamp option' }),
  scale: option('--wscale', number({ max: UINT32 }), { doc: 'window scale of the server' }),
  size: option('--mss', number({ max: UINT32 }), { doc: 'segment size of the server' }),
  ecn: option('--ecn', flag, { doc: 'pass ECN' }),
};

const TCP = 6;

function check(_: OptionsOf<typeof OPTIONS>, { protocol }: ModuleContext): string[] {
  return protocol?.number === TCP && !protocol.inverted ? [] : ['SYNPROXY needs -p tcp'];
}

/** Answer SYNs in place of the server (net/netfilter/nf_synproxy_core.c). */
export const synproxy = defineVerbatimTarget({
  name: 'SYNPROXY',
  families: ['v4', 'v6'],
  hooks: ['INPUT', 'FORWARD'],
  doc: 'answer SYNs in place of the server',
  options: OPTIONS,
  check,
});
