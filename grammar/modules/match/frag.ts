import { payload } from '../../model/condition.js';
import { defineMatch, givenWords, option } from '../define.js';
import { isEvery32Bit, number, numberRange, rangeTest, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';

/** In the order in which they are printed. */
const OPTIONS = {
  id: option('--fragid', numberRange(UINT32), { invertible: true, doc: 'identification or range' }),
  length: option('--fraglen', number({ max: UINT32 }), {
    invertible: true,
    doc: 'length of the header, which is not looked at',
  }),
  reserved: option('--fragres', flag, { doc: 'the reserved fields are zero' }),
  first: option('--fragfirst', flag, { doc: 'first fragment' }),
  more: option('--fragmore', flag, { excludes: ['last'], doc: 'more fragments follow' }),
  last: option('--fraglast', flag, { excludes: ['more'], doc: 'last fragment' }),
};

/** IPv6 fragment header (net/ipv6/netfilter/ip6t_frag.c). */
export const frag = defineMatch({
  name: 'frag',
  families: ['v6'],
  doc: 'IPv6 fragment header',
  options: OPTIONS,
  condition: ({ id, reserved, first, more, last }) =>
    payload({
      kind: 'frag',
      id: rangeTest(id),
      reserved: reserved !== undefined,
      first: first !== undefined,
      more: more !== undefined,
      last: last !== undefined,
    }),
  print: ({ id, ...options }, context) =>
    givenWords(OPTIONS, id === undefined || isEvery32Bit(id) ? options : { ...options, id }, context),
});
