import { all, any, inSet, invertIf, TRUE, type Condition } from '../../model/condition.js';
import type { Field } from '../../model/fields.js';
import { intervals } from '../../model/interval.js';
import { defineMatch, option, type ModuleContext, type Parsed, type ValueType } from '../define.js';
import { printNumberRange, type NumberRange } from '../value/number.js';
import { parsePort } from '../value/port.js';
import type { ServiceProtocol } from '../value/services.js';
import { headerReadable, NOT_LATER_FRAGMENT } from './transport.js';

/** Room for ports in the kernel's list (XT_MULTI_PORTS); a range takes two. */
const ROOM = 15;

const PROTOCOLS: Readonly<Record<number, ServiceProtocol>> = {
  6: 'tcp',
  17: 'udp',
  136: 'udplite',
  132: 'sctp',
  33: 'dccp',
};

function portProtocol({ protocol }: ModuleContext): ServiceProtocol | undefined {
  return protocol === undefined || protocol.inverted ? undefined : PROTOCOLS[protocol.number];
}

function parsePiece(piece: string, protocol: ServiceProtocol): Parsed<NumberRange> {
  const colon = piece.indexOf(':');
  const lo = parsePort(colon < 0 ? piece : piece.slice(0, colon), protocol);
  if ('error' in lo) return lo;
  if (colon < 0) return { value: { lo: lo.value, hi: lo.value } };
  const hi = parsePort(piece.slice(colon + 1), protocol);
  if ('error' in hi) return hi;
  if (lo.value >= hi.value) return { error: `"${piece}" is not a range` };
  return { value: { lo: lo.value, hi: hi.value } };
}

const portList: ValueType<readonly NumberRange[]> = {
  arity: 1,
  placeholder: 'port[:port][,port[:port]]…',
  parse: ([word], context) => {
    const protocol = portProtocol(context);
    if (protocol === undefined) return { error: 'a list of ports needs -p tcp, udp, udplite, sctp or dccp before it' };
    const ranges: NumberRange[] = [];
    let taken = 0;
    for (const piece of word.split(',')) {
      taken += piece.includes(':') ? 2 : 1;
      if (taken > ROOM) return { error: `"${word}" has more than ${ROOM} ports (a range counts as two)` };
      const range = parsePiece(piece, protocol);
      if ('error' in range) return range;
      ranges.push(range.value);
    }
    return { value: ranges };
  },
  print: (ranges) => [ranges.map(printNumberRange).join(',')],
};

const OPTIONS = {
  sports: option('--sports', portList, {
    aliases: ['--source-ports'],
    invertible: true,
    excludes: ['dports', 'ports'],
    doc: 'source port is in the list',
  }),
  dports: option('--dports', portList, {
    aliases: ['--destination-ports'],
    invertible: true,
    excludes: ['sports', 'ports'],
    doc: 'destination port is in the list',
  }),
  ports: option('--ports', portList, {
    invertible: true,
    excludes: ['sports', 'dports'],
    doc: 'source or destination port is in the list',
  }),
};

function portsIn(fields: readonly Field[], list: readonly NumberRange[]): Condition {
  const set = intervals(...list.map(({ lo, hi }) => [lo, hi] as const));
  return any(...fields.map((field) => inSet(field, set)));
}

const PORTS_READABLE = headerReadable(4);

/** A list of ports, inverted as a whole (net/netfilter/xt_multiport.c `multiport_mt`, revision 1). */
export const multiport = defineMatch({
  name: 'multiport',
  families: ['v4', 'v6'],
  protocols: Object.keys(PROTOCOLS).map(Number),
  doc: 'lists of ports',
  options: OPTIONS,
  check: ({ sports, dports, ports }) =>
    sports === undefined && dports === undefined && ports === undefined ? ['no ports are given'] : [],
  condition: ({ sports, dports, ports }) => {
    const given = sports ?? dports ?? ports;
    if (given === undefined) return TRUE;
    const fields: readonly Field[] = given === sports ? ['sport'] : given === dports ? ['dport'] : ['sport', 'dport'];
    return all(NOT_LATER_FRAGMENT, PORTS_READABLE, invertIf(given.inverted, portsIn(fields, given.value)));
  },
});
