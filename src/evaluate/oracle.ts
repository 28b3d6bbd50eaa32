import type { AddressType, IdTest, Opaque, OwnerTest } from '../../grammar/model/condition.js';
import { isInGroup } from '../../grammar/model/device-group.js';
import type { Family } from '../../grammar/model/family.js';
import type { Packet, Surroundings } from '../../grammar/model/packet.js';
import type { Oracle } from './evaluate.js';
import type { HashlimitMemory } from './hashlimit-memory.js';
import type { LimitMemory } from './limit-memory.js';
import { isInSet } from './set-membership.js';
import { matchesTime } from './time.js';

type AddressTypeTest = Extract<Opaque, { name: 'addrtype' }>;

/** What surroundings declare, and what the addresses say by themselves. Has no memory. */
export function surroundingsOracle(surroundings: Surroundings, packet: Packet, family: Family): Oracle {
  return (test, _rule, fields) => {
    switch (test.name) {
      case 'ctstate':
        return surroundings.ctstate?.some((state) => test.states.includes(state));
      case 'addrtype': {
        const address = test.which === 'src' ? fields.saddr : fields.daddr;
        const device =
          test.limitInterface === undefined
            ? undefined
            : test.limitInterface === 'in'
              ? packet.inInterface
              : packet.outInterface;
        const ask = (): AddressType | undefined => surroundings.addressType?.(family, address, device);
        return family === 'v4' ? addressTypeV4(test, address, ask) : addressTypeV6(test, address, ask);
      }
      case 'owner':
        return surroundings.owner === undefined ? undefined : isOwner(test, surroundings.owner);
      case 'time':
        return surroundings.time && matchesTime(test.test, surroundings.time.seconds, surroundings.time.minutesWest);
      case 'cpu':
        return surroundings.cpu === undefined ? undefined : (surroundings.cpu === test.cpu) !== test.inverted;
      case 'devgroup': {
        const device = test.which === 'in' ? packet.inInterface : packet.outInterface;
        const group = device === '' ? undefined : surroundings.deviceGroup?.(device);
        return group === undefined ? undefined : isInGroup(test, group);
      }
      case 'bridge-port':
        // What this host sends has come over no bridge.
        return packet.inInterface === '' ? test.allInverted : undefined;
      case 'set':
        return isInSet(test.test, fields, family);
      case 'random':
      case 'conntrack':
      case 'limit':
      case 'recent':
      case 'hashlimit':
      case 'quota':
      case 'nth':
      case 'connlimit':
      case 'counted-set':
      case 'module':
        return undefined;
    }
  };
}

/** owner_mt (net/netfilter/xt_owner.c): what is not there is matched by inverted tests alone. */
function isOwner(test: OwnerTest, owner: NonNullable<Surroundings['owner']>): boolean {
  const { socket, user, group } = test;
  const onlyInverted = (...tests: readonly (OwnerTest['socket'] | undefined)[]): boolean =>
    tests.every((one) => one === undefined || one.inverted);
  if (owner === 'none') return onlyInverted(socket, user, group);
  if (socket?.inverted === true) return false;
  const { file } = owner;
  if (file === undefined) return onlyInverted(user, group);
  const holds = (ids: IdTest | undefined, id: number): boolean =>
    ids === undefined || (id >= ids.lo && id <= ids.hi) !== ids.inverted;
  return holds(user, file.user) && holds(group, file.group);
}

/** match_type (net/netfilter/xt_addrtype.c), which asks __inet_dev_addr_type (net/ipv4/fib_frontend.c). */
function addressTypeV4(
  test: AddressTypeTest,
  address: bigint,
  ask: () => AddressType | undefined,
): boolean | undefined {
  const type = ownTypeV4(address) ?? ask();
  return type === undefined ? undefined : test.types.includes(type);
}

/** The types that __inet_dev_addr_type reads off the address: 0.0.0.0 is a broadcast to it. */
function ownTypeV4(address: bigint): AddressType | undefined {
  if (address === 0n || address === 0xffffffffn) return 'BROADCAST';
  return address >> 28n === 0xen ? 'MULTICAST' : undefined;
}

/** Types for which match_type6 asks the routes. */
const ROUTED: readonly AddressType[] = ['LOCAL', 'ANYCAST', 'UNREACHABLE'];

/** match_type6: every one of the first three that is asked for must hold; types it does not know are no test. */
function addressTypeV6(
  test: AddressTypeTest,
  address: bigint,
  ask: () => AddressType | undefined,
): boolean | undefined {
  if (test.types.includes('MULTICAST') && !isMulticastV6(address)) return false;
  if (test.types.includes('UNICAST') && !isUnicastV6(address)) return false;
  if (test.types.includes('UNSPEC') && address !== 0n) return false;
  const routed = ROUTED.filter((type) => test.types.includes(type));
  if (routed.length === 0) return true;
  const type = ask();
  return type === undefined ? undefined : routed.includes(type);
}

function isMulticastV6(address: bigint): boolean {
  return address >> 120n === 0xffn;
}

/** IPV6_ADDR_UNICAST of __ipv6_addr_type (net/ipv6/addrconf_core.c): not multicast, unspecified or IPv4-mapped. */
function isUnicastV6(address: bigint): boolean {
  return !isMulticastV6(address) && address !== 0n && address >> 32n !== 0xffffn;
}

/** Spends the tokens of `limit` tests. */
export function limitOracle(memory: LimitMemory): Oracle {
  return (test, rule) => (test.name === 'limit' ? memory.take(test, rule) : undefined);
}

const WITH_PORTS: ReadonlySet<bigint> = new Set([6n, 17n, 33n, 50n, 132n, 136n]);
const AH = 51n;

/** Takes from the buckets of `hashlimit` tests. No answer where a table is full, which drops the packet. */
export function hashlimitOracle(memory: HashlimitMemory, family: Family, length: number): Oracle {
  return (test, _rule, fields) => {
    if (test.name !== 'hashlimit') return undefined;
    const { saddr, daddr, proto, fragoff, sport, dport } = fields;
    const spi = fields['ah.spi'];
    const ports =
      WITH_PORTS.has(proto) && (family === 'v4' || fragoff === 0n)
        ? { srcport: sport, dstport: dport }
        : family === 'v4' && proto === AH
          ? { srcport: spi >> 16n, dstport: spi & 0xffffn }
          : { srcport: 0n, dstport: 0n };
    return memory.match(test.test, { srcip: saddr, dstip: daddr, ...ports, length: BigInt(length) });
  };
}

/** The first of the oracles that knows an answer. */
export function firstAnswer(...oracles: readonly Oracle[]): Oracle {
  return (test, rule, fields) => {
    for (const oracle of oracles) {
      const answer = oracle(test, rule, fields);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}
