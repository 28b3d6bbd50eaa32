import type { Family } from '../../model/family.js';
import type { ModuleContext, Parsed } from '../define.js';
import { parseIPv6, parseStrictIPv4, printAddress } from './address.js';
import { scanNumber, UINT16 } from './number.js';
import { anyServicePort } from './services.js';

/** Ports that a connection is moved to; with `base` by their distance from it. */
export interface NatPorts {
  readonly lo: number;
  readonly hi: number;
  readonly base?: number;
}

/** Addresses and ports that a connection is moved to. */
export interface NatRange {
  readonly addresses?: { readonly lo: bigint; readonly hi: bigint };
  readonly ports?: NatPorts;
}

/** TCP, UDP, SCTP, DCCP, ICMP: protocols that have ports to move. */
const PORT_PROTOCOLS: readonly number[] = [6, 17, 132, 33, 1];

/** `port[-port[/base]]` (iptables libxt_NAT.c `parse_ports`). */
export function parseNatPorts(word: string, { protocol }: ModuleContext): Parsed<NatPorts> {
  if (protocol === undefined || !PORT_PROTOCOLS.includes(protocol.number)) {
    return { error: 'ports need -p tcp, udp, sctp or dccp before them' };
  }
  const first = scanNumber(word, 0, UINT16);
  if (first === undefined) {
    const port = anyServicePort(word);
    return port === undefined ? { error: `"${word}" is not a port` } : { value: { lo: port, hi: port } };
  }
  if (first.rest === '') return { value: { lo: first.value, hi: first.value } };
  const second = first.rest.startsWith('-') ? scanNumber(first.rest.slice(1), 0, UINT16) : undefined;
  if (second === undefined) return { error: `"${word}" is not a range of ports` };
  if (second.value < first.value) return { error: `"${word}" ends before it starts` };
  const range = { lo: first.value, hi: second.value };
  if (second.rest === '') return { value: range };
  if (!second.rest.startsWith('/')) return { error: `"${second.rest}" stands behind the ports` };
  const baseWord = second.rest.slice(1);
  const base = scanNumber(baseWord, 1, UINT16)?.value ?? anyServicePort(baseWord);
  return base === undefined ? { error: `"${baseWord}" is not a port` } : { value: { ...range, base } };
}

export function printNatPorts({ lo, hi, base }: NatPorts): string {
  return `${lo}${hi === lo ? '' : `-${hi}`}${base === undefined ? '' : `/${base}`}`;
}

/** The forms of `inet_pton` alone. */
function parseStrictAddress(word: string, family: Family): bigint | undefined {
  return family === 'v6' ? parseIPv6(word) : parseStrictIPv4(word);
}

function parseAddresses(word: string, family: Family): Parsed<{ readonly lo: bigint; readonly hi: bigint }> {
  const dash = word.indexOf('-');
  const ends = dash < 0 ? [word, word] : [word.slice(0, dash), word.slice(dash + 1)];
  const [lo, hi] = ends.map((end) => parseStrictAddress(end, family));
  if (lo === undefined || hi === undefined) return { error: `"${word}" is not an address or a range of them` };
  return { value: { lo, hi } };
}

/** Splits `addresses:ports`; IPv6 addresses with ports stand in brackets. */
function splitRange(word: string, family: Family): { addresses: string; ports?: string } | undefined {
  const open = word.indexOf('[');
  if (open < 0) {
    const colon = word.indexOf(':');
    if (colon < 0 || word.includes(':', colon + 1)) return { addresses: word };
    return { addresses: word.slice(0, colon), ports: word.slice(colon + 1) };
  }
  const close = word.indexOf(']', open);
  if (close < 0 || family === 'v4') return undefined;
  const colon = word.indexOf(':', close);
  const addresses = word.slice(open + 1, close);
  return colon < 0 ? { addresses } : { addresses, ports: word.slice(colon + 1) };
}

/** `[address[-address]][:port[-port[/base]]]` (iptables libxt_NAT.c `parse_to`, which drops two characters before `:`). */
export function parseNatRange(word: string, context: ModuleContext): Parsed<NatRange> {
  const split = splitRange(word, context.family);
  if (split === undefined) return { error: `"${word}" is not an address` };
  const ports = split.ports === undefined ? undefined : parseNatPorts(split.ports, context);
  if (ports !== undefined && 'error' in ports) return ports;
  const tail = ports === undefined ? {} : { ports: ports.value };
  const colon = split.ports === undefined ? -1 : word.length - split.ports.length - 1;
  if (colon === 0 || colon === 2) return { value: tail };
  const addresses = parseAddresses(split.addresses, context.family);
  return 'error' in addresses ? addresses : { value: { addresses: addresses.value, ...tail } };
}

export function printNatRange({ addresses, ports }: NatRange, { family }: ModuleContext): string {
  const shown = ports === undefined ? '' : `:${printNatPorts(ports)}`;
  if (addresses === undefined) return shown;
  const { lo, hi } = addresses;
  const range = `${printAddress(lo, family)}${hi === lo ? '' : `-${printAddress(hi, family)}`}`;
  return family === 'v6' && ports !== undefined ? `[${range}]${shown}` : `${range}${shown}`;
}
