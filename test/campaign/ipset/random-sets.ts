import { IP_SET_TYPES } from '../../../grammar/model/ip-set.js';
import type { Family } from '../../../grammar/model/family.js';
import { printIPv4, printIPv6 } from '../../../grammar/modules/value/address.js';
import { dimensionOf, hasNetworks } from '../../../grammar/sets/types.js';
import { Random } from '../../../src/verify/random.js';
import type { SetCase } from './cases.js';

const V4_TYPES = IP_SET_TYPES.filter((type) => type !== 'list:set');
const V6_TYPES = V4_TYPES.filter((type) => type === 'bitmap:port' || type.startsWith('hash:'));

/** Addresses lie close together, so that networks hold one another and packets of one element come near others. */
class Parts {
  constructor(
    private readonly family: Family,
    private readonly random: Random,
  ) {}

  private number(bits: number): bigint {
    const { random } = this;
    const base = this.family === 'v4' ? 0x0a000000n : 0x20010db8n << 96n;
    // Bits that differ: a few at each end of what prefixes cut.
    const places = this.family === 'v4' ? [0, 1, 7, 8, 15, 16, 23] : [0, 1, 31, 63, 64, 65, 79, 80];
    const value = places.reduce((sum, place) => (random.chance(0.3) ? sum | (1n << BigInt(place)) : sum), base);
    return bits === 0 ? value : (value >> BigInt(bits)) << BigInt(bits);
  }

  address(): string {
    const value = this.number(0);
    return this.family === 'v4' ? printIPv4(value) : printIPv6(value);
  }

  net(): string {
    const all = this.family === 'v4' ? 32 : 128;
    const prefix = this.random.pick(
      this.family === 'v4' ? [8, 9, 15, 16, 24, 25, 31, 32] : [32, 33, 48, 64, 65, 127, 128],
    );
    const value = this.number(all - prefix);
    return `${this.family === 'v4' ? printIPv4(value) : printIPv6(value)}/${prefix}`;
  }

  port(): string {
    const { random } = this;
    const message = this.family === 'v4' ? 'icmp' : 'ipv6-icmp';
    const port = random.pick([0, 53, 80, 65535]);
    return random.pick([
      `tcp:${port}`,
      `udp:${port}`,
      `sctp:${port}`,
      `${message}:${random.pick([3, 8, 128])}/0`,
      'gre:0',
    ]);
  }

  element(type: string): string {
    switch (type) {
      case 'hash:net':
        return this.net();
      case 'hash:ip,port':
        return `${this.address()},${this.port()}`;
      case 'hash:net,port':
        return `${this.net()},${this.port()}`;
      case 'hash:ip,port,ip':
        return `${this.address()},${this.port()},${this.address()}`;
      case 'hash:ip,port,net':
        return `${this.address()},${this.port()},${this.net()}`;
      case 'bitmap:port':
        return String(this.random.pick([0, 53, 80, 1023]));
      case 'bitmap:ip':
        return `10.0.${this.random.below(4)}.${this.random.below(3)}`;
      case 'bitmap:ip,mac':
        return `10.0.0.${this.random.below(6)},00:11:22:33:44:5${this.random.below(6)}`;
      default:
        return this.address();
    }
  }
}

/** Sets of all types with a few elements each, a list of some of them, and tests on all. It all follows from the seed. */
export function randomSets(seed: number, family: Family): SetCase {
  const random = new Random(seed);
  const parts = new Parts(family, random);
  const inet = family === 'v4' ? 'inet' : 'inet6';
  const lines: string[] = [];
  const names: { name: string; dimension: number }[] = [];
  for (const [i, type] of (family === 'v4' ? V4_TYPES : V6_TYPES).entries()) {
    const name = `s${i}`;
    const range =
      type === 'bitmap:port' ? 'range 0-1023' : type.startsWith('bitmap:') ? 'range 10.0.0.0/16' : `family ${inet}`;
    const masked = type === 'hash:ip' && random.chance(0.3) ? ` netmask ${family === 'v4' ? 31 : 65}` : '';
    const timed = random.chance(0.3);
    lines.push(`create ${name} ${type} ${range}${masked}${timed ? ' timeout 3000' : ''}`);
    const elements = new Set(Array.from({ length: 1 + random.below(12) }, () => parts.element(type)));
    const hosts = new Set<string>();
    for (const element of elements) {
      // One MAC for an address.
      if (type === 'bitmap:ip,mac' && hosts.has(element.split(',')[0])) continue;
      hosts.add(element.split(',')[0]);
      const exception = hasNetworks(type) && random.chance(0.4) ? ' nomatch' : '';
      lines.push(`add ${name} ${element} -exist${timed && random.chance(0.5) ? ' timeout 2000' : ''}${exception}`);
    }
    names.push({ name, dimension: dimensionOf(type) });
  }
  lines.push('create all list:set size 16');
  for (const { name } of names) if (random.chance(0.5)) lines.push(`add all ${name}`);
  names.push({ name: 'all', dimension: 3 });
  const side = (): string => random.pick(['src', 'dst']);
  const tests = names.flatMap(({ name, dimension }) =>
    Array.from({ length: 2 }, () => {
      const sides = Array.from({ length: random.chance(0.9) ? dimension : 1 + random.below(3) }, side);
      // No program reads the destination MAC.
      if (name === 's8' && sides.length > 1) sides[1] = 'src';
      if (name === 'all' && sides.length > 1) sides[1] = 'src';
      const nomatch = random.chance(0.3) ? ' --return-nomatch' : '';
      return `${random.chance(0.3) ? '! ' : ''}--match-set ${name} ${sides.join(',')}${nomatch}`;
    }),
  );
  return { family, ipset: `${lines.join('\n')}\n`, tests };
}
