import type { ModuleContext, Parsed, ValueType } from '../define.js';
import { anyServicePort, serviceNames, servicePort, type ServiceProtocol } from './services.js';
import { unknownName } from './suggest.js';
import { plainNumber, printNumberRange, scanUnsigned, UINT16, wholeNumber, type NumberRange } from './number.js';

export const ALL_PORTS: NumberRange = { lo: 0, hi: UINT16 };

export function isAllPorts({ lo, hi }: NumberRange): boolean {
  return lo === ALL_PORTS.lo && hi === ALL_PORTS.hi;
}

/** What is wrong with the text of one port. */
function notAPort(word: string, protocol?: ServiceProtocol): { readonly error: string; readonly hint?: string } {
  const error = `"${word}" is not a port or a service${protocol === undefined ? '' : ` of ${protocol}`}`;
  if (word.includes(',')) return { error, hint: 'lists are for -m multiport: --sports, --dports, --ports' };
  return /\d/.test(word) ? { error } : unknownName(word, serviceNames(protocol), error);
}

/** One port by number (decimal, octal, hexadecimal) or by its name in `protocol` (libxtables `xtables_parse_port`). */
export function parsePort(word: string, protocol: ServiceProtocol): Parsed<number> {
  const value = wholeNumber(word, 0, UINT16) ?? servicePort(word, protocol);
  return value === undefined ? notAPort(word, protocol) : { value };
}

/**
 * One port as `getaddrinfo` resolves it, for the options that libxtables calls `XTTYPE_PORTRC`: a decimal number, of
 * which 16 bits are kept, or a name of any protocol. `strtoul` wraps numbers with a minus.
 */
function resolvePort(word: string): number | undefined {
  const plain = plainNumber(word);
  if (plain >= 0) return plain & UINT16;
  const negative = /^\s*-(?=\d)/.test(word);
  const scanned = scanUnsigned(negative ? word.replace('-', '') : word, 10);
  const value = scanned?.value ?? -1n;
  const number = BigInt.asIntN(32, negative ? -value : value);
  if (scanned?.rest === '' && number >= 0n) return Number(BigInt.asUintN(16, number));
  return anyServicePort(word);
}

/** One port of the `XTTYPE_PORT` options; getaddrinfo takes an empty text for 0. */
export const resolvedPort: ValueType<number> = {
  arity: 1,
  placeholder: 'port',
  parse: ([word]) => {
    const value = word === '' ? 0 : resolvePort(word);
    return value === undefined ? notAPort(word) : { value };
  },
  print: (port) => [String(port)],
};

/** `port[:port]`, each end optional; the end may not be below the start (libxtables `xtopt_parse_mport`). */
export function parsePortRange(word: string, { takesReversedRanges }: ModuleContext): Parsed<NumberRange> {
  const alone = plainNumber(word);
  if (alone >= 0) return { value: { lo: alone & UINT16, hi: alone & UINT16 } };
  const pieces = word.split(':');
  if (pieces.length > 2) return { error: `"${word}" has more than two ports` };
  const ends: [number, number] = [0, UINT16];
  let previous = 0;
  for (const [i, piece] of pieces.entries()) {
    if (piece === '') continue;
    const port = resolvePort(piece);
    if (port === undefined) return notAPort(piece);
    if (port < previous && takesReversedRanges !== true) return { error: `"${word}" ends before it starts` };
    previous = port;
    ends[i] = port;
  }
  return { value: { lo: ends[0], hi: pieces.length === 1 ? ends[0] : ends[1] } };
}

/** `port[:port]` of the `XTTYPE_PORTRC` options (udp, sctp, conntrack …). */
export const portRange: ValueType<NumberRange> = {
  arity: 1,
  placeholder: 'port[:port]',
  parse: ([word], context) => parsePortRange(word, context),
  print: (range) => [printNumberRange(range)],
};

/** `port[:port]` whose names belong to one protocol (libxt_tcp, libxt_dccp). */
export function namedPortRange(protocol: ServiceProtocol): ValueType<NumberRange> {
  return {
    arity: 1,
    placeholder: 'port[:port]',
    parse: ([word]) => parseNamedPortRange(word, protocol),
    print: (range) => [printNumberRange(range)],
  };
}

function parseNamedPortRange(word: string, protocol: ServiceProtocol): Parsed<NumberRange> {
  const colon = word.indexOf(':');
  if (colon < 0) {
    const port = parsePort(word, protocol);
    return 'error' in port ? port : { value: { lo: port.value, hi: port.value } };
  }
  const [first, second] = [word.slice(0, colon), word.slice(colon + 1)];
  const lo = first === '' ? { value: 0 } : parsePort(first, protocol);
  if ('error' in lo) return lo;
  const hi = second === '' ? { value: UINT16 } : parsePort(second, protocol);
  if ('error' in hi) return hi;
  if (lo.value > hi.value) return { error: `"${word}" ends before it starts` };
  return { value: { lo: lo.value, hi: hi.value } };
}
