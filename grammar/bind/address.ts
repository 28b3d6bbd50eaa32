import type { Family } from '../model/family.js';
import type { Parsed } from '../modules/define.js';
import { wholeNumber, scanUnsigned } from '../modules/value/number.js';

/** An address with its mask, as numbers in network order; bits outside of the mask are clear. */
export interface AddressMask {
  readonly address: bigint;
  readonly mask: bigint;
}

/** Addresses of host names that the caller declares; names are never looked up. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** A host name that nobody declared, as written: with its mask, if it has one. */
export interface HostName {
  readonly hostName: string;
}

/** One of the addresses behind `-s` and `-d`. */
export type AddressTerm = AddressMask | HostName;

const BITS = { v4: 32, v6: 128 } as const;
const NAME_BYTES = 255;

/** Labels of RFC 1123, section 2.1. A letter in the last one keeps a mistyped address from being a name. */
const HOST_NAME =
  /^(?=.{1,253}$)(?:[a-z\d](?:[-a-z\d]{0,61}[a-z\d])?\.)*(?=[-\d]*[a-z])[a-z\d](?:[-a-z\d]{0,61}[a-z\d])?$/i;

const FULL = { v4: (1n << 32n) - 1n, v6: (1n << 128n) - 1n } as const;

/** All bits of an address. */
export function fullMask(family: Family): bigint {
  return FULL[family];
}

function prefixMasks(family: Family): readonly bigint[] {
  const bits = BITS[family];
  return Array.from({ length: bits + 1 }, (_, length) => FULL[family] ^ ((1n << BigInt(bits - length)) - 1n));
}

/** Masks by prefix length, and back. */
const MASKS: Readonly<Record<Family, readonly bigint[]>> = { v4: prefixMasks('v4'), v6: prefixMasks('v6') };
const LENGTHS: Readonly<Record<Family, ReadonlyMap<bigint, number>>> = {
  v4: new Map(MASKS.v4.map((mask, length) => [mask, length])),
  v6: new Map(MASKS.v6.map((mask, length) => [mask, length])),
};

/** Mask of a prefix length. */
export function prefixMask(length: number, family: Family): bigint {
  return MASKS[family][length];
}

/** Length of the prefix that a mask is, undefined if it has holes. */
export function prefixLength(mask: bigint, family: Family): number | undefined {
  return LENGTHS[family].get(mask);
}

/**
 * The list of addresses behind `-s` and `-d` (libxtables `xtables_ipparse_multiple`, `xtables_ip6parse_multiple`):
 * `address[/mask]` with commas between, the mask a prefix length or an address. A null mask makes any text an address.
 * A name that `hosts` does not declare is left as it is.
 */
export function parseAddressList(text: string, family: Family, hosts?: Hosts): Parsed<readonly AddressTerm[]> {
  const plain = family === 'v4' ? plainIpv4(text) : undefined;
  if (plain !== undefined) return { value: [plain] };
  const found: AddressTerm[] = [];
  for (const piece of text.split(',')) {
    const parsed = parseMasked(piece.replace(/^[ \t\n\v\f\r]+/, ''), family, hosts);
    if ('error' in parsed) return parsed;
    found.push(...parsed.value);
  }
  return { value: found };
}

/** `a.b.c.d` or `a.b.c.d/length` in plain decimal, which nearly every address is. */
function plainIpv4(text: string): AddressMask | undefined {
  let address = 0;
  let ends = 0;
  let number = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if (number === 0) return undefined;
      number = Math.max(number, 0) * 10 + code - 0x30;
    } else if (number >= 0 && number <= 255 && code === (ends < 3 ? 0x2e : 0x2f) && ends < 4) {
      address = address * 256 + number;
      number = -1;
      ends++;
    } else {
      return undefined;
    }
  }
  if (ends === 3 && number >= 0 && number <= 255) return { address: BigInt(address * 256 + number), mask: FULL.v4 };
  const length = number;
  if (ends !== 4 || length < 1 || length > 32) return undefined;
  const mask = MASKS.v4[length];
  return { address: BigInt(address) & mask, mask };
}

function parseMasked(piece: string, family: Family, hosts: Hosts | undefined): Parsed<readonly AddressTerm[]> {
  if (Buffer.byteLength(piece) > NAME_BYTES) return { error: 'the address is longer than 255 characters' };
  const slash = piece.lastIndexOf('/');
  const mask = slash < 0 ? { value: fullMask(family) } : parseMask(piece.slice(slash + 1), family);
  if ('error' in mask) return mask;
  if (mask.value === 0n) return { value: [{ address: 0n, mask: 0n }] };
  const name = slash < 0 ? piece : piece.slice(0, slash);
  const addresses = parseHost(name, family, hosts);
  if ('error' in addresses) return HOST_NAME.test(name) ? { value: [{ hostName: piece }] } : addresses;
  return { value: addresses.value.map((address) => ({ address: address & mask.value, mask: mask.value })) };
}

