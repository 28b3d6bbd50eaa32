import { all, inSet, invertIf, payload, TRUE, type Condition } from '../../model/condition.js';
import type { Field } from '../../model/fields.js';
import { defineMatch, givenWords, option, optionWords, type Given } from '../define.js';
import { headerReadable, NOT_LATER_FRAGMENT } from './transport.js';
import {
  isEvery32Bit,
  number,
  numberRange,
  rangeSet,
  rangeTest,
  UINT32,
  valueTest,
  type NumberRange,
} from '../value/number.js';
import { flag } from '../value/text.js';

const spiRange = numberRange(UINT32, 'spi[:spi]');

/** `spi_match` on a header of `bytes` bytes. */
function indexIn(field: Field, bytes: number, given: Given<NumberRange> | undefined): Condition {
  const test = given === undefined ? TRUE : invertIf(given.inverted, inSet(field, rangeSet(given.value)));
  return all(NOT_LATER_FRAGMENT, headerReadable(bytes), test);
}

const ESP_OPTIONS = {
  spi: option('--espspi', spiRange, { invertible: true, doc: 'security parameter index or range' }),
};

/** Encapsulating security payload (net/netfilter/xt_esp.c). */
export const esp = defineMatch({
  name: 'esp',
  families: ['v4', 'v6'],
  protocols: [50],
  implicitFor: [50],
  doc: 'encapsulating security payload',
  options: ESP_OPTIONS,
  condition: ({ spi }) => indexIn('esp.spi', 8, spi),
  print: (options, context) => (isEvery32Bit(options.spi) ? [] : givenWords(ESP_OPTIONS, options, context)),
});

const AH_OPTIONS = {
  spi: option('--ahspi', spiRange, { invertible: true, doc: 'security parameter index or range' }),
};

/** Authentication header of IPv4 (net/ipv4/netfilter/ipt_ah.c). */
export const ah = defineMatch({
  name: 'ah',
  families: ['v4'],
  protocols: [51],
  implicitFor: [51],
  doc: 'authentication header',
  options: AH_OPTIONS,
  condition: ({ spi }) => indexIn('ah.spi', 12, spi),
  print: (options, context) => (isEvery32Bit(options.spi) ? [] : givenWords(AH_OPTIONS, options, context)),
});

const AH6_OPTIONS = {
  ...AH_OPTIONS,
  length: option('--ahlen', number({ max: UINT32 }), { invertible: true, doc: 'length of the header in bytes' }),
  reserved: option('--ahres', flag, { doc: 'the reserved field is zero' }),
};

/** Authentication header of IPv6, anywhere among the extension headers (net/ipv6/netfilter/ip6t_ah.c). */
export const ah6 = defineMatch({
  name: 'ah',
  families: ['v6'],
  implicitFor: [51],
  doc: 'authentication header',
  options: AH6_OPTIONS,
  condition: ({ spi, length: given, reserved }) => {
    // The kernel takes 0 for no length, inverted or not.
    const length = given?.value === 0 ? undefined : valueTest(given);
    return payload({
      kind: 'ah',
      spi: rangeTest(spi),
      ...(length === undefined ? {} : { length }),
      reserved: reserved !== undefined,
    });
  },
  print: ({ spi, length, reserved }, context) => [
    ...(spi === undefined || isEvery32Bit(spi) ? [] : optionWords(AH6_OPTIONS.spi, spi, context)),
    ...(length === undefined || (length.value === 0 && !length.inverted)
      ? []
      : optionWords(AH6_OPTIONS.length, length, context)),
    ...(reserved === undefined ? [] : [AH6_OPTIONS.reserved.flag]),
  ],
});

const IPCOMP_OPTIONS = {
  spi: option('--ipcompspi', spiRange, {
    invertible: true,
    doc: 'compression parameter index or range, 0 if left out',
  }),
  reserved: option('--compres', flag, { doc: 'the reserved field is zero' }),
};

/** IP payload compression (net/netfilter/xt_ipcomp.c). */
export const ipcomp = defineMatch({
  name: 'ipcomp',
  families: ['v4', 'v6'],
  protocols: [108],
  implicitFor: [108],
  doc: 'IP payload compression',
  options: IPCOMP_OPTIONS,
  // The reserved field is not looked at.
  condition: ({ spi = { value: { lo: 0, hi: 0 }, inverted: false } }) => indexIn('ipcomp.cpi', 4, spi),
  print: ({ spi = { value: { lo: 0, hi: 0 }, inverted: false }, reserved }, context) => [
    ...(isEvery32Bit(spi) ? [] : optionWords(IPCOMP_OPTIONS.spi, spi, context)),
    ...(reserved === undefined ? [] : [IPCOMP_OPTIONS.reserved.flag]),
  ],
});
