import { all, inSet, invertIf, TRUE, type Condition } from '../../model/condition.js';
import type { Interval } from '../../model/interval.js';
import { defineMatch, option, type Given, type ValueType } from '../define.js';
import { parseNumericAddress, printAddress } from '../value/address.js';

/** Ends of the range; one that ends before it starts holds no address. */
const addressRange: ValueType<Interval> = {
  arity: 1,
  placeholder: 'address[-address]',
  parse: ([word], { family }) => {
    const dash = word.indexOf('-');
    const ends = dash < 0 ? [word, word] : [word.slice(0, dash), word.slice(dash + 1)];
    const [lo, hi] = ends.map((end) => parseNumericAddress(end, family));
    if (lo === undefined || hi === undefined) return { error: `"${word}" is not an address range` };
    return { value: { lo, hi } };
  },
  print: ({ lo, hi }, { family }) => [`${printAddress(lo, family)}-${printAddress(hi, family)}`],
};

function inRange(field: 'saddr' | 'daddr', given: Given<Interval> | undefined): Condition {
  if (given === undefined) return TRUE;
  const { lo, hi } = given.value;
  return invertIf(given.inverted, inSet(field, lo > hi ? [] : [{ lo, hi }]));
}

/** Ranges of addresses (net/netfilter/xt_iprange.c). */
export const iprange = defineMatch({
  name: 'iprange',
  families: ['v4', 'v6'],
  doc: 'ranges of addresses',
  options: {
    source: option('--src-range', addressRange, { invertible: true, doc: 'source address is in the range' }),
    destination: option('--dst-range', addressRange, { invertible: true, doc: 'destination address is in the range' }),
  },
  check: ({ source, destination }) =>
    source === undefined && destination === undefined ? ['--src-range or --dst-range is needed'] : [],
  condition: ({ source, destination }) => all(inRange('saddr', source), inRange('daddr', destination)),
});
