import type { Family } from '../../model/family.js';
import type { Parsed, ValueType } from '../define.js';
import { scanUnsigned, UINT8, wholeNumber } from './number.js';

/** Address and mask as numbers in network order. */
export interface MaskedAddress {
  readonly address: bigint;
  readonly mask: bigint;
}

export function addressBits(family: Family): 32 | 128 {
  return family === 'v4' ? 32 : 128;
}

const FULL = { v4: (1n << 32n) - 1n, v6: (1n << 128n) - 1n } as const;

/** The mask of all ones. */
export function fullMask(family: Family): bigint {
  return FULL[family];
}

function prefixMasks(family: Family): readonly bigint[] {
  const bits = addressBits(family);
  return Array.from({ length: bits + 1 }, (_, length) => FULL[family] ^ ((1n << BigInt(bits - length)) - 1n));
}

/** Masks by prefix length, and back. */
const MASKS: Readonly<Record<Family, readonly bigint[]>> = { v4: prefixMasks('v4'), v6: prefixMasks('v6') };
const LENGTHS: Readonly<Record<Family, ReadonlyMap<bigint, number>>> = {
  v4: new Map(MASKS.v4.map((mask, length) => [mask, length])),
  v6: new Map(MASKS.v6.map((mask, length) => [mask, length])),
};

const HOST_BITS_V6: readonly bigint[] = MASKS.v6.map((mask) => mask ^ FULL.v6);

export function prefixMask(length: number, family: Family): bigint {
  return MASKS[family][length];
}

/** The last address of the network that begins at `first`. */
export function lastAddress(first: bigint, length: number, family: Family): bigint {
  // Numbers hold all of IPv4, and make no objects on the way.
  return family === 'v4' ? BigInt(Number(first) + 2 ** (32 - length) - 1) : first | HOST_BITS_V6[length];
}

/** Length of the prefix that `mask` is, undefined where it has holes. */
export function prefixLength(mask: bigint, family: Family): number | undefined {
  return LENGTHS[family].get(mask);
}

/**
 * An IPv4 address as iptables reads it first: one to four numbers up to 255 (decimal, octal or hexadecimal), the
 * missing ones zero (libxtables `xtables_numeric_to_ipaddr`).
 */
export function parseDottedIPv4(word: string): bigint | undefined {
  const pieces = word.split('.');
  if (pieces.length > 4) return undefined;
  let address = 0n;
  for (let i = 0; i < 4; i++) {
    const octet = i < pieces.length ? wholeNumber(pieces[i], 0, UINT8) : 0;
    if (octet === undefined) return undefined;
    address = (address << 8n) | BigInt(octet);
  }
  return address;
}

/** An IPv4 address as the resolver reads it: of one to four numbers the last fills the rest (`inet_aton`). */
export function parseAtonIPv4(word: string): bigint | undefined {
  const pieces = word.split('.');
  if (pieces.length > 4) return undefined;
  const numbers: bigint[] = [];
  for (const [i, piece] of pieces.entries()) {
    const scanned = /^[0-9]/.test(piece) ? scanUnsigned(piece) : undefined;
    const room = i === pieces.length - 1 ? 8n * BigInt(5 - pieces.length) : 8n;
    if (scanned?.rest !== '' || scanned.value >= 1n << room) return undefined;
    numbers.push(scanned.value);
  }
  const last = numbers[numbers.length - 1];
  return numbers.slice(0, -1).reduce((sum, octet, i) => sum | (octet << BigInt(24 - 8 * i)), last);
}

/** An IPv6 address in any of its text forms (RFC 4291 section 2.2, `inet_pton`); no scope. */
export function parseIPv6(word: string): bigint | undefined {
  return groupsOf(word) ? addressInBytes() : parseAnyIPv6(word);
}

/** The 16 bytes of the address that is being read or printed, in network order. */
const BYTES = new DataView(new ArrayBuffer(16));

function addressInBytes(): bigint {
  return (BYTES.getBigUint64(0) << 64n) | BYTES.getBigUint64(8);
}

const COLON = 0x3a;

