import { payload, type Condition } from '../../model/condition.js';
import { defineMatch, givenWords, isBefore, option, type OptionsOf, type Parsed, type ValueType } from '../define.js';
import { parseIPv6, printIPv6 } from '../value/address.js';
import { isEvery32Bit, number, numberRange, rangeTest, UINT32, valueTest } from '../value/number.js';
import { flag } from '../value/text.js';

/** Room for addresses (IP6T_RT_HOPS). */
const HOPS = 16;

function parseAddresses(word: string): Parsed<readonly bigint[]> {
  const pieces = word.split(',');
  if (pieces.length > HOPS) return { error: `"${word}" has more than ${HOPS} addresses` };
  const addresses: bigint[] = [];
  for (const piece of pieces) {
    const address = parseIPv6(piece);
    if (address === undefined) return { error: `"${piece}" is not an IPv6 address` };
    addresses.push(address);
  }
  return { value: addresses };
}

const addressList: ValueType<readonly bigint[]> = {
  arity: 1,
  placeholder: 'address[,address]…',
  parse: ([word]) => parseAddresses(word),
  print: (addresses) => [addresses.map(printIPv6).join(',')],
};

/** In the order in which they are printed. */
const OPTIONS = {
  type: option('--rt-type', number({ max: UINT32 }), { invertible: true, doc: 'type of the routing header' }),
  segmentsLeft: option('--rt-segsleft', numberRange(UINT32), { invertible: true, doc: 'segments left' }),
  length: option('--rt-len', number({ max: UINT32 }), { invertible: true, doc: 'length of the header in bytes' }),
  reserved: option('--rt-0-res', flag, { doc: 'the reserved field is zero (type 0)' }),
  addresses: option('--rt-0-addrs', addressList, { doc: 'addresses of the header (type 0)' }),
  notStrict: option('--rt-0-not-strict', flag, {
    doc: 'the addresses are in the header in this order, not all of them',
  }),
};

function check(options: OptionsOf<typeof OPTIONS>): string[] {
  const { type, reserved, addresses, notStrict } = options;
  const zeroBefore = (key: string): boolean => type?.value === 0 && !type.inverted && isBefore(options, 'type', key);
  const errors: string[] = [];
  if (reserved !== undefined && !zeroBefore('reserved')) errors.push('--rt-0-res needs --rt-type 0 before it');
  if (addresses !== undefined && !zeroBefore('addresses')) errors.push('--rt-0-addrs needs --rt-type 0 before it');
  if (notStrict !== undefined && !isBefore(options, 'addresses', 'notStrict')) {
    errors.push('--rt-0-not-strict needs --rt-0-addrs before it');
  }
  return errors;
}

function headerMatches(options: OptionsOf<typeof OPTIONS>): Condition {
  const { segmentsLeft, addresses, notStrict, reserved } = options;
  const [length, type] = [valueTest(options.length), valueTest(options.type)];
  return payload({
    kind: 'rt',
    segmentsLeft: rangeTest(segmentsLeft),
    ...(length === undefined ? {} : { length }),
    ...(type === undefined ? {} : { type }),
    reserved: reserved !== undefined,
    ...(addresses === undefined ? {} : { addresses: { list: addresses.value, strict: notStrict === undefined } }),
  });
}

/** IPv6 routing header (net/ipv6/netfilter/ip6t_rt.c). */
export const rt = defineMatch({
  name: 'rt',
  families: ['v6'],
  doc: 'IPv6 routing header',
  options: OPTIONS,
  check,
  condition: headerMatches,
  print: ({ segmentsLeft, ...options }, context) => {
    const hidden = segmentsLeft === undefined || isEvery32Bit(segmentsLeft);
    return givenWords(OPTIONS, hidden ? options : { ...options, segmentsLeft }, context);
  },
});
