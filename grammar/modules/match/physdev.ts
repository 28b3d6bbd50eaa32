import { opaque } from '../../model/condition.js';
import type { BuiltinChain } from '../../model/family.js';
import { defineMatch, isEmpty, moduleWords, option, type OptionsOf, type ValueType } from '../define.js';
import { flag } from '../value/text.js';
import { utf8Length } from '../../model/utf8.js';

/** Room for an interface name without its NUL (IFNAMSIZ). */
const NAME_BYTES = 15;

const interfaceName: ValueType<string> = {
  arity: 1,
  placeholder: 'name',
  parse: ([word]) =>
    utf8Length(word) > NAME_BYTES ? { error: `"${word}" is longer than ${NAME_BYTES} characters` } : { value: word },
  print: (name) => [name],
};

/** In the order in which they are printed. */
const OPTIONS = {
  isIn: option('--physdev-is-in', flag, { invertible: true, doc: 'the packet came in over a bridge port' }),
  in: option('--physdev-in', interfaceName, { invertible: true, doc: 'bridge port it came in at' }),
  isOut: option('--physdev-is-out', flag, { invertible: true, doc: 'the packet leaves over a bridge port' }),
  out: option('--physdev-out', interfaceName, { invertible: true, doc: 'bridge port it leaves by' }),
  bridged: option('--physdev-is-bridged', flag, { invertible: true, doc: 'the packet is bridged, not routed' }),
};

function check(options: OptionsOf<typeof OPTIONS>): string[] {
  return isEmpty(options) ? ['an option is needed'] : [];
}

/** The port by which a packet of this machine leaves is not known before it is routed (`physdev_mt_check`). */
function hooksFor({ out, isOut, bridged }: OptionsOf<typeof OPTIONS>): readonly BuiltinChain[] | undefined {
  const early = (out ?? isOut) !== undefined && (bridged === undefined || bridged.inverted);
  return early ? ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'] : undefined;
}

/** Bridge ports (net/netfilter/xt_physdev.c). */
export const physdev = defineMatch({
  name: 'physdev',
  families: ['v4', 'v6'],
  doc: 'bridge ports of the packet',
  options: OPTIONS,
  hooksFor,
  check,
  condition: (options, context) => {
    const allInverted = Object.values(options).every(({ inverted }) => inverted);
    return opaque({ name: 'bridge-port', allInverted, words: moduleWords({ options: OPTIONS }, options, context) });
  },
});