/** Reads groups of hexadecimal digits into `BYTES`; false for other forms, and for what is no address. */
function groupsOf(word: string): boolean {
  let count = 0;
  let gap = -1;
  let at = 0;
  if (word.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  while (at < word.length) {
    let value = 0;
    let digits = 0;
    for (let digit = 0; at < word.length && (digit = hexDigit(word.charCodeAt(at))) >= 0; at++, digits++) {
      value = value * 16 + digit;
    }
    if (digits === 0 || digits > 4 || count === 8) return false;
    BYTES.setUint16(2 * count++, value);
    if (at === word.length) break;
    if (word.charCodeAt(at++) !== COLON || at === word.length) return false;
    if (word.charCodeAt(at) !== COLON) continue;
    if (gap >= 0) return false;
    gap = count;
    at++;
  }
  if (gap < 0) return count === 8;
  return count < 8 && openGap(gap, count);
}

/** Moves the groups behind `::` to the end. */
function openGap(gap: number, count: number): true {
  const moved = 8 - count;
  for (let i = 7; i >= gap; i--) BYTES.setUint16(2 * i, i - moved >= gap ? BYTES.getUint16(2 * (i - moved)) : 0);
  return true;
}

/** Value of a hexadecimal digit by its character code; -1 for any other. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function parseAnyIPv6(word: string): bigint | undefined {
  if (!word.includes(':')) return undefined;
  const halves = word.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const tail = groups[groups.length - 1];
  const dotted = tail.length > 0 && tail[tail.length - 1].includes('.') ? tail.pop() : undefined;
  const embedded = dotted === undefined ? [] : embeddedIPv4(dotted);
  if (embedded === undefined) return undefined;
  tail.push(...embedded);
  const given = groups.flat();
  if (given.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (halves.length === 2 ? given.length > 7 : given.length !== 8) return undefined;
  const zeros = Array.from({ length: 8 - given.length }, () => '0');
  const all = halves.length === 2 ? [...groups[0], ...zeros, ...groups[1]] : given;
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** An IPv4 address of four decimal numbers without leading zeros (`inet_pton`). */
export function parseStrictIPv4(word: string): bigint | undefined {
  const octets = word.split('.');
  if (octets.length !== 4 || octets.some((octet) => !/^(0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > UINT8)) {
    return undefined;
  }
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}

/** The two groups of a dotted IPv4 address at the end of an IPv6 one. */
function embeddedIPv4(word: string): string[] | undefined {
  const address = parseStrictIPv4(word);
  return address === undefined ? undefined : [address >> 16n, address & 0xffffn].map((group) => group.toString(16));
}

/** A numeric address of the family, as the options that do not ask the resolver read it. */
export function parseNumericAddress(word: string, family: Family): bigint | undefined {
  return family === 'v4' ? parseDottedIPv4(word) : parseIPv6(word);
}

/** An IPv4 address in the form of IPv6 (RFC 4291 section 2.5.5.2). */
function parseMappedIPv4(word: string): bigint | undefined {
  const address = parseIPv6(word);
  return address !== undefined && address >> 32n === 0xffffn ? address & fullMask('v4') : undefined;
}

/** As `getaddrinfo` reads it. */
function parseResolved(word: string, family: Family): bigint | undefined {
  return family === 'v4' ? (parseAtonIPv4(word) ?? parseMappedIPv4(word)) : parseIPv6(word);
}

/** An address without mask, in any form that iptables reads without asking a name service. */
export function parseAddress(word: string, family: Family): bigint | undefined {
  return parseNumericAddress(word, family) ?? parseResolved(word, family);
}

/** A numeric address of the family as `getaddrinfo` reads it; names are not resolved. */
export function parseHost(word: string, family: Family): Parsed<bigint> {
  const value = parseResolved(word, family);
  return value === undefined ? { error: `"${word}" is not an address (names are not resolved)` } : { value };
}

/** `address[/mask]`, the mask as a length or an address; the address keeps its host bits (`XTTYPE_HOSTMASK`). */
export function parseHostMask(word: string, family: Family): Parsed<MaskedAddress> {
  const slash = word.indexOf('/');
  const host = parseHost(slash < 0 ? word : word.slice(0, slash), family);
  if ('error' in host) return host;
  if (slash < 0) return { value: { address: host.value, mask: fullMask(family) } };
  const mask = parseMask(word.slice(slash + 1), family);
  return mask === undefined
    ? { error: `"${word.slice(slash + 1)}" is not a mask` }
    : { value: { address: host.value, mask } };
}

/** A mask as a prefix length or as an address (`XTTYPE_PLENMASK`). */
export function parseMask(word: string, family: Family): bigint | undefined {
  const length = wholeNumber(word, 0, addressBits(family));
  if (length !== undefined) return prefixMask(length, family);
  return family === 'v4' ? parseAtonIPv4(word) : parseIPv6(word);
}

export function printIPv4(address: bigint): string {
  const bits = Number(address);
  return `${bits >>> 24}.${(bits >>> 16) & 0xff}.${(bits >>> 8) & 0xff}.${bits & 0xff}`;
}

/** RFC 5952, with IPv4 notation for mapped and compatible addresses (`inet_ntop` of glibc). */
export function printIPv6(address: bigint): string {
  BYTES.setBigUint64(0, address >> 64n);
  BYTES.setBigUint64(8, address);
  const { start, length } = longestZeros();
  if (start === 0 && (length === 6 || (length === 5 && BYTES.getUint16(10) === 0xffff))) {
    return `${length === 6 ? '::' : '::ffff:'}${printIPv4(address & 0xffffffffn)}`;
  }
  return length < 2 ? groupsText(0, 8) : `${groupsText(0, start)}::${groupsText(start + length, 8)}`;
}

const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16));
const PADDED_BYTES = HEX_BYTES.map((text) => text.padStart(2, '0'));

/** Groups of `BYTES` with colons between. */
function groupsText(from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const [high, low] = [BYTES.getUint8(2 * i), BYTES.getUint8(2 * i + 1)];
    if (i > from) text += ':';
    text += high === 0 ? HEX_BYTES[low] : HEX_BYTES[high] + PADDED_BYTES[low];
  }
  return text;
}

/** First of the longest runs of zero groups in `BYTES`. */
function longestZeros(): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && BYTES.getUint16(2 * (start + length)) === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

export function printAddress(address: bigint, family: Family): string {
  return family === 'v4' ? printIPv4(address) : printIPv6(address);
}

/** The mask as `/length` or `/address`, empty where it is all ones. */
export function printMask(mask: bigint, family: Family): string {
  const length = prefixLength(mask, family);
  if (length === undefined) return `/${printAddress(mask, family)}`;
  return length === addressBits(family) ? '' : `/${length}`;
}

/** `address[/mask]` of the options that are called `XTTYPE_HOSTMASK`; printed with its host bits. */
export const hostMask: ValueType<MaskedAddress> = {
  arity: 1,
  placeholder: 'address[/mask]',
  parse: ([word], { family }) => parseHostMask(word, family),
  print: ({ address, mask }, { family }) => [`${printAddress(address, family)}${printMask(mask, family)}`],
};

/** One address, as `getaddrinfo` reads it (`XTTYPE_HOST`). */
export const host: ValueType<bigint> = {
  arity: 1,
  placeholder: 'address',
  parse: ([word], { family }) => parseHost(word, family),
  print: (address, { family }) => [printAddress(address, family)],
};
