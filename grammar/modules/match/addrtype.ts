import {
  ADDRESS_TYPES,
  all,
  any,
  inSet,
  invertIf,
  not,
  opaque,
  TRUE,
  type AddressType,
  type Condition,
} from '../../model/condition.js';
import type { BuiltinChain } from '../../model/family.js';
import { intervals, single, type IntervalSet } from '../../model/interval.js';
import { defineMatch, option, type Given, type ModuleContext, type OptionsOf } from '../define.js';
import { flag, nameList } from '../value/text.js';

const types = nameList<AddressType>('type', ADDRESS_TYPES);

const OPTIONS = {
  source: option('--src-type', types, { invertible: true, doc: 'source address is of one of these types' }),
  destination: option('--dst-type', types, { invertible: true, doc: 'destination address is of one of these types' }),
  limitIn: option('--limit-iface-in', flag, { excludes: ['limitOut'], doc: 'look at the input interface alone' }),
  limitOut: option('--limit-iface-out', flag, { excludes: ['limitIn'], doc: 'look at the output interface alone' }),
};

type AddressField = 'saddr' | 'daddr';
type Limit = 'in' | 'out' | undefined;

function typeTest(field: AddressField, of: readonly AddressType[], limitInterface: Limit): Condition {
  const which = field === 'saddr' ? 'src' : 'dst';
  return opaque({ name: 'addrtype', which, types: of, ...(limitInterface === undefined ? {} : { limitInterface }) });
}

/** 0.0.0.0 and 255.255.255.255 are broadcast, 224.0.0.0/4 multicast, before any table is asked (`inet_addr_type`). */
const V4_BROADCAST: IntervalSet = [...single(0), ...single(0xffffffff)];
const V4_MULTICAST: IntervalSet = intervals([0xe0000000, 0xefffffff]);

function isTypeV4(field: AddressField, of: readonly AddressType[], limit: Limit): Condition {
  const known: readonly (readonly [AddressType, IntervalSet])[] = [
    ['BROADCAST', V4_BROADCAST],
    ['MULTICAST', V4_MULTICAST],
  ];
  const always = known.filter(([type]) => of.includes(type)).map(([, set]) => inSet(field, set));
  const never = known.filter(([type]) => !of.includes(type)).map(([, set]) => not(inSet(field, set)));
  return any(...always, all(...never, typeTest(field, of, limit)));
}

const V6_MULTICAST: IntervalSet = [{ lo: 0xffn << 120n, hi: (1n << 128n) - 1n }];
/** All but `::`, mapped IPv4 addresses (::ffff:0:0/96) and multicast (net/ipv6/addrconf_core.c `__ipv6_addr_type`). */
const V6_NOT_UNICAST: IntervalSet = [
  ...single(0),
  { lo: 0xffffn << 32n, hi: (0xffffn << 32n) | 0xffffffffn },
  ...V6_MULTICAST,
];
const V6_ROUTE_TYPES: readonly AddressType[] = ['LOCAL', 'ANYCAST', 'UNREACHABLE'];
const V6_UNKNOWN: readonly AddressType[] = ['BROADCAST', 'BLACKHOLE', 'PROHIBIT', 'THROW', 'NAT', 'XRESOLVE'];

/** IPv6: of the types that the address alone has, all must hold; of those that routing gives, one. */
function isTypeV6(field: AddressField, of: readonly AddressType[], limit: Limit): Condition {
  const routed = V6_ROUTE_TYPES.filter((type) => of.includes(type));
  return all(
    of.includes('MULTICAST') ? inSet(field, V6_MULTICAST) : TRUE,
    of.includes('UNICAST') ? not(inSet(field, V6_NOT_UNICAST)) : TRUE,
    of.includes('UNSPEC') ? inSet(field, single(0)) : TRUE,
    routed.length === 0 ? TRUE : typeTest(field, routed, limit),
  );
}

function isType(
  field: AddressField,
  given: Given<readonly AddressType[]> | undefined,
  limit: Limit,
  { family }: ModuleContext,
): Condition {
  if (given === undefined) return TRUE;
  const test = family === 'v4' ? isTypeV4(field, given.value, limit) : isTypeV6(field, given.value, limit);
  return invertIf(given.inverted, test);
}

/** What `addrtype_mt_checkentry_v1` refuses. */
function check(options: OptionsOf<typeof OPTIONS>, { family }: ModuleContext): string[] {
  const errors: string[] = [];
  const given = [options.source, options.destination].flatMap((o) => o?.value ?? []);
  if (options.source === undefined && options.destination === undefined) {
    errors.push('--src-type or --dst-type is needed');
  }
  const unknownToV6 = given.filter((type) => V6_UNKNOWN.includes(type));
  if (family === 'v6' && unknownToV6.length > 0) errors.push(`IPv6 has no address type ${unknownToV6.join(', ')}`);
  return errors;
}

/** An interface to look at must be there (`addrtype_mt_checkentry_v1`). */
function hooksFor({ limitIn, limitOut }: OptionsOf<typeof OPTIONS>): readonly BuiltinChain[] | undefined {
  if (limitOut !== undefined) return ['FORWARD', 'OUTPUT', 'POSTROUTING'];
  return limitIn === undefined ? undefined : ['PREROUTING', 'INPUT', 'FORWARD'];
}

/** Address type by the routing tables (net/netfilter/xt_addrtype.c `addrtype_mt_v1`). */
export const addrtype = defineMatch({
  name: 'addrtype',
  families: ['v4', 'v6'],
  doc: 'type of an address by the routing tables',
  options: OPTIONS,
  hooksFor,
  check,
  condition: (options, context) => {
    const limit: Limit = options.limitIn !== undefined ? 'in' : options.limitOut !== undefined ? 'out' : undefined;
    return all(isType('saddr', options.source, limit, context), isType('daddr', options.destination, limit, context));
  },
});
