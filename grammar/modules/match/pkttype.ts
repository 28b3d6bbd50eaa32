import { all, any, equals, FALSE, inSet, invertIf, not, TRUE, type Condition } from '../../model/condition.js';
import type { Family } from '../../model/family.js';
import { intervals } from '../../model/interval.js';
import { defineMatch, option, type ValueType } from '../define.js';
import { unknownName } from '../value/suggest.js';

type PacketType = 'unicast' | 'broadcast' | 'multicast' | 'otherhost';

/** skb->pkt_type (include/uapi/linux/if_packet.h). */
const NUMBERS: Readonly<Record<PacketType, number>> = { unicast: 0, broadcast: 1, multicast: 2, otherhost: 3 };
const LOOPED_BACK = 5;

const NAMES: Readonly<Record<string, PacketType>> = {
  unicast: 'unicast',
  host: 'unicast',
  broadcast: 'broadcast',
  bcast: 'broadcast',
  multicast: 'multicast',
  mcast: 'multicast',
  otherhost: 'otherhost',
};

const packetType: ValueType<PacketType> = {
  arity: 1,
  placeholder: 'type',
  parse: ([word]) => {
    const name = word.toLowerCase();
    if (Object.hasOwn(NAMES, name)) return { value: NAMES[name] };
    return unknownName(word, Object.keys(NAMES), `"${word}" is not a packet type`);
  },
  print: (type) => [type],
};

const IPV4_MULTICAST = inSet('daddr', intervals([0xe0000000, 0xefffffff]));

/** What the kernel takes a packet for that it has looped back to its own group members. */
function loopedBackAs(type: PacketType, family: Family): Condition {
  const multicast = family === 'v6' ? TRUE : IPV4_MULTICAST;
  if (type === 'multicast') return multicast;
  return type === 'broadcast' ? not(multicast) : FALSE;
}

function isType(type: PacketType, family: Family): Condition {
  const direct = equals('pkttype', NUMBERS[type]);
  if (type === 'unicast' || type === 'otherhost') return direct;
  return any(direct, all(equals('pkttype', LOOPED_BACK), loopedBackAs(type, family)));
}

/** Link-layer packet type (net/netfilter/xt_pkttype.c). */
export const pkttype = defineMatch({
  name: 'pkttype',
  families: ['v4', 'v6'],
  doc: 'link-layer packet type',
  options: {
    type: option('--pkt-type', packetType, {
      invertible: true,
      required: true,
      doc: 'unicast, broadcast, multicast or otherhost',
    }),
  },
  condition: ({ type }, { family }) =>
    type === undefined ? TRUE : invertIf(type.inverted, isType(type.value, family)),
});
