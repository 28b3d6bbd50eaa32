import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import { fieldBits } from '../../grammar/model/fields.js';
import { intervals, single, type IntervalSet } from '../../grammar/model/interval.js';
import type { IpSet, IpSetMember, SetTest } from '../../grammar/model/ip-set.js';
import { canMatch } from '../../grammar/sets/decidable.js';
import { PROTOCOL } from '../../grammar/sets/element.js';
import { ELEMENT_PARTS, type ElementPart } from '../../grammar/sets/types.js';
import type { Wish } from './wish.js';
import type { Random } from './random.js';

/** Field values of a packet in one of the set's elements: a random one, exceptions among them; empty where there is none. */
export function setWishes(test: SetTest, family: Family, random: Random): readonly Wish[] {
  const { set } = test;
  if (set === undefined || set.type === 'other') return [];
  const leaves: IpSet[] = [];
  for (const one of set.type === 'list:set' ? set.sets : [set]) {
    if (one.type !== 'other' && one.members.length > 0 && canMatch(one, test, family)) leaves.push(one);
  }
  if (leaves.length === 0) return [];
  const leaf = random.pick(leaves);
  const member = random.pick(leaf.members);
  return ELEMENT_PARTS[leaf.type].flatMap((part) => {
    const source = test.directions[part.dimension] === 'src';
    return wishesOfPart(part, member, leaf, source, family);
  });
}

function wishesOfPart(
  part: ElementPart,
  member: IpSetMember,
  { mask }: IpSet,
  source: boolean,
  family: Family,
): readonly Wish[] {
  const wish = (field: Field, set: IntervalSet, own?: bigint): Wish => {
    const all = (1n << BigInt(fieldBits(field, family))) - 1n;
    return { field, mask: own ?? all, set };
  };
  switch (part.kind) {
    case 'address':
    case 'net': {
      const address = (part.dimension === 0 ? member.address : member.second) ?? 0n;
      const field = source ? 'saddr' : 'daddr';
      const bits = fieldBits(field, family);
      const prefix = part.kind === 'net' ? (member.prefix ?? bits) : bits;
      const net = intervals([address, address | ((1n << BigInt(bits - prefix)) - 1n)]);
      return [wish(field, net, part.dimension === 0 ? mask : undefined)];
    }
    case 'port': {
      const { protocol, port = 0 } = member;
      const side = wish(source ? 'sport' : 'dport', single(port));
      if (protocol === undefined) {
        const { TCP, UDP } = PROTOCOL;
        return [wish('proto', intervals([TCP, TCP], [UDP, UDP])), side];
      }
      if (protocol !== PROTOCOL.ICMP && protocol !== PROTOCOL.ICMPV6) return [wish('proto', single(protocol)), side];
      const message = [wish('icmp.type', single(port >> 8)), wish('icmp.code', single(port & 0xff))];
      return [wish('proto', single(protocol)), ...message];
    }
    case 'mac':
      return [wish('mac.src', single(member.mac ?? 0n))];
    case 'set':
      return [];
  }
}
