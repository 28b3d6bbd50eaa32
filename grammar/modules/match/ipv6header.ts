import { FALSE, payload } from '../../model/condition.js';
import { defineMatch, option, type Parsed, type ValueType } from '../define.js';
import { parseProtocolName, systemProtocolName } from '../value/protocols.js';
import { flag } from '../value/text.js';

/** Headers by protocol number in the order in which they are printed; 255 stands for an upper-layer protocol. */
const HEADERS: readonly number[] = [0, 60, 43, 44, 51, 50, 59, 255];

/** Names that iptables has of its own, asked after those of the system. */
const NAMES: Readonly<Record<string, number>> = {
  'hop-by-hop': 0,
  hop: 0,
  dst: 60,
  route: 43,
  frag: 44,
  auth: 51,
  esp: 50,
  none: 59,
  protocol: 255,
  prot: 255,
  '0': 0,
  '60': 60,
  '43': 43,
  '44': 44,
  '51': 51,
  '50': 50,
  '59': 59,
  '255': 255,
};

function headerNumber(name: string): number | undefined {
  const number = parseProtocolName(name) ?? (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined);
  return number !== undefined && HEADERS.includes(number) ? number : undefined;
}

function headerName(number: number): string {
  if (number === 0) return 'hop-by-hop';
  return systemProtocolName(number) ?? (number === 255 ? 'protocol' : String(number));
}

function parseHeaders(word: string): Parsed<readonly number[]> {
  const found = new Set<number>();
  for (const piece of word.split(',').filter((name) => name !== '')) {
    const number = headerNumber(piece);
    if (number === undefined) return { error: `"${piece}" is not an extension header` };
    found.add(number);
  }
  if (found.size === 0) return { error: `"${word}" names no header` };
  return { value: HEADERS.filter((number) => found.has(number)) };
}

const headers: ValueType<readonly number[]> = {
  arity: 1,
  placeholder: 'header[,header]…',
  parse: ([word]) => parseHeaders(word),
  print: (numbers) => [numbers.map(headerName).join(',')],
};

/** Which extension headers a packet has (net/ipv6/netfilter/ip6t_ipv6header.c). */
export const ipv6header = defineMatch({
  name: 'ipv6header',
  families: ['v6'],
  doc: 'IPv6 extension headers in the packet',
  options: {
    header: option('--header', headers, {
      invertible: true,
      required: true,
      doc: 'the packet has exactly these headers',
    }),
    soft: option('--soft', flag, { doc: 'the packet has these headers, maybe among others' }),
  },
  condition: ({ header, soft }) =>
    header === undefined
      ? FALSE
      : payload({
          kind: 'headers',
          headers: header.value,
          soft: soft !== undefined,
          inverted: header.inverted,
        }),
});
