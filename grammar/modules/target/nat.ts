import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import {
  parseNatPorts,
  parseNatRange,
  printNatPorts,
  printNatRange,
  type NatPorts,
  type NatRange,
} from '../value/nat-range.js';
import { flag } from '../value/text.js';

/** Addresses and ports; shifting by a base port is for DNAT alone. */
function natRange(shifting: boolean): ValueType<NatRange> {
  return {
    arity: 1,
    placeholder: '[address[-address]][:port[-port]]',
    parse: ([word], context) => {
      const parsed = parseNatRange(word, context);
      const shifted = 'value' in parsed && parsed.value.ports?.base !== undefined;
      return shifted && !shifting ? { error: `"${word}" shifts ports, which this target cannot` } : parsed;
    },
    print: (range, context) => [printNatRange(range, context)],
  };
}

const natPorts: ValueType<NatPorts> = {
  arity: 1,
  placeholder: 'port[-port]',
  parse: ([word], context) => {
    const parsed = parseNatPorts(word, context);
    const shifted = 'value' in parsed && parsed.value.base !== undefined;
    return shifted ? { error: `"${word}" shifts ports, which this target cannot` } : parsed;
  },
  print: (ports) => [printNatPorts(ports)],
};

const random = option('--random', flag, { doc: 'choose ports at random' });
const randomFully = option('--random-fully', flag, { doc: 'choose ports at random, without a hash' });
const persistent = option('--persistent', flag, { doc: 'one address for each client' });

/** Change where a connection goes (net/netfilter/xt_nat.c `xt_dnat_target_v2`). */
export const dnat = defineVerbatimTarget({
  name: 'DNAT',
  families: ['v4', 'v6'],
  tables: ['nat'],
  hooks: ['PREROUTING', 'OUTPUT'],
  doc: 'change the destination of the connection',
  options: {
    to: option('--to-destination', natRange(true), { required: true, doc: 'new destination' }),
    random,
    persistent,
  },
});

/** Change where a connection seems to come from (net/netfilter/xt_nat.c `xt_snat_target_v2`). */
export const snat = defineVerbatimTarget({
  name: 'SNAT',
  families: ['v4', 'v6'],
  tables: ['nat'],
  hooks: ['POSTROUTING', 'INPUT'],
  doc: 'change the source of the connection',
  options: {
    to: option('--to-source', natRange(false), { required: true, doc: 'new source' }),
    random,
    randomFully,
    persistent,
  },
});

/** SNAT to the address of the output interface (net/netfilter/xt_MASQUERADE.c). */
export const masquerade = defineVerbatimTarget({
  name: 'MASQUERADE',
  families: ['v4', 'v6'],
  tables: ['nat'],
  hooks: ['POSTROUTING'],
  doc: 'change the source of the connection to the address of the output interface',
  options: { to: option('--to-ports', natPorts, { doc: 'source ports to choose from' }), random, randomFully },
});

/** DNAT to the machine itself (net/netfilter/xt_REDIRECT.c). */
export const redirect = defineVerbatimTarget({
  name: 'REDIRECT',
  families: ['v4', 'v6'],
  tables: ['nat'],
  hooks: ['PREROUTING', 'OUTPUT'],
  doc: 'change the destination of the connection to this machine',
  options: { to: option('--to-ports', natPorts, { doc: 'destination port or ports' }), random },
});
