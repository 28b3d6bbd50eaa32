import type { Family } from '../../grammar/model/family.js';
import { parseIPv6 } from '../../grammar/modules/value/address.js';

/** An address of either family: four decimal numbers with dots, or an IPv6 text form. Undefined if it is neither. */
export function parseAddress(text: string): { readonly family: Family; readonly address: bigint } | undefined {
  if (text.includes(':')) {
    const address = parseIPv6(text);
    return address === undefined ? undefined : { family: 'v6', address };
  }
  const octets = text.split('.');
  if (octets.length !== 4 || octets.some((octet) => !/^\d{1,3}$/.test(octet) || Number(octet) > 255)) return undefined;
  return { family: 'v4', address: octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n) };
}

/** Six bytes in hexadecimal with colons or dashes. Undefined if it is none. */
export function parseMac(text: string): bigint | undefined {
  const bytes = text.split(/[:-]/);
  if (bytes.length !== 6 || bytes.some((byte) => !/^[0-9a-fA-F]{2}$/.test(byte))) return undefined;
  return BigInt(`0x${bytes.join('')}`);
}

export function printMac(mac: bigint): string {
  return [40n, 32n, 24n, 16n, 8n, 0n].map((shift) => ((mac >> shift) & 0xffn).toString(16).padStart(2, '0')).join(':');
}
