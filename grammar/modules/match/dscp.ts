import { equals, invertIf, TRUE } from '../../model/condition.js';
import { defineMatch, option, optionWords } from '../define.js';
import { dscpClass, dscpNumber } from '../value/dscp.js';

const OPTIONS = {
  dscp: option('--dscp', dscpNumber, { invertible: true, excludes: ['dscpClass'], doc: 'code point, 0 to 0x3f' }),
  dscpClass: option('--dscp-class', dscpClass, {
    invertible: true,
    excludes: ['dscp'],
    doc: 'code point by class name (CS0-CS7, BE, AF11-AF43, EF)',
  }),
};

/** The code point stands above the two ECN bits. */
const SHIFT = 2;
const MASK = 0xfcn;

/** Differentiated services code point of TOS byte or traffic class (net/netfilter/xt_dscp.c). */
export const dscp = defineMatch({
  name: 'dscp',
  families: ['v4', 'v6'],
  doc: 'differentiated services code point',
  options: OPTIONS,
  check: (options) => ((options.dscp ?? options.dscpClass) === undefined ? ['--dscp or --dscp-class is needed'] : []),
  print: (options, context) => {
    const given = options.dscp ?? options.dscpClass;
    return given === undefined ? [] : optionWords(OPTIONS.dscp, given, context);
  },
  condition: (options) => {
    const given = options.dscp ?? options.dscpClass;
    return given === undefined ? TRUE : invertIf(given.inverted, equals('tos', given.value << SHIFT, MASK));
  },
});
