import type { Family } from '../model/family.js';
import type { Parsed } from '../modules/define.js';
import {
  addressBits,
  fullMask,
  parseAddress,
  parseDottedIPv4,
  parseIPv6,
  prefixLength,
  prefixMask,
  printAddress,
  type MaskedAddress,
} from '../modules/value/address.js';
import { plainNumber, wholeNumber } from '../modules/value/number.js';
import { utf8Length } from '../model/utf8.js';

/** Addresses of host names that the caller declares; names are never looked up. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** A host name that nobody declared, as written: with its mask, if it has one. */
export interface HostName {
  readonly hostName: string;
}

/** An address with its mask, bits outside of the mask clear. */
export interface NetworkTerm extends MaskedAddress {
  /** Of the prefix that the mask is, where it is at hand. */
  readonly length?: number;
}

/** One of the addresses behind `-s` and `-d`. */
export type AddressTerm = NetworkTerm | HostName;

const NAME_BYTES = 255;

/** Labels of RFC 1123, section 2.1. A letter in the last one keeps a mistyped address from being a name. */
const HOST_NAME =
  /^(?=.{1,253}$)(?:[a-z\d](?:[-a-z\d]{0,61}[a-z\d])?\.)*(?=[-\d]*[a-z])[a-z\d](?:[-a-z\d]{0,61}[a-z\d])?$/i;

/**
 * The list of addresses behind `-s` and `-d` (libxtables `xtables_ipparse_multiple`, `xtables_ip6parse_multiple`):
 * `address[/mask]` with commas between, the mask a prefix length or an address. A null mask makes any text an address.
 * A name that `hosts` does not declare is left as it is.
 */
export function parseAddressList(text: string, family: Family, hosts?: Hosts): Parsed<readonly AddressTerm[]> {
  const plain = family === 'v4' ? plainIpv4(text, 0, text.length) : plainIpv6(text);
  if (plain !== undefined) return { value: [plain] };
  const found: AddressTerm[] = [];
  for (const piece of text.split(',')) {
    const parsed = parseMasked(piece.replace(/^[ \t\n\v\f\r]+/, ''), family, hosts);
    if ('error' in parsed) return parsed;
    found.push(...parsed.value);
  }
  return { value: found };
}

/**
 * The address that stands in a text from `from` to `to`, in one of the spellings that iptables-save prints; undefined
 * for any other.
 */
export function plainNetwork(text: string, from: number, to: number, family: Family): NetworkTerm | undefined {
  return family === 'v4' ? plainIpv4(text, from, to) : plainIpv6(text.slice(from, to));
}

/** `a.b.c.d` or `a.b.c.d/length` in plain decimal, which nearly every address is. */
function plainIpv4(text: string, from: number, to: number): NetworkTerm | undefined {
  let address = 0;
  let ends = 0;
  let number = -1;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      if (number === 0) return undefined;
      number = (number < 0 ? 0 : number) * 10 + code - 0x30;
    } else if (number >= 0 && number <= 255 && code === (ends < 3 ? 0x2e : 0x2f) && ends < 4) {
      address = address * 256 + number;
      number = -1;
      ends++;
    } else {
      return undefined;
    }
  }
  if (ends === 3 && number >= 0 && number <= 255) {
    return { address: BigInt(address * 256 + number), mask: fullMask('v4'), length: 32 };
  }
  const length = number;
  if (ends !== 4 || length < 1 || length > 32) return undefined;
  const host = address % 2 ** (32 - length);
  return { address: BigInt(address - host), mask: prefixMask(length, 'v4'), length };
}

/** `address` or `address/length`, the address in hexadecimal groups. */
function plainIpv6(text: string): NetworkTerm | undefined {
  const slash = text.indexOf('/');
  const length = slash < 0 ? 128 : plainNumber(text.slice(slash + 1));
  if (length < 1 || length > 128) return undefined;
  const address = parseIPv6(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const mask = prefixMask(length, 'v6');
  return { address: length === 128 ? address : address & mask, mask, length };
}

function parseMasked(piece: string, family: Family, hosts: Hosts | undefined): Parsed<readonly AddressTerm[]> {
  if (utf8Length(piece) > NAME_BYTES) return { error: 'the address is longer than 255 characters' };
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
  const address = family === 'v6' ? parseIPv6(text) : text.split('.').length === 4 ? parseDottedIPv4(text) : undefined;
  if (address !== undefined) return { value: address };
  const length = wholeNumber(text, 0, addressBits(family));
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

/** As iptables-save prints it: `address/length`, or `address/mask` for a mask with holes. A name stays as written. */
export function printMasked(term: AddressTerm, family: Family): string {
  if ('hostName' in term) return term.hostName;
  const { address, mask } = term;
  const length = term.length ?? prefixLength(mask, family);
  return `${printAddress(address, family)}/${length ?? printAddress(mask, family)}`;
}