function parseMask(text: string, family: Family): Parsed<bigint> {
  const address = family === 'v4' ? parseDotted(text, true) : parseIpv6(text);
  if (address !== undefined) return { value: address };
  const length = wholeNumber(text, 0, BITS[family]);
  return length === undefined ? { error: `"${text}" is not a mask` } : { value: prefixMask(length, family) };
}

function parseHost(name: string, family: Family, hosts: Hosts | undefined): Parsed<readonly bigint[]> {
  const number = parseAddress(name, family);
  if (number !== undefined) return { value: [number] };
  const declared = (hosts?.get(name) ?? []).flatMap((text) => parseAddress(text, family) ?? []);
  if (declared.length > 0) return { value: declared };
  const other = parseAddress(name, family === 'v4' ? 'v6' : 'v4');
  if (other !== undefined && /[:.]/.test(name)) {
    return { error: `"${name}" is an ${family === 'v4' ? 'IPv6' : 'IPv4'} address` };
  }
  return { error: `"${name}" is not an address` };
}

/** An address without mask, in any form that iptables reads without asking a name service. */
export function parseAddress(text: string, family: Family): bigint | undefined {
  return family === 'v4' ? (parseDotted(text, false) ?? parseInetAton(text) ?? parseMapped(text)) : parseIpv6(text);
}

/** `::ffff:a.b.c.d` and other forms of an IPv6 address that stands for an IPv4 one, which getaddrinfo takes for it. */
function parseMapped(text: string): bigint | undefined {
  const address = text.includes(':') ? parseIpv6(text) : undefined;
  return address !== undefined && address >> 32n === 0xffffn ? address & FULL.v4 : undefined;
}

/**
 * Up to four bytes with dots between, each decimal, octal (`010`) or hexadecimal (`0xa`); missing ones are zeros on
 * the right, unless all four are asked for (libxtables `__numeric_to_ipaddr`).
 */
function parseDotted(text: string, whole: boolean): bigint | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || (whole && parts.length < 4)) return undefined;
  let address = 0;
  for (let i = 0; i < 4; i++) {
    const byte = i < parts.length ? wholeNumber(parts[i], 0, 255) : 0;
    if (byte === undefined) return undefined;
    address = address * 256 + byte;
  }
  return BigInt(address);
}

/** `a`, `a.b`, `a.b.c` or `a.b.c.d`, the last part filling the bytes that are left (inet_aton, asked by getaddrinfo). */
function parseInetAton(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  let address = 0n;
  for (const [i, part] of parts.entries()) {
    const scanned = /^[0-9]/.test(part) ? scanUnsigned(part) : undefined;
    if (scanned === undefined || scanned.rest !== '') return undefined;
    const bits = i === parts.length - 1 ? BigInt(8 * (5 - parts.length)) : 8n;
    if (scanned.value >> bits !== 0n) return undefined;
    address = (address << bits) | scanned.value;
  }
  return address;
}

/** RFC 4291 text form, the last 32 bits possibly dotted (inet_pton). */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half, i) => ipv6Groups(half, i === halves.length - 1));
  if (left === undefined || (halves.length === 2 && right === undefined)) return undefined;
  const tail = right ?? [];
  const missing = 8 - left.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...new Array<number>(missing).fill(0), ...tail];
  return groups.reduce((address, group) => (address << 16n) | BigInt(group), 0n);
}

function ipv6Groups(text: string, last: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const bytes = part.split('.').map((byte) => (/^(?:0|[1-9]\d{0,2})$/.test(byte) ? Number(byte) : NaN));
      if (bytes.length !== 4 || !bytes.every((byte) => byte <= 255)) return undefined;
      groups.push(bytes[0] * 256 + bytes[1], bytes[2] * 256 + bytes[3]);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** As iptables-save prints it: `address/length`, or `address/mask` for a mask with holes. A name stays as written. */
export function printMasked(term: AddressTerm, family: Family): string {
  if ('hostName' in term) return term.hostName;
  const { address, mask } = term;
  const length = prefixLength(mask, family);
  return `${printAddress(address, family)}/${length ?? printAddress(mask, family)}`;
}

/** inet_ntop: IPv6 with the longest run of zero groups shortened and addresses that hold an IPv4 one dotted. */
export function printAddress(address: bigint, family: Family): string {
  if (family === 'v4') return dotted(Number(address));
  const groups = Array.from({ length: 8 }, (_, i) => Number((address >> BigInt(112 - 16 * i)) & 0xffffn));
  const zeros = longestZeroRun(groups);
  const holdsIpv4 = zeros.start === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff));
  if (holdsIpv4) return `::${zeros.length === 5 ? 'ffff:' : ''}${dotted(groups[6] * 65536 + groups[7])}`;
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (zeros.length < 2) return hex(0, 8);
  return `${hex(0, zeros.start)}::${hex(zeros.start + zeros.length, 8)}`;
}

function dotted(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The first of the longest runs. */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    i = Math.max(i, end - 1);
  }
  return best;
}
