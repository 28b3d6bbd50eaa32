import { ICMP_NAMES, ICMPV6_NAMES, type IcmpName } from '../modules/value/icmp-types.js';
import { UINT8, wholeNumber } from '../modules/value/number.js';

/** Messages that have a name in sets, of those that iptables knows: each is one type and one code. */
function exactly(names: readonly IcmpName[], unnamed: ReadonlySet<string>): readonly IcmpName[] {
  return names.filter(([name, type, code]) => {
    const ofSeveral = code === undefined && names.some((other) => other[1] === type && other[2] !== undefined);
    return !ofSeveral && !unnamed.has(name);
  });
}

/** The names of `ipset`, in the order in which it looks. */
const NAMES = {
  icmp: exactly(ICMP_NAMES, new Set(['any'])),
  icmpv6: [
    ...exactly(
      ICMPV6_NAMES,
      new Set([
        'beyond-scope',
        'failed-policy',
        'reject-route',
        'mld-listener-query',
        'mld-listener-report',
        'mld-listener-done',
        'mld-listener-reduction',
        'neighbor-solicitation',
        'neighbor-advertisement',
      ]),
    ),
    // As ipset spells them, too.
    ['neigbour-solicitation', 135],
    ['neigbour-advertisement', 136],
  ],
} as const satisfies Record<string, readonly IcmpName[]>;

/** Type in the upper byte, code in the lower one: from `type[/code]` or the beginning of a name, in any letter case. */
export function parseMessage(text: string, protocol: keyof typeof NAMES): number | undefined {
  const [type, code, rest] = text.split('/').map((number) => wholeNumber(number, 0, UINT8));
  if (type !== undefined && rest === undefined && (code !== undefined || !text.includes('/'))) {
    return (type << 8) | (code ?? 0);
  }
  const beginning = text.toLowerCase();
  const names: readonly IcmpName[] = NAMES[protocol];
  const named = names.find(([name]) => beginning !== '' && name.toLowerCase().startsWith(beginning));
  return named && (named[1] << 8) | (named[2] ?? 0);
}

/** The name of a message, or `type/code`. */
export function printMessage(message: number, protocol: keyof typeof NAMES): string {
  const [type, code] = [message >> 8, message & 0xff];
  const names: readonly IcmpName[] = NAMES[protocol];
  return names.find((known) => known[1] === type && (known[2] ?? 0) === code)?.[0] ?? `${type}/${code}`;
}
