import { inSet, type AddressType, type Opaque } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import { complement, intersect, intervals, type IntervalSet } from '../../../grammar/model/interval.js';
import type { Answer, View } from '../place.js';
import { earlyOr } from '../untranslated.js';

const DECIDED_BY_ROUTES: readonly AddressType[] = ['UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST'];

/** Whether some but not all of the types are asked for that only the routes tell apart. */
export function asksRoutes(test: Extract<Opaque, { name: 'addrtype' }>): boolean {
  const asked = DECIDED_BY_ROUTES.filter((type) => test.types.includes(type));
  return asked.length !== 0 && asked.length !== DECIDED_BY_ROUTES.length;
}

/** net/netfilter/xt_addrtype.c match_type and inet_addr_type: what the address alone decides. */
export function answerAddressType4(test: Extract<Opaque, { name: 'addrtype' }>, view: View): Answer {
  const field: Field = test.which === 'src' ? 'saddr' : 'daddr';
  const multicast = intervals([0xe0000000n, 0xefffffffn]);
  const broadcast = intervals([0n, 0n], [0xffffffffn, 0xffffffffn]);
  const rest = complement(intervals(...multicast, ...broadcast), 32);
  if (asksRoutes(test)) {
    return {
      reason: `the type of ${test.which === 'src' ? 'a source' : 'a destination'} address is a question to the host's routes`,
      advice: earlyOr(view, 'write the addresses'),
    };
  }
  const set: IntervalSet = intervals(
    ...(test.types.includes('MULTICAST') ? multicast : []),
    ...(test.types.includes('BROADCAST') ? broadcast : []),
    ...(DECIDED_BY_ROUTES.some((type) => test.types.includes(type)) ? rest : []),
  );
  return { condition: inSet(field, set) };
}

/** net/netfilter/xt_addrtype.c match_type6: multicast, unicast and unspecified are read off the address. */
export function answerAddressType6(test: Extract<Opaque, { name: 'addrtype' }>, view: View): Answer {
  const routed = test.types.filter((type) => !['MULTICAST', 'UNICAST', 'UNSPEC'].includes(type));
  if (routed.length > 0) {
    return {
      reason: `address type ${routed[0]} is a question to the host's routes`,
      advice: earlyOr(view, 'write the addresses'),
    };
  }
  const field: Field = test.which === 'src' ? 'saddr' : 'daddr';
  const multicast = intervals([0xffn << 120n, (1n << 128n) - 1n]);
  const mapped = intervals([0xffff00000000n, 0xffffffffffffn]);
  const unspecified = intervals([0n, 0n]);
  let set: IntervalSet = complement([], 128);
  if (test.types.includes('MULTICAST')) set = intersect(set, multicast);
  if (test.types.includes('UNICAST')) {
    set = intersect(set, complement(intervals(...multicast, ...mapped, ...unspecified), 128));
  }
  if (test.types.includes('UNSPEC')) set = intersect(set, unspecified);
  return { condition: inSet(field, set) };
}
