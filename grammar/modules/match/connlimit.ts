import { opaque } from '../../model/condition.js';
import { defineMatch, option, type ModuleContext, type OptionsOf, type ValueType } from '../define.js';
import { addressBits, fullMask, parseMask } from '../value/address.js';
import { number, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';

const mask: ValueType<bigint> = {
  arity: 1,
  placeholder: 'length',
  parse: ([word], { family }) => {
    const value = parseMask(word, family);
    return value === undefined ? { error: `"${word}" is not a mask` } : { value };
  },
  print: (value, { family }) => [String(leadingOnes(value, fullMask(family), addressBits(family)))],
};

/** What iptables counts: the bits above the topmost zero. */
function leadingOnes(value: bigint, full: bigint, bits: number): number {
  const zeros = value ^ full;
  return bits - (zeros === 0n ? 0 : zeros.toString(2).length);
}

const OPTIONS = {
  upto: option('--connlimit-upto', number({ max: UINT32 }), {
    invertible: true,
    excludes: ['above'],
    doc: 'at most so many connections',
  }),
  above: option('--connlimit-above', number({ max: UINT32 }), {
    invertible: true,
    excludes: ['upto'],
    doc: 'more than so many connections',
  }),
  mask: option('--connlimit-mask', mask, { doc: 'length of the prefix that is counted together' }),
  source: option('--connlimit-saddr', flag, { excludes: ['destination'], doc: 'count by source (default)' }),
  destination: option('--connlimit-daddr', flag, { excludes: ['source'], doc: 'count by destination' }),
};

/** "! --connlimit-above" is printed as "--connlimit-upto", and the other way round. */
function print(
  { upto, above, mask: given, destination }: OptionsOf<typeof OPTIONS>,
  context: ModuleContext,
): readonly string[] {
  const limit = upto ?? above;
  const atMost = (upto === undefined) === (limit?.inverted === true);
  return [
    atMost ? '--connlimit-upto' : '--connlimit-above',
    String(limit?.value ?? 0),
    '--connlimit-mask',
    ...mask.print(given?.value ?? fullMask(context.family), context),
    destination === undefined ? '--connlimit-saddr' : '--connlimit-daddr',
  ];
}

/** Connections from or to an address at the same time, with memory (net/netfilter/xt_connlimit.c). */
export const connlimit = defineMatch({
  name: 'connlimit',
  families: ['v4', 'v6'],
  doc: 'number of connections at the same time',
  options: OPTIONS,
  check: ({ upto, above }) =>
    upto === undefined && above === undefined ? ['--connlimit-above or --connlimit-upto is needed'] : [],
  print,
  condition: (options, context) => opaque({ name: 'connlimit', words: print(options, context) }),
});
