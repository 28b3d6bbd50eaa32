import { defineVerbatimTarget, option, type OptionsOf, type TargetModule, type ValueType } from '../define.js';
import { parseHostMask, prefixLength, prefixMask, printAddress, type MaskedAddress } from '../value/address.js';

/** What the translation can move: the rest of the address makes up for the checksum. */
const LONGEST = 64;

/** `prefix/length`; the kernel refuses one that is longer or has bits behind its length (`ip6t_npt_checkentry`). */
const prefix: ValueType<MaskedAddress> = {
  arity: 1,
  placeholder: 'prefix/length',
  parse: ([word], { family }) => {
    const parsed = parseHostMask(word, family);
    if ('error' in parsed) return parsed;
    const { address, mask } = parsed.value;
    const length = prefixLength(mask, family);
    if (length === undefined) return { error: `the mask of "${word}" is not a prefix` };
    if (length > LONGEST) return { error: `"${word}" is longer than /${LONGEST}` };
    if ((address & prefixMask(length, family)) !== address) return { error: `"${word}" has bits behind its length` };
    return { value: parsed.value };
  },
  print: ({ address, mask }, { family }) => [`${printAddress(address, family)}/${prefixLength(mask, family)}`],
};

const OPTIONS = {
  source: option('--src-pfx', prefix, { required: true, doc: 'prefix to replace' }),
  destination: option('--dst-pfx', prefix, { required: true, doc: 'prefix to put in its place' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** A prefix of all addresses is not printed, though it cannot be left out. */
function print({ source, destination }: Options, context: Parameters<typeof prefix.print>[1]): readonly string[] {
  const shown = (flag: string, value: MaskedAddress | undefined): readonly string[] =>
    value === undefined || value.mask === 0n ? [] : [flag, ...prefix.print(value, context)];
  return [...shown(OPTIONS.source.flag, source?.value), ...shown(OPTIONS.destination.flag, destination?.value)];
}

/** Prefixes of source addresses (net/ipv6/netfilter/ip6t_NPT.c `ip6t_snpt_tg`). */
export const snpt: TargetModule<typeof OPTIONS> = defineVerbatimTarget({
  name: 'SNPT',
  families: ['v6'],
  tables: ['mangle'],
  hooks: ['INPUT', 'POSTROUTING'],
  doc: 'replace the prefix of the source address, connections apart',
  options: OPTIONS,
  print,
});

/** Prefixes of destination addresses (net/ipv6/netfilter/ip6t_NPT.c `ip6t_dnpt_tg`). */
export const dnpt: TargetModule<typeof OPTIONS> = defineVerbatimTarget({
  name: 'DNPT',
  families: ['v6'],
  tables: ['mangle'],
  hooks: ['PREROUTING', 'OUTPUT'],
  doc: 'replace the prefix of the destination address, connections apart',
  options: OPTIONS,
  print,
});
