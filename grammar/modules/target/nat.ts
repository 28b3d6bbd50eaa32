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

/** The base port, which only the structure of DNAT has room for: the others keep that there was one. */
function withoutBase(ports: NatPorts): NatPorts {
  return ports.base === undefined ? ports : { ...ports, base: 0 };
}

/** Addresses and ports; shifting by a base port is for DNAT. */
function natRange(shifting: boolean): ValueType<NatRange> {
  return {
    arity: 1,
    placeholder: '[address[-address]][:port[-port]]',
    parse: ([word], context) => {
      const parsed = parseNatRange(word, context);
      if (shifting || 'error' in parsed || parsed.value.ports === undefined) return parsed;
      return { value: { ...parsed.value, ports: withoutBase(parsed.value.ports) } };
    },
    print: (range, context) => [printNatRange(range, context)],
  };
}

function natPorts(shifting: boolean): ValueType<NatPorts> {
  return {
    arity: 1,
    placeholder: 'port[-port]',
    parse: ([word], context) => {
      const parsed = parseNatPorts(word, context);
      if ('error' in parsed || parsed.value.base === undefined) return parsed;
      return shifting
        ? { value: withoutBase(parsed.value) }
        : { error: `"${word}" shifts ports, which this target cannot` };
    },
    print: (ports) => [printNatPorts(ports)],
  };
}

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
  options: { to: option('--to-ports', natPorts(true), { doc: 'source ports to choose from' }), random, randomFully },
});

/** DNAT to the machine itself (net/netfilter/xt_REDIRECT.c). */
export const redirect = defineVerbatimTarget({
  name: 'REDIRECT',
  families: ['v4', 'v6'],
  tables: ['nat'],
  hooks: ['PREROUTING', 'OUTPUT'],
  doc: 'change the destination of the connection to this machine',
  options: { to: option('--to-ports', natPorts(false), { doc: 'destination port or ports' }), random },
});
