import { all, equals, inSet, invertIf, TRUE, type Condition } from '../../model/condition.js';
import { defineMatch, option, type Given, type ValueType } from '../define.js';
import { ICMP_NAMES, isAllCodes, parseIcmpTest, printIcmpTest, type IcmpTest } from '../value/icmp-types.js';
import { rangeSet } from '../value/number.js';
import { headerReadable, NOT_LATER_FRAGMENT } from './transport.js';

const ANY_TYPE = 255;

const icmpType: ValueType<IcmpTest> = {
  arity: 1,
  placeholder: 'type[/code]',
  parse: ([word]) => parseIcmpTest(word, ICMP_NAMES),
  print: (test) => [test.type === ANY_TYPE && isAllCodes(test) ? 'any' : printIcmpTest(test)],
};

/** Type and code of a message whose header is readable. */
export function typeAndCode(test: IcmpTest): Condition {
  const code = isAllCodes(test) ? TRUE : inSet('icmp.code', rangeSet({ lo: test.codeLo, hi: test.codeHi }));
  return all(equals('icmp.type', test.type), code);
}

function messageMatch(given: Given<IcmpTest> | undefined): Condition {
  if (given === undefined) return TRUE;
  return invertIf(given.inverted, given.value.type === ANY_TYPE ? TRUE : typeAndCode(given.value));
}

/** ICMP type and code; type 255 stands for any, whatever the code (net/netfilter/xt_tcpudp.c `icmp_match`). */
export const icmp = defineMatch({
  name: 'icmp',
  families: ['v4'],
  protocols: [1],
  implicitFor: [1],
  doc: 'ICMP type and code',
  options: {
    type: option('--icmp-type', icmpType, { invertible: true, required: true, doc: 'type by name, type or type/code' }),
  },
  condition: (options) => all(NOT_LATER_FRAGMENT, headerReadable(8), messageMatch(options.type)),
});
