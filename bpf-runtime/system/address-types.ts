import type { AddressType } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import { ip } from './device.js';

interface LocalRoute {
  readonly prefix: bigint;
  readonly length: number;
  readonly type: AddressType;
  readonly device: string;
}

/** `192.0.2.1` or `2001:db8::1` as its number in network order. */
export function parseAddress(text: string): bigint {
  if (!text.includes(':')) return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head, tail] = text.split('::');
  const words = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'));
  const before = words(head);
  const after = words(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}

const TYPES: Readonly<Record<string, AddressType>> = {
  local: 'LOCAL',
  broadcast: 'BROADCAST',
  anycast: 'ANYCAST',
  multicast: 'MULTICAST',
  blackhole: 'BLACKHOLE',
  unreachable: 'UNREACHABLE',
  prohibit: 'PROHIBIT',
  throw: 'THROW',
  unicast: 'UNICAST',
};

/** Lines of `ip route show table local`: `[TYPE] PREFIX dev NAME …`. */
export function parseLocalTable(text: string, family: Family): readonly LocalRoute[] {
  const bits = family === 'v4' ? 32 : 128;
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length > 1)
    .map((words) => {
      const typed = words[0] in TYPES;
      const type = typed ? TYPES[words[0]] : 'UNICAST';
      const [address, length] = words[typed ? 1 : 0].split('/');
      const prefix = address === 'default' ? 0n : parseAddress(address);
      const whole = address === 'default' ? 0 : bits;
      return {
        prefix,
        length: length === undefined ? whole : Number(length),
        type,
        device: words[words.indexOf('dev') + 1],
      };
    });
}

/** What addresses are in a network namespace, fixed at the time it was asked. */
export class AddressTypes {
  private readonly routes: readonly LocalRoute[];
  private readonly bits: number;

  constructor(
    private readonly family: Family,
    localTable: string,
  ) {
    this.bits = family === 'v4' ? 32 : 128;
    this.routes = [...parseLocalTable(localTable, family)].sort((a, b) => b.length - a.length);
  }

  /** Of the calling thread's network namespace. */
  static read(family: Family): AddressTypes {
    return new AddressTypes(family, ip(family === 'v4' ? '-4' : '-6', 'route', 'show', 'table', 'local'));
  }

  /**
   * Type of an address, given as its number in network order; with an interface, only what is local there counts.
   * IPv4 as inet_addr_type and inet_dev_addr_type (net/ipv4/fib_frontend.c); IPv6 as the parts of match_type6
   * (net/netfilter/xt_addrtype.c) that a single type can say, in a namespace that has a default route.
   */
  typeOf(address: bigint, interfaceName?: string): AddressType {
    const special = this.family === 'v4' ? specialType4(address) : specialType6(address);
    if (special !== undefined) return special;
    const route = this.routes.find(({ prefix, length }) => {
      const shift = BigInt(this.bits - length);
      return address >> shift === prefix >> shift;
    });
    if (route === undefined) return 'UNICAST';
    return interfaceName === undefined || interfaceName === route.device ? route.type : 'UNICAST';
  }
}

function specialType4(address: bigint): AddressType | undefined {
  if (address === 0n || address === 0xffffffffn) return 'BROADCAST';
  return address >> 28n === 0xen ? 'MULTICAST' : undefined;
}

function specialType6(address: bigint): AddressType | undefined {
  if (address === 0n) return 'UNSPEC';
  return address >> 120n === 0xffn ? 'MULTICAST' : undefined;
}
