import { defineVerbatimTarget, option, type ModuleContext, type OptionsOf, type ValueType } from '../define.js';
import { number, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';

/** A number of which the kernel keeps so many bits. */
function kept(bits: number): ValueType<number> {
  const type = number({ max: UINT32 });
  return {
    ...type,
    parse: (words, context) => {
      const parsed = type.parse(words, context);
      return 'error' in parsed ? parsed : { value: parsed.value % 2 ** bits };
    },
  };
}

/** In the order in which they are printed. */
const OPTIONS = {
  sack: option('--sack-perm', flag, { doc: 'pass the SACK option' }),
  timestamp: option('--timestamp', flag, { doc: 'pass the timestamp option' }),
  scale: option('--wscale', kept(8), { doc: 'window scale of the server' }),
  size: option('--mss', kept(16), { doc: 'segment size of the server' }),
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
