import { all, invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option, type ValueType } from '../define.js';
import { ICMPV6_NAMES, parseIcmpTest, printIcmpTest, type IcmpTest } from '../value/icmp-types.js';
import { typeAndCode } from './icmp.js';
import { headerReadable, NOT_LATER_FRAGMENT } from './transport.js';

const icmpv6Type: ValueType<IcmpTest> = {
  arity: 1,
  placeholder: 'type[/code]',
  parse: ([word]) => parseIcmpTest(word, ICMPV6_NAMES),
  print: (test) => [printIcmpTest(test)],
};

/** ICMPv6 type and code; there is no type for any (net/netfilter/xt_tcpudp.c `icmp6_match`). */
export const icmp6 = defineMatch({
  name: 'icmp6',
  aliases: ['icmpv6', 'ipv6-icmp'],
  families: ['v6'],
  protocols: [58],
  implicitFor: [58],
  doc: 'ICMPv6 type and code',
  options: {
    type: option('--icmpv6-type', icmpv6Type, {
      invertible: true,
      required: true,
      doc: 'type by name, type or type/code',
    }),
  },
  condition: (options) =>
    all(
      NOT_LATER_FRAGMENT,
      headerReadable(8),
      options.type === undefined ? TRUE : invertIf(options.type.inverted, typeAndCode(options.type.value)),
    ),
});
